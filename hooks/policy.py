"""Which findings an EHR is told, and how grave: what was agreed with it in its trust record.

Each finding can be left out, or told as information or as a warning; none is made critical, which
is for what somebody has read of harm. What rests on documents that nobody has read again is told in
production only where the record names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import structs

from clinical.finding import Finding, Result
from clinical.known import FINDINGS, is_not_re_read
from web.trust import Cds


class Policy:
    """The agreement with one EHR."""

    def __init__(self, cds: Cds, production: bool) -> None:
        self._allowed = cds.findings
        self._grades = cds.grades
        self._production = production

    def graded(self, results: Iterable[Result]) -> Iterator[Result]:
        """What a service yields, with the indicators of this EHR."""
        for each in results:
            grade = self._grades.get(each.rule) if isinstance(each, Finding) else None
            if isinstance(each, Finding) and grade in ("info", "warning"):
                yield structs.replace(each, indicator=grade)
            else:
                yield each

    def hides(self, finding: Finding) -> str | None:
        """Why this EHR is not told a finding; None if it is."""
        # A card of several gaps holds only those that were told.
        if finding.parts:
            return None
        rule = finding.rule
        if self._grades.get(rule) == "off":
            return "not-enabled"
        if self._allowed is not None and rule not in self._allowed:
            return "not-enabled"
        named = rule in self._grades or rule in (self._allowed or ())
        return "not-re-read" if self._production and is_not_re_read(rule) and not named else None


def unknown(cds: Cds) -> list[str]:
    """The ids of a record that no finding of this project has; a site may have its own."""
    return sorted({*(cds.findings or ()), *cds.grades} - set(FINDINGS))
