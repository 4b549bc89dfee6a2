"""How a person is named in a keyed hash, the same for a card and for the launch that opens it."""

from __future__ import annotations

from collections.abc import Sequence


def person(base: str | None, bases: Sequence[str], id: str) -> str:
    """The id of a patient or user of the FHIR server at `base`, one of the EHR's `bases`.

    Two FHIR servers of one EHR may use one id for two people.
    """
    return f"{base} {id}" if len(bases) > 1 else id
