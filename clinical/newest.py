"""Which of several results speaks about a limit, and what speaks against it.

The newest that decides the limit. Of one day: the latest, where the time of all is known, and of
one time the final before the preliminary, and the corrected before what it corrects; else the
lowest. That is the graver one for kidney function, and for HbA1c the one that counts in quality
measures. What could not be used and may be newer is never passed over in silence, and neither is a
result of the same day that disagrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from clinical.bounds import Limit
from clinical.labs import Found, Reading, Results, Unused
from clinical.units import recorded

# FHIR R4, ObservationStatus: modified after it was final.
_CORRECTED = ("corrected", "amended")


@dataclass(frozen=True, slots=True)
class Newest:
    """`reading` is None where no result decides; `others` are the further ones of its day.

    `unused` are the results that may be newer than it and could not be used. `undecided` is the
    result that would speak if it decided the limit: newer than `reading`, or graver on its day.
    """

    limit: Limit
    reading: Reading | None
    others: tuple[Reading, ...]
    unused: tuple[Unused, ...]
    undecided: Reading | None = None

    @property
    def crossed(self) -> bool:
        return self.reading is not None and bool(self.limit.crossed(self.reading.bounds))

    @property
    def against(self) -> tuple[Reading, ...]:
        """Those of the same day that lie on the other side of the limit."""
        return tuple(
            each for each in self.others if self.limit.crossed(each.bounds) != self.crossed
        )


def newest(results: Results, limit: Limit, since: date) -> Newest:
    """The newest result from `since` on that decides the limit."""

    def decides(found: Found) -> bool:
        return isinstance(found, Reading) and limit.crossed(found.bounds) is not None

    found = results.down_to(since, decides)
    unused = [each for each in found if isinstance(each, Unused)]
    recent = [each for each in found if isinstance(each, Reading) and each.day >= since]
    decided = []
    for each in recent:
        if limit.crossed(each.bounds) is None:
            unused.append(Unused(each.of, f"which does not tell {limit.question}"))
        else:
            decided.append(each)
    reading, latest = _speaking(decided), _speaking(recent)
    # A feed may send one result twice.
    others = {_said(each): each for each in decided if reading and each.day == reading.day}
    return Newest(
        limit,
        reading,
        tuple(each for said, each in others.items() if reading and said != _said(reading)),
        tuple(each for each in unused if _may_be_newer(each, reading, since)),
        latest if latest and limit.crossed(latest.bounds) is None else None,
    )


def _speaking(readings: Sequence[Reading]) -> Reading | None:
    last = max((each.day for each in readings), default=None)
    of_day = [each for each in readings if each.day == last]
    times = [each.of.when.at for each in of_day]
    known = [time for time in times if time]
    if known and len(known) == len(times):
        latest = [each for each in of_day if each.of.when.at == max(known)]
        of_day = [each for each in latest if not any(_replaces(other, each) for other in latest)]
    return min(of_day, key=lambda each: (each.bounds.high, each.bounds.low), default=None)


def _replaces(newer: Reading, older: Reading) -> bool:
    """By its status, of two results of one time."""
    if older.of.note:
        return not newer.of.note
    corrects = newer.of.lab.status in _CORRECTED and older.of.lab.status not in _CORRECTED
    return corrects and newer.of.what == older.of.what


def _said(reading: Reading) -> tuple[object, ...]:
    return reading.bounds, reading.shown, reading.basis, reading.of.note


def _may_be_newer(unused: Unused, reading: Reading | None, since: date) -> bool:
    latest = unused.of.when.latest
    if latest is None:
        return True
    if reading is None or latest != reading.day:
        return latest >= (reading.day if reading else since)
    times = unused.of.when.at, reading.of.when.at
    if times[0] and times[1] and times[0] < times[1]:
        return False
    # An eGFR without any value beside the creatinine of the same draw says nothing.
    return unused.of.what == reading.of.what or bool(recorded(unused.of.lab))
