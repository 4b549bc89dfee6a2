"""What the services would have said of a folder of records: counts, and nothing of a patient.

Each file is a FHIR Bundle. Its records answer the prefetch as an EHR's server would; each chart is
opened once, and each active order signed once more as a draft.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, tzinfo
from pathlib import Path
from typing import Any

from clinical.curate import curate
from fhir.transport import Transport
from hooks.arguments import arguments
from hooks.kernel import most_cards
from hooks.policy import Policy
from hooks.prefetch import answers
from hooks.registry import Registry, Service
from hooks.request import parse
from hooks.template import Template
from hooks.unmapped import unmapped
from web.errors import Problem
from web.trust import Cds, Ehr

Json = dict[str, Any]
_INSTANCE = "9f0a3e5c-1d2b-4a6e-8c7f-2b4d6f8a0c1e"
_EHR = Ehr(id="census", cds=Cds())
_POLICY = Policy(Cds(), production=False)
_WIDTH = 40


class NoBundle(ValueError):
    """A file that holds no FHIR Bundle."""


@dataclass(slots=True)
class Census:
    """The counts so far."""

    patients: int = 0
    critical: int = 0
    above_info: int = 0
    refused: int = 0
    cards: Counter[tuple[str, str]] = field(default_factory=Counter)
    unmapped: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def add(self, file: Path, registry: Registry, today: date, zone: tzinfo) -> None:
        """All calls for the patients of one file. Raises NoBundle."""
        records = _records(file)
        for patient in (each for each in records if each["resourceType"] == "Patient"):
            own = [each for each in records if each is patient or _is_of(each, patient.get("id"))]
            self._patient(str(patient.get("id")), own, registry, today, zone)

    def _patient(
        self, id_: str, own: list[Json], registry: Registry, today: date, zone: tzinfo
    ) -> None:
        critical = 0
        for hook, context in _calls(id_, own):
            for service in registry.all:
                if hook not in service.hooks:
                    continue
                body = json.dumps(_body(service, hook, context, own)).encode()
                began = time.perf_counter()
                try:
                    told = _told(service, body, today, zone)
                except Problem:
                    self.refused += 1
                    continue
                self.seconds.append(time.perf_counter() - began)
                self.cards.update(told)
                critical += sum(indicator == "critical" for _, indicator in told)
                if hook == "patient-view":
                    self.above_info += sum(indicator != "info" for _, indicator in told)
            # An order that cannot be read was refused above.
            with suppress(Problem):
                request, _ = parse(json.dumps(_envelope(hook, context)).encode(), ())
                self.unmapped.update(unmapped(getattr(request.context, "draft_orders", ())))
        self.patients += 1
        self.critical += critical > 0

    def report(self) -> Iterator[str]:
        """The counts in lines of text."""
        calls = len(self.seconds)
        yield f"patients: {self.patients}"
        yield f"calls: {calls}; refused: {self.refused}"
        rates = {" ".join(key): 100 * n / calls for key, n in self.cards.most_common()}
        yield "cards per 100 calls:" if rates else "cards: none"
        most, width = max(rates.values(), default=1), max(map(len, rates), default=0)
        for name, rate in rates.items():
            bar = "#" * max(1, round(_WIDTH * rate / most))
            yield f"  {name:{width}} {rate:6.1f} {bar}"
        share = 100 * self.critical / max(1, self.patients)
        yield f"patients with a critical card: {share:.0f} % ({self.critical})"
        above = self.above_info / max(1, self.patients)
        yield f"cards above info a chart opening: {above:.2f}"
        yield "unmapped medicines:" if self.unmapped else "unmapped medicines: none"
        yield from (f"  {code}: {count}" for code, count in self.unmapped.most_common())
        if took := sorted(self.seconds):
            median, p95 = took[len(took) // 2], took[math.ceil(0.95 * len(took)) - 1]
            yield f"time per call: median {median * 1000:.1f} ms, p95 {p95 * 1000:.1f} ms"


def _told(service: Service, body: bytes, today: date, zone: tzinfo) -> list[tuple[str, str]]:
    request, owner = parse(body, (), service.keys)
    found = answers(service, request, owner, _EHR, Transport(()), 0)
    extras = {"context": request.context, "today": today, "zone": zone}
    values, _ = arguments(service, found, extras)
    results = _POLICY.graded(service.function(**values))
    chosen = curate(results, most_cards(request.hook), hides=_POLICY.hides)
    return [(each.rule, each.indicator) for each in chosen.findings]


def _calls(id_: str, own: list[Json]) -> Iterator[tuple[str, Json]]:
    context = {"userId": "Practitioner/census", "patientId": id_}
    yield "patient-view", context
    for order in own:
        if order["resourceType"] == "MedicationRequest" and order.get("status") == "active":
            entry = [{"resource": order | {"status": "draft"}}]
            yield (
                "order-sign",
                context | {"draftOrders": {"resourceType": "Bundle", "entry": entry}},
            )


def _envelope(hook: str, context: Json) -> Json:
    return {"hook": hook, "hookInstance": _INSTANCE, "context": context}


def _body(service: Service, hook: str, context: Json, own: list[Json]) -> Json:
    signed = {
        ("MedicationRequest", each["resource"].get("id"))
        for each in context.get("draftOrders", {}).get("entry", ())
    }
    # What is signed again is not on record as well.
    rest = [each for each in own if (each["resourceType"], each.get("id")) not in signed]
    prefetch = {each.key: _answer(each.template, rest) for each in service.parameters}
    return _envelope(hook, context) | {"prefetch": prefetch}


def _answer(template: Template, own: list[Json]) -> Json | None:
    found = [each for each in own if each["resourceType"] == template.type]
    if template.is_read:
        return found[0] if found and template.type == "Patient" else None
    params = dict(template.params)
    for name in ("code", "category", "status"):
        if name in params:
            wanted = set(params[name].split(","))
            found = [each for each in found if wanted & set(_tokens(each.get(name)))]
    if "_sort" in params:
        found = sorted(found, key=_when, reverse=True)
    if "_count" in params:
        found = found[: int(params["_count"])]
    entry = [{"resource": each, "search": {"mode": "match"}} for each in found]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entry}


def _tokens(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for concept in value if isinstance(value, list) else [value]:
        for coding in concept.get("coding", ()) if isinstance(concept, dict) else ():
            yield str(coding.get("code"))
            yield f"{coding.get('system')}|{coding.get('code')}"


def _when(record: Json) -> str:
    return str(record.get("effectiveDateTime") or record.get("start") or "")


def _is_of(record: Json, id_: Any) -> bool:
    actors: Iterable[Any] = [each.get("actor") for each in record.get("participant", ())]
    whose = [record.get("subject"), record.get("patient"), record.get("for"), *actors]
    return any(
        isinstance(each, dict) and each.get("reference") == f"Patient/{id_}" for each in whose
    )


def _records(file: Path) -> list[Json]:
    try:
        text = file.read_text(encoding="utf-8")
        bundle = json.loads(text)
        if bundle["resourceType"] != "Bundle":
            raise NoBundle
        # Synthea's references are the addresses of entries.
        for entry in bundle["entry"]:
            one = entry["resource"]
            if one["resourceType"] == "Patient" and str(entry.get("fullUrl")).startswith("urn:"):
                text = text.replace(f'"{entry["fullUrl"]}"', f'"Patient/{one["id"]}"')
        return [entry["resource"] for entry in json.loads(text)["entry"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoBundle from error
