"""The standard prefetch keys: one template each, so that an EHR configures and answers each once.

Narrowed by code and status instead of by date, since older clients cannot fill date tokens; what
is too old is left out by the check. Conditions and allergies are not filtered by status: servers
differ where the element is absent.
"""

from __future__ import annotations

from clinical import codes
from clinical.codes import CodeSet


def _search(type_: str, *params: str) -> str:
    return f"{type_}?" + "&".join(("patient={{context.patientId}}", *params))


def _code(*sets: CodeSet) -> str:
    return "code=" + ",".join(f"{row.system}|{row.code}" for each in sets for row in each)


PATIENT = "Patient/{{context.patientId}}"
MEDICATIONS = _search("MedicationRequest", "status=active")
ALLERGIES = _search("AllergyIntolerance")
CONDITIONS = _search("Condition")
ORDERS = _search("ServiceRequest", "status=active")
# Every result that a check reads, and nothing else of a chart of many years.
LABS = _search(
    "Observation", _code(codes.load("creatinine"), codes.load("egfr"), codes.load("hba1c"))
)
# Procedures that show hospice or palliative care, which silences screening and targets.
HOSPICE_CARE = _search(
    "Procedure",
    _code(codes.load("hospice-palliative"), codes.load("hospice-palliative-visits")),
)
