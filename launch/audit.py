"""The audit lines: what became of launches, of whom, with nothing of a chart.

`launch` is a pseudonym, the beginning of the digest of a launch's handle; `user` the keyed hash of
issuer and subject. The time is that of every line.
"""

from __future__ import annotations

from typing import Literal

from web.logs import log

Event = Literal[
    "launch accepted",
    "launch refused",
    "launch ended",
    "token issued",
    "token renewed",
    "token not renewed",
    "token revoked",
    "token not revoked",
    "wrong patient",
]
_WARNINGS = {"launch refused", "token not renewed", "token not revoked", "wrong patient"}


def audit(
    event: Event,
    ehr_id: str | None,
    *,
    launch: str | None = None,
    user: str | None = None,
    reason: str | None = None,
) -> None:
    """Leave a line. `reason` is in our words."""
    told = {"ehr": ehr_id, "launch": launch, "user": user, "reason": reason}
    write = log.warning if event in _WARNINGS else log.info
    write(event, **{name: value for name, value in told.items() if value is not None})


def pseudonym(handle: str) -> str:
    """What the log calls a launch, from the digest of its handle."""
    return handle[:12]
