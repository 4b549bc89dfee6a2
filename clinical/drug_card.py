"""One medicine, one card: what is found of one order beside the gravest finding joins its card.

The card keeps the id of the finding that leads it: what a clinician answers to it is remembered of
that one, and the others are told by themselves where it is hidden. A critical finding always has a
card of its own, and where a medicine has one, information on the same medicine is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import structs

from clinical.finding import INDICATORS, OVERRIDE_REASONS, Finding
from clinical.text import LONGEST_SUMMARY, Markdown, bullets, join, markdown

LeftOut = list[tuple[Finding, str]]

_PARAGRAPHS = re.compile(r"\n\n- |\n- |\n\n")


def merge(findings: Iterable[Finding]) -> tuple[list[Finding], LeftOut]:
    """The findings with those of one medicine as one, and which are not told as themselves.

    A card stands where the first of its findings stood.
    """
    told = list(findings)
    critical = {each.drug for each in told if each.drug and each.indicator == "critical"}
    left_out = [(each, "graver") for each in told if _is_less(each, critical)]
    cards: dict[tuple[object, ...], list[Finding]] = {}
    for each in told:
        if not _is_less(each, critical):
            cards.setdefault(_card_of(each), []).append(each)
    merged: list[Finding] = []
    for of_card in cards.values():
        lead = max(of_card, key=lambda each: INDICATORS.index(each.indicator))
        others = [each for each in of_card if each is not lead]
        merged.append(_merged(lead, others) if others else lead)
        left_out += [(each, "merged") for each in others]
    return merged, left_out


def _is_less(finding: Finding, critical: set[str]) -> bool:
    return finding.indicator == "info" and finding.drug in critical


def _card_of(finding: Finding) -> tuple[object, ...]:
    alone = finding.drug is None or not finding.about or finding.indicator == "critical"
    return (finding.key,) if alone else (finding.drug, finding.about)


def _merged(lead: Finding, others: Sequence[Finding]) -> Finding:
    every = (lead, *others)
    reasons = {reason for each in every for reason in each.overrides}
    suggestions = {each.label: each for of in reversed(every) for each in reversed(of.suggestions)}
    return structs.replace(
        lead,
        summary=_summary(lead.summary, len(others)),
        detail=join(
            lead.detail or Markdown(),
            markdown("Also, of this order:"),
            bullets([_bullet(each) for each in others]),
        ),
        suggestions=tuple(reversed(suggestions.values())),
        pick="any",
        overrides=tuple(reason for reason in OVERRIDE_REASONS if reason in reasons),
    )


def _summary(summary: str, others: int) -> str:
    longer = f"{summary}; {others} more on this order"
    return longer if len(longer) <= LONGEST_SUMMARY else summary


def _bullet(finding: Finding) -> Markdown:
    """A finding in one paragraph, and where it is from."""
    said = Markdown(_PARAGRAPHS.sub(" ", finding.detail or Markdown()))
    link = markdown("{label}", label=finding.source.label)
    if finding.source.url:
        # Ours, from the data: no text of a record is in it.
        link = Markdown(f"[{link}]({finding.source.url})")
    told = markdown("**{summary}**", summary=finding.summary)
    return Markdown(" ".join(part for part in (told, said, link) if part))
