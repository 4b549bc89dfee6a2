"""What the FHIR server says of itself at `/metadata`. FHIR R4, "CapabilityStatement"."""

from sandbox.fhir.parameters import INCLUDES, PARAMETERS, WRITES
from sandbox.http.answer import Resource

_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


def oauth_uris(authorize: str, token: str) -> Resource:
    """Where to get a token, as servers said it before SMART had a document of its own."""
    places = {"authorize": authorize, "token": token}
    members = [{"url": name, "valueUri": place} for name, place in places.items()]
    return {"cors": True, "extension": [{"url": _OAUTH_URIS, "extension": members}]}


def capability_statement(base: str, security: Resource | None = None) -> Resource:
    """What can be done with each resource type, and how it is searched."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-24",
        "kind": "instance",
        "implementation": {"description": "Chartside's development EHR", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "documentation": "What apps may do. Without a token, where that is switched on, "
                "every type can be written.",
                **({"security": security} if security else {}),
                "resource": [_of_type(resource_type) for resource_type in PARAMETERS],
                "interaction": [{"code": "batch"}, {"code": "transaction"}],
            }
        ],
    }


def _of_type(resource_type: str) -> Resource:
    writes = WRITES.get(resource_type, "")
    names = ["read", "vread", "search-type", *(_NAMES[letter] for letter in writes)]
    includes = list(INCLUDES.get(resource_type, ()))
    return {
        "type": resource_type,
        "interaction": [{"code": name} for name in names],
        "versioning": "versioned-update" if "u" in writes else "versioned",
        "readHistory": True,
        "updateCreate": "u" in writes,
        "conditionalCreate": "c" in writes,
        **({"searchInclude": includes} if includes else {}),
        "searchParam": [
            {"name": name, "type": parameter.kind}
            for name, parameter in PARAMETERS[resource_type].items()
        ],
    }


_NAMES = {"c": "create", "u": "update"}
