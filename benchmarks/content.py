"""What the clinical content takes beside the decoding of the same bytes, in this process.

Every service that ships, on one patient: the answers to its prefetch are read, its checks run and
their findings are curated. `python -m benchmarks.content BUNDLE` measures a patient of your own (a
FHIR Bundle with all of the record) instead of one made here, and the record twice and four times
over, to show how the time grows.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import bodies
from benchmarks.table import Row, at_most, show
from clinical.curate import curate
from fhir.bundle import CHART
from fhir.records import (
    CodeableConcept,
    Draft,
    MedicationRequest,
    Patient,
    Record,
    ServiceRequest,
)
from hooks import registry
from hooks.contexts import OrderSign
from hooks.registry import Service

_TARGET = 3.0
_TIMES = 25
_MOST_CARDS = 5
_ORDERED = ("ibuprofen 800 mg", "warfarin 5 mg", "spironolactone 25 mg", "citalopram 20 mg")
_TEST = '{"coding": [{"system": "http://loinc.org", "code": "4548-4"}]}'


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds for one service: to decode the answers, and for all that follows."""

    decoded: float
    judged: float

    @property
    def ratio(self) -> float:
        return self.judged / self.decoded


def run(bundle: Path | None = None) -> None:
    """Measure all and print what was found."""
    services = registry.Registry(registry.find()).all
    rows: list[Row] = []
    for times in (1, 2, 4):
        record = _record(bundle, times)
        size = sum(map(len, record.values()))
        for service in services:
            taken = _service(service, record)
            rows.append(
                (
                    f"{service.id}, {size / 1000:,.0f} kB",
                    f"{taken.decoded * 1e3:.1f}",
                    f"{taken.judged * 1e3:.1f}",
                    at_most(taken.ratio, _TARGET),
                )
            )
    show(
        "Clinical content / typed decode of the same bytes",
        f"ms CPU, the least of {_TIMES}; each service reads all records of the types of its keys",
        ("", "decode", "checks", "ratio"),
        rows,
    )


def _record(bundle: Path | None, times: int) -> dict[str, bytes]:
    """All records of a patient by type, so many times over, each type as one searchset."""
    if bundle is None:
        entries = _made()
    else:
        entries = [each["resource"] for each in json.loads(bundle.read_bytes())["entry"]]
    by_type: dict[str, list[Any]] = {}
    for resource in entries:
        by_type.setdefault(resource["resourceType"], []).append({"resource": resource})
    return {
        name: json.dumps(
            {"resourceType": "Bundle", "type": "searchset", "entry": each * times}
        ).encode()
        for name, each in by_type.items()
    }


def _made() -> list[Any]:
    """A patient of the size of the largest ones that Synthea makes."""
    key = {"labs": "Observation?patient={{context.patientId}}"}
    key |= {"patient": "Patient/{{context.patientId}}"}
    key |= {"conditions": "Condition?patient={{context.patientId}}"}
    prefetch = json.loads(bodies.call(key, bodies.SIZES["1000 kB"]))["prefetch"]
    found = [
        each["resource"] for name in ("labs", "conditions") for each in prefetch[name]["entry"]
    ]
    return [prefetch["patient"], *found]


def _service(service: Service, record: Mapping[str, bytes]) -> Taken:
    wanted = {parameter.type.__name__ for parameter in service.parameters}
    given = {name: answer for name, answer in record.items() if name in wanted}

    def decode() -> dict[str, list[Any]]:
        return {name: [each.resource for each in _entries(raw)] for name, raw in given.items()}

    def judge(records: Mapping[str, list[Any]]) -> None:
        values: dict[str, Any] = {"today": date.today(), "zone": UTC, "context": _context()}
        values = {name: value for name, value in values.items() if name in service.extras}
        for parameter in service.parameters:
            found = records.get(parameter.type.__name__, [])
            is_read = parameter.template.is_read
            values[parameter.key] = _patient(found) if is_read else found
        curate(service.function(**values), _MOST_CARDS)

    records = decode()
    return Taken(_least(decode), _least(lambda: judge(records)))


def _patient(found: list[Any]) -> Patient | None:
    """The patient, alive, so that the checks run. No encounter: orders of an outpatient."""
    patient = next((each for each in found if isinstance(each, Patient)), None)
    alive = {"deceased_boolean": None, "deceased_date_time": None}
    return msgspec.structs.replace(patient, **alive) if patient else None


def _entries(raw: bytes) -> list[Any]:
    bundle: Any = CHART.value(raw)
    return bundle.entry  # type: ignore[no-any-return]


def _least(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(_TIMES):
        began = time.thread_time()
        work()
        taken.append(time.thread_time() - began)
    return min(taken)


def _context() -> OrderSign:
    """Orders of medicines that have much to be checked, and of a test."""
    drafts = [
        _draft(MedicationRequest(f"d{n}", "draft", medication_codeable_concept=_called(name)))
        for n, name in enumerate(_ORDERED)
    ]
    test = msgspec.json.decode(_TEST, type=CodeableConcept)
    drafts.append(_draft(ServiceRequest("t1", "draft", code=test)))
    return OrderSign(
        user_id="Practitioner/p", patient_id=bodies.PATIENT_ID, draft_orders=tuple(drafts)
    )


def _draft(order: Record) -> Draft:
    return Draft(f"{type(order).__name__}/{order.id}", order, msgspec.json.encode(order))


def _called(name: str) -> CodeableConcept:
    return CodeableConcept(text=name)


if __name__ == "__main__":
    run(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
