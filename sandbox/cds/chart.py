"""Whose chart is open, and before whom."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Chart:
    """What a call is about. `user` is `Practitioner/id` or the like."""

    patient_id: str
    user: str
    encounter_id: str | None = None

    @property
    def context(self) -> dict[str, Any]:
        """The members of the context that the hooks about an open chart have in common."""
        members = {"userId": self.user, "patientId": self.patient_id}
        return members | ({"encounterId": self.encounter_id} if self.encounter_id else {})
