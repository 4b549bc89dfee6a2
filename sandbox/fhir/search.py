"""Search parameters: which a resource type has, and which resources satisfy one.

FHIR R4, "Search", and the search parameters at the end of each resource's page; only those
that prefetch templates use. A parameter that a type does not have is ignored, as lenient servers
do: a typing error in a template then shows as too many results.
"""

from collections.abc import Callable, Iterator
from typing import Any

from sandbox.fhir.dates import date_test
from sandbox.http.answer import Resource

Test = Callable[[Any], bool]

PARAMETERS: dict[str, tuple[str, ...]] = {
    resource_type: ("_id", *names.split())
    for resource_type, names in {
        "AllergyIntolerance": "patient code category clinical-status verification-status date",
        "Appointment": "patient status date",
        "CarePlan": "patient subject category status intent date",
        "Claim": "patient status",
        "Communication": "patient subject status",
        "Condition": "patient subject code category clinical-status verification-status",
        "DiagnosticReport": "patient subject code category status date",
        "Encounter": "patient subject status date",
        "ExplanationOfBenefit": "patient status",
        "Goal": "patient subject category",
        "ImagingStudy": "patient subject status",
        "Immunization": "patient status date",
        "Medication": "code status",
        "MedicationRequest": "patient subject code category status intent",
        "MedicationStatement": "patient subject code category status",
        "Observation": "patient subject code category status date",
        "Organization": "",
        "Patient": "",
        "Practitioner": "",
        "PractitionerRole": "",
        "Procedure": "patient subject code category status date",
        "ServiceRequest": "patient subject code category status intent",
        "Task": "patient status",
    }.items()
}

ELEMENTS: dict[str, tuple[str, ...]] = {
    "_id": ("id",),
    "patient": ("subject", "patient", "for", "participant.actor"),
    "subject": ("subject",),
    "code": ("code", "medicationCodeableConcept"),
    "category": ("category",),
    "status": ("status",),
    "clinical-status": ("clinicalStatus",),
    "verification-status": ("verificationStatus",),
    "intent": ("intent",),
    "date": (
        "effectiveDateTime",
        "effectiveInstant",
        "effectivePeriod",
        "occurrenceDateTime",
        "performedDateTime",
        "performedPeriod",
        "period",
        "recordedDate",
        "start",
    ),
}

KINDS = {"patient": "reference", "subject": "reference", "date": "date"}
"""The kind of each parameter that is not a token."""


def values(resource: Resource, parameter: str) -> Iterator[Any]:
    """The values that a search parameter looks at, lists taken apart."""
    for element in ELEMENTS[parameter]:
        name, _, inner = element.partition(".")
        value = resource.get(name)
        for each in value if isinstance(value, list) else [value]:
            found = each.get(inner) if inner and isinstance(each, dict) else each
            if found is not None:
                yield found


def criterion(parameter: str, value: str) -> Callable[[Resource], bool]:
    """Whether a resource satisfies `parameter=value`; ValueError if the value is malformed.

    A comma in the value means "or".
    """
    tests = [_test(parameter, part) for part in value.split(",") if part]
    return lambda resource: any(test(v) for v in values(resource, parameter) for test in tests)


def _test(parameter: str, text: str) -> Test:
    if parameter == "date":
        return date_test(text)
    if parameter == "patient" and "/" not in text:
        return _reference_test(f"Patient/{text}")
    return _reference_test(text) if parameter in KINDS else _token_test(text)


def _reference_test(text: str) -> Test:
    wanted = "/" + "/".join(text.split("/")[-2:])

    def satisfied(element: Any) -> bool:
        return isinstance(element, dict) and f"/{element.get('reference')}".endswith(wanted)

    return satisfied


def _token_test(text: str) -> Test:
    system, bar, code = text.rpartition("|")

    def satisfied(element: Any) -> bool:
        if not isinstance(element, dict):
            # A `code` or an `id`: its system, if any, is implied by the element's definition.
            return bool(element == code)
        return any(
            (not code or coding.get("code") == code)
            and (not bar or coding.get("system", "") == system)
            for coding in element.get("coding", ())
        )

    return satisfied
