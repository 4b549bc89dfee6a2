"""Which of several results speaks about a limit, and what speaks against it.

The newest that decides the limit. Of one day: the latest, where the time of all is known, and of
one time the final before the preliminary; else the lowest. That is the graver one for kidney
function, and for HbA1c the one that counts in quality measures. What could not be used and may be
newer is never passed over in silence, and neither is a result of the same day that disagrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from clinical.bounds import Limit
from clinical.labs import Found, Reading, Unused
from clinical.units import recorded


@dataclass(frozen=True, slots=True)
class Newest:
    """`reading` is None where no result decides; `others` are the further ones of its day.

    `unused` are the results that may be newer than it and could not be used.
    """

    limit: Limit
    reading: Reading | None
    others: tuple[Reading, ...]
    unused: tuple[Unused, ...]

    @property
    def crossed(self) -> bool:
        return self.reading is not None and bool(self.limit.crossed(self.reading.bounds))

    @property
    def against(self) -> tuple[Reading, ...]:
        """Those of the same day that lie on the other side of the limit."""
        return tuple(
            each for each in self.others if self.limit.crossed(each.bounds) != self.crossed
        )


def newest(found: Sequence[Found], limit: Limit, since: date) -> Newest:
    """The newest result from `since` on that decides the limit."""
    unused = [each for each in found if isinstance(each, Unused)]
    decided = []
    for each in found:
        if isinstance(each, Reading) and each.day >= since:
            if limit.crossed(each.bounds) is None:
                unused.append(Unused(each.of, f"which does not tell whether it is {limit}"))
            else:
                decided.append(each)
    last = max((each.day for each in decided), default=None)
    of_day = [each for each in decided if each.day == last]
    reading = _speaking(of_day)
    return Newest(
        limit,
        reading,
        tuple(each for each in of_day if each is not reading),
        tuple(each for each in unused if _may_be_newer(each, reading, since)),
    )


def _speaking(of_day: Sequence[Reading]) -> Reading | None:
    times = [each.of.when.at for each in of_day]
    known = [time for time in times if time]
    if known and len(known) == len(times):
        latest = [each for each in of_day if each.of.when.at == max(known)]
        of_day = [each for each in latest if not each.of.note] or latest
    return min(of_day, key=lambda each: (each.bounds.high, each.bounds.low), default=None)


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
