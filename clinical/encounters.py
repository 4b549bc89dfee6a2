"""Where a patient is seen.

HL7 v3 ActEncounterCode, in which FHIR R4 tells the class of an encounter; before R4 a word of FHIR.
"""

from __future__ import annotations

from clinical.chart import Chart
from fhir.records import Coding

_IN_A_BED = frozenset({"IMP", "ACUTE", "NONAC", "OBSENC", "SS", "INPATIENT"})


def is_inpatient(chart: Chart) -> bool:
    """Whether the encounter is known to be a stay. Most EHRs name none at an order."""
    kind = chart.encounter.kind if chart.encounter else None
    if isinstance(kind, str):
        said = {kind}
    elif isinstance(kind, Coding):
        said = {kind.code or ""}
    else:
        said = {each.code or "" for concept in kind or () for each in concept.coding}
    return any(each.upper() in _IN_A_BED for each in said)
