"""The published hooks and what their contexts have. CDS Hooks library, 1.0.1 and 2.0.0 build."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hook:
    """`tokens` are the fields of the context that templates may name, `fields` all others.

    `versions` are those that were published, the newest last. `instead` names what a deprecated
    hook was replaced with.
    """

    tokens: frozenset[str]
    fields: frozenset[str] = frozenset()
    versions: tuple[str, ...] = ("1.0",)
    instead: str = ""


def _hook(
    tokens: str, fields: str = "", versions: tuple[str, ...] = ("1.0",), instead: str = ""
) -> Hook:
    return Hook(frozenset(tokens.split()), frozenset(fields.split()), versions, instead)


_CHART = "userId patientId encounterId"

HOOKS = {
    "patient-view": _hook(_CHART),
    "order-select": _hook(_CHART, "selections draftOrders", ("1.0", "1.0.2")),
    "order-sign": _hook(_CHART, "draftOrders", ("1.0", "1.1.0")),
    # `order` and `task` are of its version 1.0.
    "order-dispatch": _hook(
        "patientId dispatchedOrders performer order", "fulfillmentTasks task", ("1.0", "1.1")
    ),
    "appointment-book": _hook(_CHART, "appointments"),
    "encounter-start": _hook(_CHART),
    "encounter-discharge": _hook(_CHART),
    "medication-refill": _hook(_CHART, "medications", ("0.1.0",)),
    "problem-list-item-create": _hook(_CHART, "conditions", ("0.1.0",)),
    "allergyintolerance-create": _hook(_CHART, "allergyIntolerance", ("0.1.0",)),
    "medication-verify": _hook(_CHART, "medication", ("0.1.0",)),
    "medication-prescribe": _hook(_CHART, "medications", instead="order-select and order-sign"),
    "order-review": _hook(_CHART, "orders", instead="order-sign"),
}

ORDER_HOOKS = frozenset({"order-select", "order-sign"})

WITHOUT_RECORDS = frozenset({"patient-view", "encounter-start", "encounter-discharge"})
"""Hooks that fire when nothing is about to be saved."""
