"""A patient's record as rows of tables, newest first; the pages only lay them out.

Read from the store at each request. What was entered in error stays in its row, marked as void.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, TypeVar

from sandbox.fhir.store import Store
from sandbox.http.answer import Resource
from sandbox.pages import words

Flag = Literal["critical", "warning", "unknown", ""]

_FLAGS: dict[str, tuple[Flag, str]] = {
    "HH": ("critical", "critical high"),
    "LL": ("critical", "critical low"),
    "AA": ("critical", "critical"),
    "H": ("warning", "high"),
    "L": ("warning", "low"),
    "A": ("warning", "abnormal"),
    "R": ("", "resistant"),
    "S": ("", "susceptible"),
}
_DOUBTFUL = ("unconfirmed", "provisional", "differential")
_ACTIVE = ("active", "", "on hold", "recurrence", "relapse", *_DOUBTFUL)
_CATEGORIES = ("laboratory", "vital-signs")


@dataclass(frozen=True)
class Row:
    """One line of a table. `date` is as the record tells it; `state` is '' where it is ordinary."""

    id: str
    what: str
    more: str
    date: str
    state: str = ""
    void: bool = False


@dataclass(frozen=True)
class Result(Row):
    """One observation. `flag` is the laboratory's own judgement, `word` says it.

    `exact` is the value as it was sent, where `value` is rounded; else ''.
    """

    value: str = ""
    unit: str = ""
    limits: str = ""
    flag: Flag = ""
    word: str = ""
    exact: str = ""


AnyRow = TypeVar("AnyRow", bound=Row)


class Record:
    """What the store has of one patient."""

    def __init__(self, store: Store, patient_id: str) -> None:
        self._store = store
        self._patient_id = patient_id

    def problems(self) -> list[Row]:
        """Conditions, the active ones first."""
        return _active_first(map(_problem, self._all("Condition")))

    def medications(self) -> list[Row]:
        """Medication requests and statements, the active ones first."""
        requests = map(self._medication, self._all("MedicationRequest"))
        return _active_first([*requests, *map(self._medication, self._all("MedicationStatement"))])

    def allergies(self) -> list[Row]:
        """Allergies and intolerances, and that there are none if the record says so."""
        return _active_first(map(_allergy, self._all("AllergyIntolerance")))

    def results(self, category: str = "") -> list[Result]:
        """Observations: of one category, of neither of the two that have a name, or all."""
        rows = [
            _result(each)
            for each in self._all("Observation")
            if not category or _category(each) == category
        ]
        return sorted(rows, key=lambda row: words.place(row.date), reverse=True)

    def reports(self) -> list[Row]:
        """Diagnostic reports with their conclusions."""
        return _newest_first(
            _row(each, "code", str(each.get("conclusion", "")), "effectiveDateTime", "issued")
            for each in self._all("DiagnosticReport")
        )

    def appointments(self) -> list[Row]:
        """Appointments, those that are still to come first, the next one on top."""
        rows = [_appointment(each) for each in self._all("Appointment")]
        now = datetime.now(UTC)
        ahead = [row for row in rows if words.place(row.date) >= now]
        past = [row for row in rows if words.place(row.date) < now]
        return sorted(ahead, key=lambda row: words.place(row.date)) + _newest_first(past)

    def encounters(self) -> list[Row]:
        """Visits that took place or are taking place."""
        return _newest_first(map(_encounter, self._all("Encounter")))

    def vaccines(self) -> list[Row]:
        """Immunizations."""
        return _newest_first(
            _row(each, "vaccineCode", "", "occurrenceDateTime")
            for each in self._all("Immunization")
        )

    def procedures(self) -> list[Row]:
        """Procedures."""
        return _newest_first(
            _row(each, "code", "", "performedDateTime", "performedPeriod")
            for each in self._all("Procedure")
        )

    def _all(self, resource_type: str) -> list[Resource]:
        return self._store.search(resource_type, [("patient", self._patient_id)])

    def _medication(self, order: Resource) -> Row:
        return _row(
            {**order, "name": [medication(self._store, order)]},
            "name",
            dosage(order),
            "authoredOn",
            "effectiveDateTime",
            "effectivePeriod",
            "dateAsserted",
        )


def medication(store: Store, order: Resource) -> Resource:
    """The concept that a medication order is for, wherever the order keeps it."""
    if "medicationCodeableConcept" in order:
        return words.first(order["medicationCodeableConcept"])
    reference = words.first(order.get("medicationReference"))
    target = str(reference.get("reference", ""))
    found: Resource | None = None
    if target.startswith("#"):
        contained = words.objects(order.get("contained"))
        found = next((each for each in contained if each.get("id") == target[1:]), None)
    elif target:
        found = store.read(*target.rpartition("/")[::2])
    told = words.first((found or {}).get("code"))
    return told or {"text": str(reference.get("display") or "medication not named")}


def dosage(order: Resource) -> str:
    """The instructions of a medication order in its own words."""
    element = order.get("dosageInstruction", order.get("dosage"))
    told = [str(each["text"]) for each in words.objects(element) if each.get("text")]
    return "; ".join(told)


def _row(resource: Resource, name: str, more: str, *dates: str) -> Row:
    told = str(resource.get("status", ""))
    return Row(
        id=str(resource["id"]),
        what=words.concept(resource.get(name)) or "not named",
        more=more,
        date=words.when(resource, *dates),
        state=words.status(told),
        void=told == "entered-in-error",
    )


def _problem(condition: Resource) -> Row:
    verification = words.status(condition.get("verificationStatus"))
    clinical = words.status(condition.get("clinicalStatus"))
    categories = {words.code_of(each) for each in words.objects(condition.get("category"))}
    doubtful = verification not in ("", "confirmed")
    state = verification if doubtful else clinical
    if doubtful and clinical in ("inactive", "remission", "resolved"):
        state = f"{clinical}, {verification}"
    return Row(
        id=str(condition["id"]),
        what=words.concept(condition.get("code")) or "not named",
        more="of an encounter" if "encounter-diagnosis" in categories else "",
        date=words.when(condition, "onsetDateTime", "onsetPeriod", "recordedDate"),
        state=state,
        void=verification in ("entered in error", "refuted"),
    )


def _allergy(allergy: Resource) -> Row:
    row = _problem(allergy)
    reactions = [
        " ".join(
            part
            for part in (
                ", ".join(
                    filter(None, map(words.concept, words.objects(each.get("manifestation"))))
                ),
                f"({each['severity']})" if each.get("severity") else "",
            )
            if part
        )
        for each in words.objects(allergy.get("reaction"))
    ]
    risk = {"high": "high risk", "unable-to-assess": "risk not known"}
    told = [*reactions, risk.get(str(allergy.get("criticality")), "")]
    date = words.when(allergy, "onsetDateTime", "recordedDate")
    return Row(row.id, row.what, "; ".join(filter(None, told)), date, row.state, row.void)


def _result(observation: Resource) -> Result:
    told = str(observation.get("status", ""))
    shown, unit = words.value(observation)
    exact = words.value(observation, exact=True)[0]
    if not shown:
        absent = words.concept(observation.get("dataAbsentReason"))
        shown = f"no value ({absent})" if absent else "no value"
    flag, word = _FLAGS.get(words.code_of(observation.get("interpretation")), ("", ""))
    dates = ("effectiveDateTime", "effectiveInstant", "effectivePeriod", "issued")
    return Result(
        id=str(observation["id"]),
        what=words.concept(observation.get("code")) or "not named",
        more=" ".join(str(note.get("text", "")) for note in words.objects(observation.get("note"))),
        date=words.when(observation, *dates),
        state="" if told == "final" else words.status(told),
        void=told in ("entered-in-error", "cancelled"),
        value=shown,
        unit=unit,
        limits=words.limits(observation),
        flag=flag,
        word=word,
        exact=exact if unit and exact != shown else "",
    )


def _category(observation: Resource) -> str:
    codes = {words.code_of(each) for each in words.objects(observation.get("category"))}
    return next((each for each in _CATEGORIES if each in codes), "other")


def _appointment(appointment: Resource) -> Row:
    reason = words.concept(appointment.get("cancelationReason"))
    with_whom = [
        str(actor["display"])
        for part in words.objects(appointment.get("participant"))
        if "display" in (actor := words.first(part.get("actor")))
    ]
    service = words.concept(appointment.get("serviceType"))
    return Row(
        id=str(appointment["id"]),
        what=str(appointment.get("description") or service or "appointment"),
        more="; ".join(filter(None, [service, *with_whom, reason])),
        date=words.when(appointment, "start"),
        state=words.status(appointment.get("status")),
        void=appointment.get("status") in ("cancelled", "entered-in-error"),
    )


def _encounter(encounter: Resource) -> Row:
    kind = words.first(encounter.get("class"))
    told = str(kind.get("display") or kind.get("code", ""))
    reason = words.concept(encounter.get("reasonCode"))
    return Row(
        id=str(encounter["id"]),
        what=words.concept(encounter.get("type")) or told or "encounter",
        more=reason,
        date=words.when(encounter, "period"),
        state=words.status(encounter.get("status")),
        void=encounter.get("status") == "entered-in-error",
    )


def _newest_first(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: words.place(row.date), reverse=True)


def _active_first(rows: Iterable[Row]) -> list[Row]:
    inactive: Callable[[Row], bool] = lambda row: row.void or not is_active(row)  # noqa: E731
    return sorted(_newest_first(rows), key=inactive)


def newest_of_each(rows: Iterable[AnyRow]) -> list[AnyRow]:
    """Of rows that are newest first, the first of each name, without those that are void."""
    kept: dict[str, AnyRow] = {}
    for row in rows:
        if not row.void:
            kept.setdefault(row.what, row)
    return list(kept.values())


def counted(rows: Iterable[Row]) -> list[Row]:
    """The newest of each name, which says how often it is there."""
    every = [row for row in rows if not row.void]
    times = Counter(row.what for row in every)
    return [
        replace(row, more=f"{times[row.what]} times") if times[row.what] > 1 else row
        for row in newest_of_each(every)
    ]


def is_active(row: Row) -> bool:
    """Whether the row is of what goes on now."""
    return row.state in _ACTIVE
