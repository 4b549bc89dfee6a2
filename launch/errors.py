"""Why a launch or a page of it ends. Each kind has a page of its own (`launch/pages.py`)."""

from __future__ import annotations

from typing import Literal

Kind = Literal[
    "bad-request",  # what arrived is no launch of an EHR that we know
    "expired",  # the sign-in is used or too old, or began in another browser
    "too-many",  # more launches at once than are kept
    "denied",  # the EHR or its user said no
    "ehr-unavailable",  # the EHR failed
    "ehr-slow",  # the EHR did not answer in time
    "ehr-setup",  # the EHR does not work as its trust record says: an engineer has to look
    "not-verified",  # what the EHR answered cannot be trusted
    "no-patient",  # the EHR named no patient
    "user-unknown",  # the EHR did not say who the user is
    "wrong-patient",  # a record of somebody else came for that of the launch
    "ended",  # the launch is over, or this browser has none with this handle
    "cross-site",  # a form that was not posted from the page of its launch
    "mismatch",  # a form that was drawn for another chart
    "other-patient",  # an address that names another patient
    "not-found",  # no page has this address
    "broken",  # a fault of ours
]


class LaunchError(Exception):
    """This launch cannot go on. `reason` is for the log only, and holds nothing that came in."""

    def __init__(self, kind: Kind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
