"""What a request may see and change. SMART App Launch 2.2, "Scopes and Launch Context".

A scope of level `patient` reaches into the compartment of the patient in context and to what is in
nobody's; one of level `user` reaches everything here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.fhir.index import Kept
from sandbox.fhir.parameters import parameters
from sandbox.fhir.scopes import ResourceScope
from sandbox.fhir.search import Criterion, criterion


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
        return bool(self._covering(resource_type, interaction))

    def sees(self, kept: Kept, interaction: str) -> bool:
        """Whether a scope that covers the interaction reaches this resource."""
        return any(
            all(kept.satisfies(each) for each in row)
            for row in self.limits(kept.resource["resourceType"], interaction)
        )

    def limits(self, resource_type: str, interaction: str) -> Sequence[Sequence[Criterion]]:
        """For each scope that covers the interaction, what a resource has to satisfy for it."""
        rows = []
        for scope in self._covering(resource_type, interaction):
            row = [] if scope.level == "user" else self._own(resource_type)
            try:
                row += [criterion(resource_type, *pair) for pair in scope.restrictions]
            except ValueError:
                continue  # restricted to what no search can find
            rows.append(row)
        return rows

    def strays(self, resource_type: str, params: Sequence[tuple[str, str]]) -> bool:
        """Whether a search asks for a patient whom no covering scope reaches."""
        if any(scope.level == "user" for scope in self._covering(resource_type, "s")):
            return False
        names = ["patient", "subject", "beneficiary"]
        names += ["_id"] if resource_type == "Patient" else []
        asked = [part for name, value in params if name in names for part in value.split(",")]
        return any(part.rpartition("/")[2] != self.patient for part in asked)

    def _covering(self, resource_type: str, interaction: str) -> list[ResourceScope]:
        return [scope for scope in self.scopes if scope.covers(resource_type, interaction)]

    def _own(self, resource_type: str) -> list[Criterion]:
        if resource_type == "Patient":
            return [Criterion("_id", frozenset([f"_id={self.patient}"]))]
        if "patient" in parameters(resource_type):
            return [Criterion("patient", frozenset([f"patient=Patient/{self.patient}"]))]
        return []
