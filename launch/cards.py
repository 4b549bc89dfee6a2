"""The notice about the card that the app was opened from, or why that card is not shown."""

# ruff: noqa: RUF001 - the texts are typeset, with their own apostrophes and dashes

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from clinical.text import day, one_line
from launch.context import NotOpened, Opened, Reason

_WORDS = {"critical": "Critical", "warning": "Warning", "info": "Information"}
# What the rules of the shipped checks are about; of another rule the notice names the drug only.
_ABOUT = {
    "dm.a1c-uncontrolled": "HbA1c above the goal",
    "dm.a1c-overdue": "HbA1c that may be due",
    "renal.metformin.contraindicated": "metformin and kidney function",
    "renal.metformin.esrd": "metformin and kidney failure",
    "renal.metformin.continue-review": "metformin and kidney function",
    "renal.metformin.start": "metformin and kidney function",
    "monitor.metformin": "kidney function to check before metformin",
    "care.gaps": "care gaps",
    "dm.uacr-overdue": "urine albumin that may be due",
    "gap.colorectal": "colorectal cancer screening",
    "gap.breast": "breast cancer screening",
    "gap.cervical": "cervical cancer screening",
    "gap.lung": "lung cancer screening",
    "gap.aaa": "aortic aneurysm screening",
    "gap.hepatitis-c": "a hepatitis C test",
    "gap.hiv": "an HIV test",
    "gap.diabetes-screen": "diabetes screening",
    "gap.bp-screen": "blood pressure that may be due",
    "gap.statin-diabetes": "a statin in diabetes",
    "imm.influenza": "the influenza vaccine",
    "imm.pneumococcal": "a pneumococcal vaccine",
    "imm.pneumococcal.review": "pneumococcal vaccines",
    "imm.zoster": "the zoster vaccine",
    "imm.tdap": "Td or Tdap",
    "imm.rsv": "the RSV vaccine",
    "ckd.unrecognised": "kidney disease that is not on the problem list",
    "bp.uncontrolled": "blood pressure above the line",
    "result.critical": "a critical result",
    "appt.noshow": "missed appointments",
}
_HOOKS = {
    "patient-view": "when the chart was opened",
    "order-select": "while orders were chosen",
    "order-sign": "when orders were signed",
}
_WHY_NOT: dict[Reason, str] = {
    "malformed": "The EHR passed on something that is no card of Chartside.",
    "unknown": "Chartside has no such card, or no longer keeps it.",
    "foreign": "It was not shown in this EHR.",
    "other-patient": "It was not shown for this patient.",
    "too-old": "It was shown more than 24 hours ago, and the chart may have changed since.",
    "unavailable": "Chartside’s own store did not answer. Open the app from the card again.",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """A mark, a bold word, sentences."""

    mark: str
    severity: str
    word: str
    text: str


def notice(opened: Opened | NotOpened, zone: tzinfo) -> Notice:
    """What is said at the top of a page that was opened from a card."""
    if isinstance(opened, NotOpened):
        text = f"{_WHY_NOT[opened.reason]} Below is this patient’s chart as it is now."
        return Notice("unknown", "unknown", "The card could not be opened.", text)
    card = opened.card
    at = card.at.astimezone(zone)
    subject = _ABOUT.get(card.rule) or one_line(card.drug or "", 60)
    about = f" about {subject}" if subject else ""
    when = _HOOKS.get(card.hook, "by your EHR")
    word = _WORDS.get(card.indicator, "Information")
    text = (
        f"{word}{about}, shown on {day(at.date())} at {at:%H:%M} {when}. "
        "Below is this patient’s chart as it is now."
    )
    mark = card.indicator if card.indicator in _WORDS else "info"
    return Notice(mark, mark, "Opened from a card.", text)
