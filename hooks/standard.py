"""The standard prefetch keys: one template each, so that an EHR configures and answers each once.

Narrowed by code and status instead of by date, since older clients cannot fill date tokens; what
is too old is left out by the check. Conditions and allergies are not filtered by status: servers
differ where the element is absent.
"""

from __future__ import annotations

from clinical import codes


def _search(type_: str, *params: str) -> str:
    return f"{type_}?" + "&".join(("patient={{context.patientId}}", *params))


def _code(*sets: str) -> str:
    rows = {(row.system, row.code): None for name in sets for row in codes.load(name)}
    return "code=" + ",".join(f"{system}|{code}" for system, code in rows)


def _code_alone(*sets: str) -> str:
    """Hundreds of codes without their systems, since an address has only so much room. What they
    match in another system the checks leave aside.
    """
    return "code=" + ",".join(dict.fromkeys(row.code for name in sets for row in codes.load(name)))


PATIENT = "Patient/{{context.patientId}}"
ENCOUNTER = "Encounter/{{context.encounterId}}"
MEDICATIONS = _search("MedicationRequest", "status=active")
ALLERGIES = _search("AllergyIntolerance")
CONDITIONS = _search("Condition")
ORDERS = _search("ServiceRequest", "status=active")
STATEMENTS = _search("MedicationStatement", "status=active")
# Every result that a check of orders or of a chronic disease reads, and nothing else of a chart of
# many years.
LABS = _search(
    "Observation",
    _code(
        *("creatinine", "egfr", "metabolic-panels", "lab-potassium", "lab-magnesium"),
        *("hba1c", "lab-uacr", "lab-lipid", "lab-tsh", "lab-psa", "lab-inr"),
        *("lab-liver", "lab-cbc", "lab-pregnancy-test"),
    ),
)
# Results of screening.
SCREENING_TESTS = _search(
    "Observation",
    _code_alone(
        *("lab-fobt-fit", "lab-fit-dna", "obs-ct-colonography", "obs-mammography"),
        *("lab-pap", "lab-hpv", "lab-hcv", "lab-hiv", "lab-glucose"),
    ),
)
# Blood pressure, weight, body mass index and QT interval.
VITALS = _search("Observation", _code("vital-bp", "vital-weight", "vital-bmi", "obs-qt"))
SOCIAL = _search("Observation", _code("obs-smoking", "obs-pack-years", "obs-pregnancy-status"))
IMMUNIZATIONS = _search("Immunization")
# Imaging and pathology, by v2-0074 and by what US Core has for them: no notes of visits.
REPORTS = _search("DiagnosticReport", "category=RAD,CT,RUS,CP,PAT,LP29684-5,LP7839-6")
TASKS = _search("Task", "status=completed")
COMMUNICATIONS = _search("Communication", "status=completed")
# Windows: what is older wants no attention.
RECENT_LABS = _search("Observation", "category=laboratory", "_sort=-date", "_count=100")
APPOINTMENTS = _search("Appointment", "status=noshow,booked,pending", "_sort=-date", "_count=50")
# Procedures that show hospice or palliative care, which silences screening and targets.
HOSPICE_CARE = _search("Procedure", _code("hospice-palliative", "hospice-palliative-visits"))
# Procedures that silence what is said of an order: also a hysterectomy.
EXCLUDING_PROCEDURES = _search(
    "Procedure",
    _code("hospice-palliative", "hospice-palliative-visits", "proc-hysterectomy-no-cervix"),
)
PROCEDURES = _search("Procedure")
