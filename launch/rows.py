"""Records as rows of a page: names, words and dates out of the read model, nothing concluded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

from clinical import current, problems
from clinical.problems import status_words
from clinical.text import one_line
from fhir.display import AllergyIntolerance, Condition, MedicationRequest, Reaction
from fhir.records import CodeableConcept, Medication
from launch.amounts import phrase
from launch.dated import Dated, dated
from launch.doses import doses
from launch.reader import Shown

# A name is wrapped, and not cut within reason.
_LONGEST = 1000
_DENIED = frozenset({"entered-in-error", "refuted"})
# SNOMED CT: no known allergy, and the same of drugs, food, the environment, animals.
_NONE_KNOWN = {"716186003", "409137002", "429625007", "428607008", "716220001"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list. `tag`: what makes it other than what the list is of."""

    name: str
    notes: tuple[str, ...] = ()
    tag: str = ""
    date: Dated | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """The lines of a section, and how many records of it have none.

    `past`: it was so and is over; `not_so`: refuted, a mistake, or never more than an idea.
    `statements`: lines that say that there is none.
    """

    rows: list[Row] = field(default_factory=list)
    past: int = 0
    not_so: int = 0
    statements: int = 0


def problem_rows(shown: Shown, zone: tzinfo) -> Rows:
    """Live problems, the latest first."""
    found = [each for each in shown.records if isinstance(each, Condition)]
    so = [each for each in found if not _is_denied(each)]
    live = [each for each in so if problems.is_live(each) and not _has_abated(each)]
    rows = _latest_first(_problem(each, zone) for each in live)
    return Rows(rows, len(so) - len(live), len(found) - len(so))


def allergy_rows(shown: Shown, zone: tzinfo) -> Rows:
    """Live allergies, those of high risk first."""
    found = [each for each in shown.records if isinstance(each, AllergyIntolerance)]
    so = [each for each in found if not _is_denied(each)]
    live = [each for each in so if current.is_live_allergy(each)]
    live.sort(key=lambda each: each.criticality != "high")
    rows = [_allergy(each, zone) for each in live]
    none = sum(map(_is_none_known, live))
    return Rows(rows, len(so) - len(live), len(found) - len(so), none)


def medication_rows(shown: Shown, zone: tzinfo) -> Rows:
    """Current orders, the latest first."""
    found = [each for each in shown.records if isinstance(each, MedicationRequest)]
    so = [
        each
        for each in found
        if each.status not in _NEVER_GIVEN and each.intent not in ("proposal", "option")
    ]
    live = [each for each in so if current.is_current_order(each)]
    rows = _latest_first(_medication(each, shown.medicines, zone) for each in live)
    return Rows(rows, len(so) - len(live), len(found) - len(so))


_NEVER_GIVEN = ("entered-in-error", "cancelled")


def _is_denied(each: Condition | AllergyIntolerance) -> bool:
    return bool(status_words(each.verification_status) & _DENIED)


def _has_abated(each: Condition) -> bool:
    """Whether it ended, where no status says otherwise."""
    ends = (
        each.abatement_age,
        each.abatement_range,
        each.abatement_period and each.abatement_period.end,
        each.abatement_string,
    )
    return any(ends) and not status_words(each.clinical_status)


def _is_none_known(each: AllergyIntolerance) -> bool:
    return any(one.code in _NONE_KNOWN for one in (each.code.coding if each.code else ()))


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
    on, notes = _onset(each)
    name = named(each.code, "Problem without a name")
    for suffix in (" (disorder)", " (finding)"):
        name = name.removesuffix(suffix)
    return Row(name, notes, next(iter(doubt), ""), dated(on, zone))


def _onset(each: Condition | AllergyIntolerance) -> tuple[str | None, tuple[str, ...]]:
    """A date for when it began, else that of its recording, and what is to be said of it."""
    if date := each.onset_date_time or (each.onset_period and each.onset_period.start):
        return date, ()
    age = each.onset_range.low if each.onset_range else each.onset_age
    if age:
        since = f"since the age of {phrase(age)}"
    else:
        since = f"since {one_line(each.onset_string, _LONGEST)}" if each.onset_string else ""
    if not each.recorded_date:
        return None, (since,) if since else ()
    recorded = ("date of recording",) if since else ("date of recording, onset not known",)
    return each.recorded_date, ((since,) if since else ()) + recorded


_CRITICALITIES = {"high": "high risk", "low": "low risk"}


def _allergy(each: AllergyIntolerance, zone: tzinfo) -> Row:
    reactions = filter(None, map(_reaction, each.reaction))
    doubt = status_words(each.verification_status) & {"unconfirmed", "presumed"}
    substances = (each.code, *(reaction.substance for reaction in each.reaction))
    name = next((name for name in (named(one, "") for one in substances) if name), "")
    on, notes = _onset(each)
    told = ("; ".join(reactions) or "reaction not recorded", *notes)
    return Row(
        name or "Substance not named",
        () if _is_none_known(each) else told,
        ", ".join(filter(None, (_CRITICALITIES.get(each.criticality or "", ""), *sorted(doubt)))),
        dated(on, zone),
    )


def _reaction(reaction: Reaction) -> str:
    said = [named(one, "reaction not named") for one in reaction.manifestation]
    if reaction.description:
        said.append(one_line(reaction.description, _LONGEST))
    severe = reaction.severity in ("mild", "moderate", "severe")
    # A severity is that of the whole reaction.
    return ", ".join((*said, *([reaction.severity] if severe and reaction.severity else [])))


_STATES = {"on-hold": "on hold", "draft": "draft", "unknown": "status unknown", None: "no status"}


def _medication(each: MedicationRequest, medicines: Mapping[str, Medication], zone: tzinfo) -> Row:
    tag = _STATES.get(each.status, "" if each.status == "active" else f"{each.status}")
    if each.intent == "plan":
        tag = tag or "planned"
    if each.do_not_perform:
        tag = "not to be given"
    return Row(
        _medicine(each, medicines),
        tuple(doses(each.dosage_instruction)) or ("dose not recorded",),
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
