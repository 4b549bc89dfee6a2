"""Prefetch templates: `Type/{{token}}` or `Type?name=value&name={{token}}`, and their lint.

Only what CDS Hooks 2.0 defines and all clients fill (CDS Hooks 2.0, Prefetch Template): the fields
of the context that the hook marks as tokens, and the four user ids. A token that a client cannot
fill goes out literally and returns another query's answer, so newer syntax is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fhir.transport import Query

USER_TOKENS = frozenset(
    {"userPractitionerId", "userPractitionerRoleId", "userPatientId", "userRelatedPersonId"}
)

_TOKEN = re.compile(r"\{\{([^{}]*)\}\}")
_PATIENT = "{{context.patientId}}"
_TYPE = re.compile(r"[A-Z][A-Za-z]+")
_PARAM = re.compile(r"_?[a-z][A-Za-z-]*(:in)?")
# What clients send as it stands: no blanks, no encoding, no "+" (a blank in the public sandbox).
_VALUE = re.compile(r"[A-Za-z0-9:/|,._$-]+")
_DATE_PREFIX = re.compile(r"(eq|lt|gt|ge|le)?\d{4}")

# The newest entry may be entered in error, so a window must be wide enough to hold a good one.
SMALLEST_WINDOW = 20


class TemplateError(ValueError):
    """The template is one that a client may fail to fill or to run."""


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template. `window`: it asks for the newest `_count` entries, not for all."""

    text: str
    type: str
    id: str | None
    params: tuple[tuple[str, str], ...]
    window: bool

    @property
    def is_read(self) -> bool:
        return self.id is not None

    @property
    def tokens(self) -> frozenset[str]:
        return frozenset(_TOKEN.findall(self.text))

    def fill(self, tokens: Mapping[str, str]) -> Query | None:
        """The query with its tokens filled, or None where the context leaves one open."""
        try:
            return Query(
                self.type,
                _fill(self.id, tokens) if self.id is not None else None,
                tuple((name, _fill(value, tokens)) for name, value in self.params),
                follow=not self.window,
            )
        except KeyError:
            return None


def parse(text: str, tokens: frozenset[str]) -> Template:
    """Check a template against the tokens of its hooks. Raises TemplateError with the reason."""
    for token in _TOKEN.findall(text):
        if token not in tokens:
            raise TemplateError(f"{{{{{token}}}}} is not a prefetch token of this hook")
    if set("{}") & set(_TOKEN.sub("", text)):
        raise TemplateError("has braces that are no token")
    id_: str | None = None
    params: tuple[tuple[str, str], ...] = ()
    if "?" in text:
        type_, _, query = text.partition("?")
    else:
        type_, _, id_ = text.partition("/")
        if not _TOKEN.fullmatch(id_):
            raise TemplateError("a read is written Type/{{token}}")
    if not _TYPE.fullmatch(type_):
        raise TemplateError(f"{type_!r} is not a resource type")
    if id_ is None:
        params = _params(query)
    return Template(text, type_, id_, params, any(name == "_count" for name, _ in params))


def _params(query: str) -> tuple[tuple[str, str], ...]:
    params = tuple(
        (name, value) for name, _, value in (part.partition("=") for part in query.split("&"))
    )
    names = [name for name, _ in params]
    if not {("patient", _PATIENT), ("subject", _PATIENT)} & set(params):
        raise TemplateError(f"a search is for this patient: patient={_PATIENT}")
    for name, value in params:
        if name in ("patient", "subject") and value != _PATIENT:
            raise TemplateError(f"{name} is {_PATIENT}")
        if not _VALUE.fullmatch(_TOKEN.sub("x", value)):
            raise TemplateError(f"parameter {name!r} has no value, or one that clients may change")
        if name == "_sort":
            if value != "-date":
                raise TemplateError("sort with _sort=-date, which every server and client knows")
        elif name == "_count":
            if not re.fullmatch("[0-9]+", value) or int(value) < SMALLEST_WINDOW:
                raise TemplateError(f"_count is a number of at least {SMALLEST_WINDOW}")
        elif name.startswith("_") and name != "_id":
            raise TemplateError(f"{name} is outside the subset that clients are asked to support")
        elif not _PARAM.fullmatch(name):
            raise TemplateError(f"{name!r} is outside the subset that clients are asked to support")
        elif name == "date" and not _DATE_PREFIX.match(value):
            raise TemplateError("a date is compared with eq, lt, gt, ge or le")
        if names.count(name) > 1:
            # The public sandbox joins repeated parameters with a comma, which means OR.
            raise TemplateError(f"parameter {name!r} stands twice; some clients merge the two")
    if "_count" in names and "_sort" not in names:
        raise TemplateError("a window (_count) needs _sort=-date")
    return params


def _fill(text: str, tokens: Mapping[str, str]) -> str:
    return _TOKEN.sub(lambda token: tokens[token[1]], text)
