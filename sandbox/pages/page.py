"""The pages of the development EHR. They say on top that all of its data is synthetic."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sandbox.http.answer import Answer, Resource
from sandbox.pages import words

_FOLDER = Path(__file__).parents[1] / "templates"
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def who(patient: Resource) -> str:
    """Name, date of birth and sex of a patient in one line."""
    sex = patient.get("gender", "sex not recorded")
    return f"{words.full_name(patient)} · {words.born(patient)} · {sex}"


_TEMPLATES.filters.update(
    who=who, name=words.full_name, born=words.born, day=words.day, moment=words.moment
)


def page(
    name: str, status: int = 200, *, form_action: str = "", frames: str = "", **values: Any
) -> Answer:
    """A page made of a template.

    `form_action` is a further origin that its forms lead to, by a redirect for example, and
    `frames` those that it may have in frames.
    """
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; "
        "connect-src 'self'; "
        f"form-action 'self' {form_action}; frame-src 'self' {frames}; "
        "base-uri 'none'; frame-ancestors 'self'"
    )
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Answer(status, _TEMPLATES.get_template(name).render(**values).encode(), headers)


_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES = {path.name: path for path in _FOLDER.iterdir() if path.suffix in _KINDS}


def static(name: str) -> Answer | None:
    """A file for pages: a style sheet, a script, or the icon."""
    path = _FILES.get(name)
    if path is None:
        return None
    headers = {
        "Content-Type": f"{_KINDS[path.suffix]}; charset=utf-8",
        "X-Content-Type-Options": "nosniff",
    }
    return Answer(200, path.read_bytes(), headers)
