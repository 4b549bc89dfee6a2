"""Several care gaps in one card: a chart that opens is read in passing.

Each gap is a finding of its own, with its own id, so that a site can switch it and a clinician can
put it off; one that stands alone is its own card. What is above information never joins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from clinical.finding import OPEN_CHART, OVERRIDE_REASONS, Finding, Source
from clinical.text import LONGEST_SUMMARY, Markdown, bullets, join, markdown

RULE = "care.gaps"
_NAMED = 3
# Told with each gap.
_SOURCE = Source("The guideline of each gap, with its year")
_MERGE = re.compile(r"\n\n- |\n- |\n\n")


def fold(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, with the gaps among them as one where they are several.

    It stands where the first of them stood.
    """
    told = list(findings)
    gaps = [each for each in told if each.gap and each.indicator == "info"]
    if len(gaps) < 2:
        return told
    folded: list[Finding] = []
    for each in told:
        if each is gaps[0]:
            folded.append(_card(gaps))
        elif each not in gaps:
            folded.append(each)
    return folded


def lists(subject: str | None, rule: str) -> bool:
    """Whether a card of that subject told of this gap among others."""
    return rule in (subject or "").split(" ")


def subject(parts: Iterable[str]) -> str:
    """What a card of these gaps is about, to be remembered."""
    return " ".join(sorted(set(parts)))


def _card(gaps: Sequence[Finding]) -> Finding:
    reasons = {reason for each in gaps for reason in each.overrides}
    return Finding(
        rule=RULE,
        summary=_summary([each.gap or "" for each in gaps]),
        indicator="info",
        source=_SOURCE,
        detail=join(
            bullets([_bullet(each) for each in gaps]),
            markdown("What was done elsewhere may be missing here."),
        ),
        suggestions=tuple({each.label: each for gap in gaps for each in gap.suggestions}.values()),
        pick="any",
        overrides=tuple(reason for reason in OVERRIDE_REASONS if reason in reasons),
        links=OPEN_CHART,
        drug=subject(each.rule for each in gaps),
        parts=tuple(each.rule for each in gaps),
    )


def _summary(names: Sequence[str]) -> str:
    """The first names, as many as there is room for."""
    head = f"{len(names)} care gaps: "
    for count in range(_NAMED, 0, -1):
        more = len(names) - count
        told = head + ", ".join(names[:count]) + (f" and {more} more" if more > 0 else "")
        if len(told) <= LONGEST_SUMMARY:
            return told
    return head + names[0]


def _bullet(gap: Finding) -> Markdown:
    """Its detail in one paragraph, and where it is from."""
    name = (gap.gap or "")[:1].upper() + (gap.gap or "")[1:]
    said = Markdown(_MERGE.sub(" ", gap.detail or markdown("{summary}", summary=gap.summary)))
    link = markdown("{label}", label=gap.source.label)
    if gap.source.url:
        # Ours, from the data: no text of a record is in it.
        link = Markdown(f"[{link}]({gap.source.url})")
    return markdown("**{name}**: {said} {link}", name=name, said=said, link=link)
