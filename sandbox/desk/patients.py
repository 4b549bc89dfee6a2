"""The patient list: who is here with the story of each, which charts are open, who is signed in."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.cds.visit import Visit
from sandbox.fhir.bundles import contents, staff
from sandbox.fhir.store import Store
from sandbox.http.answer import Answer, Resource
from sandbox.pages import words
from sandbox.pages.page import page

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


@cache
def staff_members() -> Mapping[str, str]:
    """Who works here: their names by `Practitioner/id`."""
    return {
        f"Practitioner/{each['id']}": words.full_name(each)
        for each in contents([staff()])
        if each["resourceType"] == "Practitioner"
    }


def listed(store: Store, query: Mapping[str, str], user: str, charts: Iterable[Visit]) -> Answer:
    """The list, narrowed by `q` (name, id or story); `inactive` and `all` show what is left out.

    `user` is who is signed in, `charts` are those that are open.
    """
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
        user=user,
        members=staff_members(),
        charts=[_chart(store, each, today) for each in charts],
        asked=asked,
        n_found=len(found),
        n_here=len(here),
        inactive=inactive,
        n_inactive=sum(each.get("active") is False for each in everybody),
    )


def _chart(store: Store, visit: Visit, today: date) -> dict[str, Any]:
    patient = store.read("Patient", visit.patient_id) or {"id": visit.patient_id}
    return {
        "who": words.person(patient, today),
        "id": visit.id,
        "n_drafts": len(visit.drafts),
        "opened": visit.opened,
        "user": staff_members().get(visit.user, visit.user),
    }


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
