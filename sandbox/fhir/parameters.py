"""The search parameters of each resource type, and what may be written of it.

FHIR R4, the search parameters at the end of each resource's page. `status` and `date` of Goal and
Coverage are ours, where R4 has another name or none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.http.answer import Resource

Kind = Literal["token", "reference", "uri", "date", "string"]

_NAMES: dict[Kind, str] = {
    "reference": "patient subject encounter practitioner organization owner actor beneficiary",
    "uri": "url questionnaire",
    "date": "_lastUpdated date birthdate authored authoredon effective onset-date recorded-date "
    "start-date",
    "string": "name family given",
}
_KINDS = {name: kind for kind, names in _NAMES.items() for name in names.split()}
"""All others are tokens."""

_PERSON = "identifier name=name.family|name.given|name.text family=name.family given=name.given"
_MEDICINE = "patient=subject subject status category code=medicationCodeableConcept"
_REPORT = "patient=subject subject status category code"
_EFFECTIVE = "effectiveDateTime|effectivePeriod|effectiveInstant"

# A parameter looks at the element of its name in camel case, or at what is after the sign.
_OF_TYPE = {
    "AllergyIntolerance": "patient clinical-status verification-status category code "
    "date=recordedDate",
    "Appointment": "patient=participant.actor actor=participant.actor status date=start",
    "Binary": "patient=securityContext",
    "CarePlan": "patient=subject subject status intent category date=period",
    "CareTeam": "patient=subject subject status category date=period",
    "Claim": "patient status",
    "Condition": "patient=subject subject encounter category clinical-status verification-status "
    "code onset-date=onsetDateTime|onsetPeriod recorded-date",
    "Coverage": "patient=beneficiary beneficiary status date=period",
    "Device": "patient status",
    "DiagnosticReport": f"{_REPORT} date={_EFFECTIVE}",
    "DocumentReference": "patient=subject subject status type category date",
    "Encounter": "patient=subject subject status class type date=period",
    "ExplanationOfBenefit": "patient status",
    "Goal": "patient=subject subject category lifecycle-status status=lifecycleStatus "
    "start-date date=startDate",
    "ImagingStudy": "patient=subject subject status",
    "Immunization": "patient status vaccine-code date=occurrenceDateTime",
    "Location": "identifier name=name|alias organization=managingOrganization",
    "Medication": "code status",
    "MedicationAdministration": _MEDICINE,
    "MedicationRequest": f"{_MEDICINE} intent encounter authoredon=authoredOn",
    "MedicationStatement": f"{_MEDICINE} effective=effectiveDateTime|effectivePeriod",
    "Observation": f"{_REPORT} encounter date={_EFFECTIVE}",
    "Organization": "identifier name=name|alias",
    "Patient": f"{_PERSON} birthdate=birthDate gender",
    "Practitioner": _PERSON,
    "PractitionerRole": "identifier practitioner organization",
    "Procedure": f"{_REPORT} date=performedDateTime|performedPeriod",
    "Provenance": "patient=target",
    "Questionnaire": "url status",
    "QuestionnaireResponse": "patient=subject subject questionnaire status authored",
    "RelatedPerson": "patient",
    "ServiceRequest": f"{_REPORT} intent encounter authored=authoredOn",
    "SupplyDelivery": "patient status",
    "Task": "patient=for subject=for status code owner",
}

INCLUDES = {"MedicationRequest": {"MedicationRequest:medication": "medicationReference"}}
"""The values of `_include` for searches of a type, and the element that has the reference."""

WRITES = {
    "AllergyIntolerance": "c",
    "Condition": "cu",
    "DocumentReference": "c",
    "MedicationRequest": "cu",
    "Observation": "c",
    "QuestionnaireResponse": "cu",
    "ServiceRequest": "cu",
    "Task": "cu",
}
"""What apps may write: c for create, u for update, the letters of the scopes."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter of a type; `paths` lead to the elements it looks at."""

    kind: Kind
    paths: tuple[tuple[str, ...], ...]

    def values(self, resource: Resource) -> Iterator[Any]:
        """What it looks at in a resource, lists taken apart."""
        for path in self.paths:
            yield from _at(resource, path)


def _at(element: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(element, list):
        for item in element:
            yield from _at(item, path)
    elif not path:
        if element is not None:
            yield element
    elif isinstance(element, dict):
        yield from _at(element.get(path[0]), path[1:])


def _parameters(names: str) -> dict[str, Parameter]:
    found = {}
    for text in ("_id=id", "_lastUpdated=meta.lastUpdated", *names.split()):
        name, _, elements = text.partition("=")
        elements = elements or re.sub("-(.)", lambda letter: letter[1].upper(), name)
        paths = tuple(tuple(path.split(".")) for path in elements.split("|"))
        found[name] = Parameter(_KINDS.get(name, "token"), paths)
    return found


PARAMETERS = {resource_type: _parameters(names) for resource_type, names in _OF_TYPE.items()}
_OTHERS = _parameters("patient=subject|patient|for|beneficiary")


def parameters(resource_type: str) -> dict[str, Parameter]:
    """Those of a type, by name; of a type without a page here, whose record it may be."""
    return PARAMETERS.get(resource_type, _OTHERS)
