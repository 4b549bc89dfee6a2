"""The problem list: which diagnoses are live, and how sure the record is of them.

FHIR R4, Condition. Only what the record calls over or denied is not live: an unknown word for a
status silences nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from clinical import dates
from clinical.chart import Chart, unreadable
from clinical.code_systems import ICD_10_CM, SNOMED_CT, canonical
from clinical.codes import Code, CodeSet
from clinical.dates import When
from clinical.text import Markdown, markdown
from fhir.records import CodeableConcept, Coding, Condition

_OVER = frozenset({"inactive", "resolved", "remission", "in-remission"})
_DENIED = frozenset({"entered-in-error", "refuted"})
_UNSURE = frozenset({"unconfirmed", "provisional", "differential"})


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A live diagnosis of one of our tables. `doubt`: "provisional" and the like, or nothing."""

    code: Code
    when: When
    doubt: str

    @property
    def name(self) -> str:
        """For a summary."""
        name = self.code.display.removesuffix(" (disorder)").removesuffix(" (finding)")
        return f"{name}, {self.doubt}" if self.doubt else name

    @property
    def told(self) -> Markdown:
        """For a detail: with its date, where the record has one."""
        if not self.when.told:
            return markdown("{name}", name=self.name)
        return markdown("{name}, {when}", name=self.name, when=self.when.told)


def live(chart: Chart, codes: CodeSet) -> Diagnosis | None:
    """The surest live diagnosis of a set; None where none is on record."""
    doubted = None
    for each in all_live(chart, codes):
        if not each.doubt:
            return each
        doubted = doubted or each
    return doubted


def all_live(chart: Chart, codes: CodeSet) -> Iterator[Diagnosis]:
    """The live diagnoses of a set, in the order of the record."""
    for each, code in chart.among(chart.conditions, codes):
        if is_live(each):
            doubt = status_words(each.verification_status) & _UNSURE
            yield Diagnosis(code, _when(chart, each), next(iter(doubt), ""))


def are_known(chart: Chart) -> bool:
    """Whether "none on record" may be concluded."""
    return chart.conditions is not None and not unreadable(chart.conditions)


def uncoded(chart: Chart) -> int:
    """How many live diagnoses have no code of a system that our tables use."""
    return sum(not is_coded(each.code) and is_live(each) for each in chart.conditions or ())


def is_live(condition: Condition) -> bool:
    """Not over and not denied, by its own words."""
    status = status_words(condition.clinical_status)
    ended = condition.abatement_date_time is not None and not status
    return not (ended or status & _OVER or status_words(condition.verification_status) & _DENIED)


def status_words(status: CodeableConcept | str | None) -> frozenset[str]:
    """What a status says; older servers send it as plain text.

    A local coding may stand beside that of HL7, which is the one with a known meaning. Where it
    stands alone, what it displays may have one.
    """
    if not isinstance(status, CodeableConcept):
        said = [status]
    elif known := [each.code for each in status.coding if _is_hl7(each) and each.code]:
        said = [*known]
    else:
        said = [status.text]
        for each in status.coding:
            said += [each.code, each.display]
    return frozenset("-".join(word.lower().split()) for word in said if word)


def _is_hl7(coding: Coding) -> bool:
    return "hl7.org" in (coding.system or "")


def _when(chart: Chart, condition: Condition) -> When:
    onset = dates.when(condition.onset_date_time, chart.zone, "since")
    return onset if onset.latest else dates.when(condition.recorded_date, chart.zone, "recorded")


def is_coded(concept: CodeableConcept | None) -> bool:
    """Whether it has a code of a system that our tables use."""
    return any(
        each.code and canonical(each.system or "") in (SNOMED_CT, ICD_10_CM)
        for each in (concept.coding if concept else ())
    )
