"""Records as rows of a page: names, words and dates out of the read model, nothing concluded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

from clinical import current, problems
from clinical.problems import status_words
from clinical.text import one_line
from fhir.display import AllergyIntolerance, Condition, MedicationRequest
from fhir.records import CodeableConcept, Medication
from launch.dated import Dated, dated
from launch.reader import Shown

_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list. `tag`: what makes it other than what the list is of."""

    name: str
    notes: tuple[str, ...] = ()
    tag: str = ""
    date: Dated | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """The lines of a section; `left_out`: how many records of it are over or denied."""

    rows: list[Row] = field(default_factory=list)
    left_out: int = 0


def problem_rows(shown: Shown, zone: tzinfo) -> Rows:
    """Live problems, the latest first."""
    found = [each for each in shown.records if isinstance(each, Condition)]
    live = [each for each in found if problems.is_live(each)]
    return Rows(_latest_first(_problem(each, zone) for each in live), len(found) - len(live))


def allergy_rows(shown: Shown, zone: tzinfo) -> Rows:
    """Live allergies, those of high risk first."""
    found = [each for each in shown.records if isinstance(each, AllergyIntolerance)]
    live = [each for each in found if current.is_live_allergy(each)]
    live.sort(key=lambda each: each.criticality != "high")
    return Rows([_allergy(each, zone) for each in live], len(found) - len(live))


def medication_rows(shown: Shown, zone: tzinfo) -> Rows:
    """Current orders, the latest first."""
    found = [each for each in shown.records if isinstance(each, MedicationRequest)]
    live = [each for each in found if current.is_current_order(each)]
    rows = _latest_first(_medication(each, shown.medicines, zone) for each in live)
    return Rows(rows, len(found) - len(live))


def named(concept: CodeableConcept | None, otherwise: str) -> str:
    """What a concept is called: its own text, else a display, else its code."""
    if concept is None:
        return otherwise
    displays = [coding.display for coding in concept.coding]
    codes = [f"code {coding.code}" for coding in concept.coding if coding.code]
    said = next((each for each in (concept.text, *displays, *codes) if each and each.strip()), "")
    return one_line(said, _LONGEST) or otherwise


def _latest_first(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.date.iso if row.date else "", reverse=True)


def _problem(each: Condition, zone: tzinfo) -> Row:
    doubt = status_words(each.verification_status) & {"unconfirmed", "provisional", "differential"}
    onset = each.onset_date_time or (each.onset_period.start if each.onset_period else None)
    notes = () if onset or not each.onset_string else (f"since {one_line(each.onset_string, 60)}",)
    if not onset and not notes and each.recorded_date:
        notes = ("date of recording, onset not known",)
    name = named(each.code, "Problem without a name")
    for suffix in (" (disorder)", " (finding)"):
        name = name.removesuffix(suffix)
    return Row(name, notes, next(iter(doubt), ""), dated(onset or each.recorded_date, zone))


_CRITICALITIES = {"high": "high risk", "low": "low risk"}


def _allergy(each: AllergyIntolerance, zone: tzinfo) -> Row:
    reactions = [
        _reaction(manifestation, reaction.severity)
        for reaction in each.reaction
        for manifestation in reaction.manifestation
    ]
    doubt = status_words(each.verification_status) & {"unconfirmed", "presumed"}
    return Row(
        named(each.code, "Substance not named"),
        ("; ".join(reactions) or "reaction not recorded",),
        _CRITICALITIES.get(each.criticality or "", "") or next(iter(doubt), ""),
        dated(each.onset_date_time or each.recorded_date, zone),
    )


def _reaction(manifestation: CodeableConcept, severity: str | None) -> str:
    said = named(manifestation, "reaction not named")
    return f"{said}, {severity}" if severity in ("mild", "moderate", "severe") else said


_STATES = {"on-hold": "on hold", "draft": "draft", "unknown": "status unknown", None: "no status"}


def _medication(each: MedicationRequest, medicines: Mapping[str, Medication], zone: tzinfo) -> Row:
    dosages = [dose.text or dose.patient_instruction for dose in each.dosage_instruction]
    told = [one_line(dose, _LONGEST) for dose in dosages if dose]
    tag = _STATES.get(each.status, "" if each.status == "active" else f"{each.status}")
    if each.intent == "plan":
        tag = tag or "planned"
    if each.do_not_perform:
        tag = "not to be given"
    return Row(
        _medicine(each, medicines),
        (" Then: ".join(told) or "dose not recorded",),
        one_line(tag, 30),
        dated(each.authored_on, zone),
    )


def _medicine(each: MedicationRequest, medicines: Mapping[str, Medication]) -> str:
    """The medicine by the order itself, by what it contains, or by what came along."""
    reference = each.medication_reference
    target = (reference and reference.reference) or ""
    inside = next((one for one in each.contained if target == f"#{one.id.lstrip('#')}"), None)
    key = "/".join(target.partition("/_history/")[0].split("/")[-2:])
    beside = inside or medicines.get(key)
    concepts = (each.medication_codeable_concept, beside.code if beside else None)
    said = next((name for name in (named(one, "") for one in concepts) if name), "")
    display = one_line((reference and reference.display) or "", _LONGEST)
    return said or display or "Medicine without a name"
