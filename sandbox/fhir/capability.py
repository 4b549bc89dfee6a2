"""What the FHIR server says of itself at `/metadata`. FHIR R4, "CapabilityStatement"."""

from sandbox.fhir.search import KINDS, PARAMETERS
from sandbox.http.answer import Resource

_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


def oauth_uris(authorize: str, token: str) -> Resource:
    """Where to get a token, as servers said it before SMART had a document of its own."""
    places = {"authorize": authorize, "token": token}
    members = [{"url": name, "valueUri": place} for name, place in places.items()]
    return {"cors": True, "extension": [{"url": _OAUTH_URIS, "extension": members}]}


def capability_statement(base: str, security: Resource | None = None) -> Resource:
    """Reads and searches of the resource types, with the search parameters of each."""
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
                **({"security": security} if security else {}),
                "resource": [
                    {
                        "type": resource_type,
                        "interaction": [{"code": "read"}, {"code": "search-type"}],
                        "searchParam": [
                            {"name": name, "type": KINDS.get(name, "token")} for name in names
                        ],
                    }
                    for resource_type, names in PARAMETERS.items()
                ],
            }
        ],
    }
