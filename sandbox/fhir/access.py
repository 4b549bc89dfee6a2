"""What a request may see of the records. SMART App Launch 2.2, "Scopes and Launch Context".

A scope of level `patient` reaches into the compartment of the patient in context and to what is in
nobody's; one of level `user` reaches everything here.
"""

from dataclasses import dataclass

from sandbox.auth.scopes import ResourceScope
from sandbox.fhir.search import PARAMETERS, criterion, values
from sandbox.http.answer import Resource

_COMPARTMENT = frozenset(name for name, known in PARAMETERS.items() if "patient" in known)


@dataclass(frozen=True)
class Access:
    """What one token is good for.

    A search for another patient is refused, or finds nothing if `lenient`.
    """

    scopes: tuple[ResourceScope, ...]
    patient: str | None
    lenient: bool = False

    def may(self, resource_type: str, interaction: str) -> bool:
        """Whether any scope covers this interaction with the type."""
        return any(scope.covers(resource_type, interaction) for scope in self.scopes)

    def sees(self, resource: Resource, interaction: str) -> bool:
        """Whether a scope that covers the interaction reaches this resource."""
        return any(
            scope.covers(resource["resourceType"], interaction)
            and (scope.level == "user" or self._is_own(resource))
            and all(criterion(name, value)(resource) for name, value in scope.restrictions)
            for scope in self.scopes
        )

    def strays(self, resource_type: str, params: tuple[tuple[str, str], ...]) -> bool:
        """Whether a search asks for a patient whom no covering scope reaches."""
        covering = [scope for scope in self.scopes if scope.covers(resource_type, "s")]
        if any(scope.level == "user" for scope in covering):
            return False
        names = ("patient", "subject", *(("_id",) if resource_type == "Patient" else ()))
        asked = [part for name, value in params if name in names for part in value.split(",")]
        return any(part.rpartition("/")[2] != self.patient for part in asked)

    def _is_own(self, resource: Resource) -> bool:
        if resource["resourceType"] == "Patient":
            return bool(resource["id"] == self.patient)
        if resource["resourceType"] not in _COMPARTMENT:
            return True
        own = f"Patient/{self.patient}"
        return any(
            isinstance(value, dict) and value.get("reference") == own
            for value in values(resource, "patient")
        )
