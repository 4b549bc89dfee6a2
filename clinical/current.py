"""What of a list is still the case: live allergies, and medicines the patient is ordered to have.

FHIR R4, AllergyIntolerance and MedicationRequest. As with problems, only what the record itself
calls over or denied is left out; an unknown word for a status silences nothing.
"""

from __future__ import annotations

from clinical.problems import status_words
from fhir.records import AllergyIntolerance, MedicationRequest

_OVER = frozenset({"inactive", "resolved"})
_DENIED = frozenset({"entered-in-error", "refuted"})
_NOT_TAKEN = frozenset({"completed", "stopped", "cancelled", "ended", "entered-in-error"})
_NOT_ORDERED = frozenset({"proposal", "option"})


def is_live_allergy(allergy: AllergyIntolerance) -> bool:
    """Not over and not denied, by its own words."""
    over = status_words(allergy.clinical_status) & _OVER
    return not (over or status_words(allergy.verification_status) & _DENIED)


def is_current_order(order: MedicationRequest) -> bool:
    """Not over, not withdrawn, and more than an idea."""
    return order.status not in _NOT_TAKEN and order.intent not in _NOT_ORDERED
