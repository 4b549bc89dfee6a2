"""The patient list: who is here, and in a sentence what the story of each is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.desk import words
from sandbox.desk.page import page
from sandbox.fhir.store import Store
from sandbox.http.answer import Answer, Resource

_AT_ONCE = 100
_STORY = re.compile(r"^`(?P<id>[\w-]+)`: [^.]*?, \d+\. (?P<text>.+)$", re.MULTILINE)
_ORDER = re.compile(r"^\| order-sign \| (?P<again>renewal of )?[^|]*?\((?P<code>[\d-]+)\)", re.M)


@dataclass(frozen=True)
class Wanted:
    """An order that a story is about: `renewal` if the chart has it already."""

    code: str
    renewal: bool


@dataclass(frozen=True)
class Story:
    """What the index of the shipped patients tells of one of them."""

    text: str
    orders: tuple[Wanted, ...]


@cache
def stories() -> Mapping[str, Story]:
    """The stories of the shipped patients by patient id."""
    index = (Path(__file__).parents[1] / "patients" / "README.md").read_text("utf-8")
    found = {}
    for section in index.split("\n## ")[1:]:
        if told := _STORY.search(section):
            orders = (Wanted(o["code"], bool(o["again"])) for o in _ORDER.finditer(section))
            found[told["id"]] = Story(told["text"], tuple(dict.fromkeys(orders)))
    return found


def listed(store: Store, query: Mapping[str, str]) -> Answer:
    """The list, narrowed by `q` (name, id or story); `inactive` and `all` show what is left out."""
    asked = query.get("q", "").strip()
    inactive = "inactive" in query
    today = datetime.now(UTC).date()
    everybody = store.all("Patient")
    here = [each for each in everybody if inactive or each.get("active") is not False]
    found = [each for each in here if _matches(each, asked)]
    found.sort(key=lambda each: words.full_name(each).casefold())
    shown = found if "all" in query else found[:_AT_ONCE]
    rows = [_row(each, words.person(each, today)) for each in shown]
    return page(
        "patient_list.html",
        rows=rows,
        asked=asked,
        n_found=len(found),
        n_here=len(here),
        inactive=inactive,
        n_inactive=sum(each.get("active") is False for each in everybody),
    )


def _matches(patient: Resource, asked: str) -> bool:
    story = stories().get(patient["id"])
    names = (
        f"{words.full_name(n)}" for n in ({**patient, "name": [one]} for one in _names(patient))
    )
    told = " ".join([patient["id"], *names, story.text if story else ""]).casefold()
    return all(part in told for part in asked.casefold().replace(",", " ").split())


def _names(patient: Resource) -> list[Resource]:
    return list(words.objects(patient.get("name")))


def _row(patient: Resource, who: words.Person) -> dict[str, Any]:
    story = stories().get(patient["id"])
    return {
        "who": who,
        "story": story.text if story else "",
        "active": patient.get("active") is not False,
    }
