"""The development EHR: a chart of 5,000 resources opens in the time that sending it takes.

Each search that the services' prefetch and the app's page make of a chart, as the EHR answers it
but for the sockets, against what no server can save: a dictionary that has the matches already,
and the encoding of their Bundle.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from urllib.parse import parse_qsl, urlsplit

import msgspec

from benchmarks import bodies
from benchmarks.bodies import PATIENT_ID, Chart, Resource
from benchmarks.table import Row, at_most, show
from hooks import standard
from launch.reader import TOPICS
from sandbox.fhir.rest import Records
from sandbox.http.listener import Request

_BASE = bodies.FHIR_SERVER
_TARGET = 1.0
_PEOPLE = 5
# Beside 4,000 Observations, half of them of the codes that the services ask for, and the Patient.
_OTHERS = {
    "Condition": 300,
    "MedicationRequest": 300,
    "Procedure": 200,
    "ServiceRequest": 189,
    "AllergyIntolerance": 10,
}
_STANDARD = {
    "medications": standard.MEDICATIONS,
    "allergies": standard.ALLERGIES,
    "conditions": standard.CONDITIONS,
    "orders": standard.ORDERS,
    "laboratory results": standard.LABS,
    "hospice care": standard.HOSPICE_CARE,
}


def run(times: int) -> None:
    """Search the chart so many times in each way, and print how that compares."""
    records = Records(map(_bundle, range(_PEOPLE)), _BASE, lambda _: (None, None))
    searches = {f"prefetch: {n}": _filled(template) for n, template in _STANDARD.items()}
    for topic in TOPICS:
        params = "&".join(f"{name}={value}" for name, value in topic.params)
        searches[f"page: {topic.name}"] = f"{topic.resource}?patient={PATIENT_ID}&{params}"
    measured = {n: _measured(records, address, times) for n, address in searches.items()}
    show(
        f"Searches of a chart of {sum(1 for _ in _resources(0)):,} resources / look-up + encoding",
        f"{times} in turn; milliseconds, medians; first: right after a write to the record\n"
        "found, sent: matches on all pages, and on the one that is answered",
        ("", "found", "sent", "search", "first", "look-up + encoding", "ratio", "first"),
        [*(_row(name, each) for name, each in measured.items()), _whole(list(measured.values()))],
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """How many matches a search has, and on its page; milliseconds of it and of the least."""

    found: int
    sent: int
    search: float
    first: float
    least: float


def _row(name: str, each: Measured) -> Row:
    figures = each.search, each.first, each.least
    ratios = each.search / each.least, each.first / each.least
    return (
        name,
        *(f"{count:,}" for count in (each.found, each.sent)),
        *(f"{figure:.3f}" for figure in figures),
        *(f"{ratio:.2f}" for ratio in ratios),
    )


def _whole(measured: Sequence[Measured]) -> Row:
    search, first, least = (
        sum(getattr(each, name) for each in measured) for name in ("search", "first", "least")
    )
    return (
        *("all of them", "", "", f"{search:.3f}", f"{first:.3f}", f"{least:.3f}"),
        *(at_most(search / least, _TARGET), f"{first / least:.2f}"),
    )


def _measured(records: Records, address: str, times: int) -> Measured:
    parts = urlsplit(address)
    request = Request("GET", f"/fhir/{parts.path}", parse_qsl(parts.query), None, address)
    page = records.answered(request)[0].resource
    found = {address: page.get("entry", [])}
    frame = {**page, "entry": None}
    a_record = records.store.search(parts.path, [("patient", PATIENT_ID)])[0]

    def least() -> None:
        msgspec.json.encode({**frame, "entry": found[address]})

    def search() -> None:
        records.answered(request)

    rounds: list[tuple[float, ...]] = []
    for _ in range(times):
        records.store.update(a_record)
        rounds.append((_taken(search), _taken(search), _taken(least)))
    first, again, bare = (median(column) * 1000 for column in zip(*rounds, strict=True))
    return Measured(page["total"], len(found[address]), again, first, bare)


def _taken(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _filled(template: str) -> str:
    return template.replace("{{context.patientId}}", PATIENT_ID)


def _bundle(person: int) -> Resource:
    return {"entry": [{"resource": resource} for resource in _resources(person)]}


def _resources(person: int) -> Iterator[Resource]:
    """The chart of one person; the first is the one who is asked for."""
    chart = Chart()
    patient_id = f"{PATIENT_ID[:-1]}-{person}" if person else PATIENT_ID
    yield {**chart.patient(), "id": patient_id}
    results = itertools.islice(chart.observations(""), 4000)
    problems = chart.conditions()
    # They are as long as the others, and every third is active.
    others = (
        {**next(problems), "resourceType": name, "status": "completed" if n % 3 else "active"}
        for name, count in _OTHERS.items()
        for n in range(count)
    )
    for number, resource in enumerate(itertools.chain(results, others)):
        kept = {**resource, "id": f"{person}-{number}"}
        if resource["resourceType"] == "AllergyIntolerance":
            del kept["subject"]
            kept["patient"] = {"reference": f"Patient/{patient_id}"}
        else:
            kept["subject"] = {"reference": f"Patient/{patient_id}"}
        if resource["resourceType"] == "Observation" and number % 4 == 0:
            kept["category"] = [{"coding": [{"code": "vital-signs"}]}]
        yield kept
