"""CDS Hooks: from the bytes of a call to the bytes of its cards.

What the author of a clinical service imports stands here; see docs/services.md.
"""

from clinical.finding import (
    AppLink,
    Create,
    Delete,
    Finding,
    Gap,
    LabOrder,
    Link,
    MedicineOrder,
    Result,
    Source,
    Suggestion,
    SystemAction,
    Update,
)
from clinical.text import day, markdown
from fhir.records import Coding
from hooks.registry import service

__all__ = [
    "AppLink",
    "Coding",
    "Create",
    "Delete",
    "Finding",
    "Gap",
    "LabOrder",
    "Link",
    "MedicineOrder",
    "Result",
    "Source",
    "Suggestion",
    "SystemAction",
    "Update",
    "day",
    "markdown",
    "service",
]
