"""Whether a resource may be kept: what has to be there, and what is read of it.

FHIR R4, the tables of the resources that can be written. No profile, and no element that nothing
here looks at.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from sandbox.fhir.dates import span
from sandbox.fhir.errors import Refused
from sandbox.fhir.parameters import Parameter, parameters
from sandbox.http.answer import Resource

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_DEPTH = 64
_REFERENCE = re.compile(
    r"#.*|urn:(uuid|oid):\S+|https?://\S+|[A-Z][A-Za-z]+\?\S+"
    r"|[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}(/_history/[A-Za-z0-9\-.]{1,64})?"
)

_REQUIRED = {
    "AllergyIntolerance": "patient",
    "Condition": "subject",
    "DocumentReference": "status content",
    "MedicationRequest": "status intent medicationCodeableConcept|medicationReference subject",
    "Observation": "status code",
    "QuestionnaireResponse": "status",
    "ServiceRequest": "status intent subject",
    "Task": "status intent",
}
# Codes without a system, where other tokens are a CodeableConcept, a Coding or an Identifier.
_PLAIN = (".id", ".status", ".intent", ".gender", ".lifecycleStatus", "Intolerance.category")
_REQUEST = "proposal plan order original-order reflex-order filler-order instance-order"
_CODES = {
    "DocumentReference.status": "current superseded entered-in-error",
    "MedicationRequest.intent": f"{_REQUEST} option",
    "MedicationRequest.status": "active on-hold cancelled completed entered-in-error stopped draft "
    "unknown",
    "Observation.status": "registered preliminary final amended corrected cancelled "
    "entered-in-error unknown",
    "QuestionnaireResponse.status": "in-progress completed amended entered-in-error stopped",
    "ServiceRequest.intent": f"{_REQUEST} directive option",
    "ServiceRequest.status": "draft active on-hold revoked completed entered-in-error unknown",
    "Task.intent": f"{_REQUEST} unknown",
    "Task.status": "draft requested received accepted rejected ready cancelled in-progress on-hold "
    "failed completed entered-in-error",
}


def decoded(body: bytes) -> Resource:
    """The resource in a body; Refused if there is none, or one too deep to be walked through."""
    try:
        resource = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(400, "structure", f"The body is no JSON: {error}.") from None
    except RecursionError:
        raise _too_deep() from None
    level = [resource]
    for _ in range(_DEPTH):
        level = [inner for each in level for inner in _inside(each)]
    if level:
        raise _too_deep()
    if not isinstance(resource, dict):
        raise Refused(400, "structure", "The body is not the JSON object of a resource.")
    return resource


def check(resource: Any, resource_type: str) -> None:
    """Refused if this is no resource of the type, or one that could not be kept."""
    if not isinstance(resource, dict) or resource.get("resourceType") != resource_type:
        text = f"The resourceType must be {resource_type}."
        raise Refused(400, "invalid", text, f"{resource_type}.resourceType")
    for at, reference in _references(resource, resource_type):
        if not (isinstance(reference, str) and _REFERENCE.fullmatch(reference)):
            text = "is not a reference, such as Patient/123"
            raise _wrong("value", at, text)
    if not isinstance(resource.get("meta", {}), dict):
        raise _wrong("structure", f"{resource_type}.meta", "is not an object")
    for alternatives in _REQUIRED.get(resource_type, "").split():
        names = alternatives.split("|")
        if not any(resource.get(name) for name in names):
            raise _wrong("required", f"{resource_type}.{names[0]}", "is required")
    for path, codes in _CODES.items():
        of_type, _, name = path.partition(".")
        if of_type == resource_type and resource[name] not in codes.split():
            raise _wrong("code-invalid", path, f"is not one of {', '.join(codes.split())}")
    for parameter in parameters(resource_type).values():
        _check_found(resource, resource_type, parameter)
    for name in ("subject", "patient"):
        whose = resource.get(name)
        if name in _REQUIRED.get(resource_type, "").split() and not _refers(whose):
            raise _wrong("required", f"{resource_type}.{name}.reference", "is required")


def _check_found(resource: Resource, resource_type: str, parameter: Parameter) -> None:
    for path in parameter.paths:
        at = ".".join((resource_type, *path))
        for value in Parameter(parameter.kind, (path,)).values(resource):
            if parameter.kind == "date" and not isinstance(value, str | dict):
                raise _wrong("structure", at, "is not a date")
            if parameter.kind == "date" and path != ("meta", "lastUpdated"):
                try:
                    span(value)
                except (ValueError, TypeError, AttributeError):
                    raise _wrong("value", at, "is not a FHIR date, or a Period") from None
            elif parameter.kind == "reference" and not isinstance(value, dict):
                raise _wrong("structure", at, "is not a Reference")
            elif parameter.kind == "token" and not _is_token(value, at):
                raise _wrong("structure", at, "has no codes where they belong")
            elif parameter.kind in ("string", "uri") and not isinstance(value, str):
                raise _wrong("structure", at, "is not a string")


def _is_token(value: Any, at: str) -> bool:
    if at.endswith(_PLAIN):
        return isinstance(value, str)
    if isinstance(value, dict):
        codings = value.get("coding", [value])
        return isinstance(codings, list) and all(
            isinstance(coding, dict)
            and all(isinstance(coding.get(n, ""), str) for n in ("system", "code", "value"))
            for coding in codings
        )
    return False


def _refers(element: Any) -> bool:
    return isinstance(element, dict) and isinstance(element.get("reference"), str)


def _inside(element: Any) -> Iterable[Any]:
    if isinstance(element, dict):
        return element.values()
    return element if isinstance(element, list) else ()


def _references(element: Any, at: str) -> Iterator[tuple[str, Any]]:
    if isinstance(element, dict):
        for name, value in element.items():
            if name == "reference" and not isinstance(value, dict):
                yield f"{at}.reference", value
            else:
                yield from _references(value, f"{at}.{name}")
    elif isinstance(element, list):
        for number, item in enumerate(element):
            yield from _references(item, f"{at}[{number}]")


def _wrong(code: str, at: str, text: str) -> Refused:
    return Refused(422, code, f"{at} {text}.", at)


def _too_deep() -> Refused:
    return Refused(400, "structure", f"The body is nested more than {_DEPTH} levels deep.")
