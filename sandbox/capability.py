"""What the FHIR server says of itself at `/metadata`. FHIR R4, "CapabilityStatement"."""

from sandbox.answer import Resource
from sandbox.search import KINDS, PARAMETERS


def capability_statement(base: str) -> Resource:
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
