"""The state of a section in words: a bold word, a sentence, and whether to try again helps.

Nothing here says that there is nothing, but where the EHR answered in full and there was nothing.
"""

# ruff: noqa: RUF001 - the texts are typeset, with their own apostrophes and dashes

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fhir.bundle import Failure, Refused
from launch.reader import Empty, NotPermitted, Section, Shown, Topic

Mark = Literal["late", "lock", "empty", "unknown", "warning"]


@dataclass(frozen=True, slots=True)
class State:
    """How a section stands. `again`: the same page may show more in a moment."""

    mark: Mark
    severity: Literal["unknown", "warning"]
    word: str
    text: str
    again: bool = False


# What the records of a section are called, one and several.
NOUNS = {
    "allergies": ("allergy", "allergies"),
    "medications": ("order", "medication orders"),
    "laboratory": ("result", "laboratory results"),
    "problems": ("problem", "problems"),
    "vital-signs": ("measurement", "vital signs"),
    "patient": ("patient record", "the patient record"),
}

_FAILURES: dict[Failure, State] = {
    "expired": State(
        "lock",
        "warning",
        "Session over.",
        "This EHR no longer accepts this session for {what}. Open Chartside from the chart again.",
    ),
    "forbidden": State(
        "lock", "unknown", "Not permitted.", "This EHR does not let you read {what} here. {exist}"
    ),
    "not-found": State(
        "unknown",
        "warning",
        "Not found.",
        "This EHR does not find {what} where Chartside may look. {exist} Look in the chart itself.",
    ),
    "gone": State(
        "unknown",
        "warning",
        "Removed.",
        "This EHR says that {what} were removed from here. Look in the chart itself.",
    ),
    "throttled": State(
        "late",
        "warning",
        "EHR busy.",
        "This EHR asks {wait}. Nothing is known of {what} yet.",
        again=True,
    ),
    "slow": State(
        "late",
        "warning",
        "No answer in {seconds}.",
        "Nothing is known of {what} yet.",
        again=True,
    ),
    "resting": State(
        "late",
        "warning",
        "Not asked.",
        "This EHR failed several times in a row, so it is left alone for some seconds. "
        "Nothing is known of {what} yet.",
        again=True,
    ),
    "unreachable": State(
        "warning",
        "warning",
        "No connection.",
        "This EHR could not be reached or broke off. Nothing is known of {what} yet.",
        again=True,
    ),
    "redirect": State(
        "warning",
        "warning",
        "Not followed.",
        "This EHR pointed to another address for {what}. Chartside does not follow it; "
        "look in the chart itself.",
    ),
    "elsewhere": State(
        "warning",
        "warning",
        "Not followed.",
        "The answer points to a server that is not this EHR’s. {exist} Look in the chart itself.",
    ),
    "too-large": State(
        "warning",
        "warning",
        "Too much to read.",
        "This EHR sent more than Chartside reads at once. Look in the chart itself for {what}.",
    ),
    "foreign": State(
        "warning",
        "warning",
        "Withheld.",
        "This EHR’s answer holds records of another patient, so none of it is shown. "
        "Look in the chart itself for {what}.",
    ),
    "unreadable": State(
        "warning",
        "warning",
        "Not readable.",
        "This EHR’s answer could not be read. {exist} Look in the chart itself.",
        again=True,
    ),
    "broken": State(
        "warning",
        "warning",
        "EHR error.",
        "This EHR reported an error of its own{status}. Nothing is known of {what} yet.",
        again=True,
    ),
}


def failed(refused: Refused, name: str, seconds: float) -> State:
    """Why a section, or the patient record, is not shown."""
    state = _FAILURES[refused.failure]
    if refused.wait:
        unit = "second" if refused.wait == 1 else "seconds"
        wait = f"to wait {refused.wait} {unit} before the next try"
    else:
        wait = "for fewer requests"
    said = {
        "what": NOUNS[name][1],
        "exist": "It may exist." if name == "patient" else "They may exist.",
        "wait": wait,
        "seconds": "1 second" if seconds == 1 else f"{seconds:g} seconds",
        "status": f" ({refused.status})" if refused.status else "",
    }
    text = state.text.format_map(said)
    if name == "patient":
        text = text.replace("were removed", "was removed")
    return State(state.mark, state.severity, state.word.format_map(said), text, state.again)


def states(
    topic: Topic,
    section: Section,
    rows: int,
    left_out: tuple[int, int],
    at: str,
    seconds: float,
) -> list[State]:
    """What is to be said about a section beside its rows."""
    _, many = NOUNS[topic.name]
    match section:
        case NotPermitted():
            text = f"This EHR did not grant {many} to this launch. They may exist."
            return [State("lock", "unknown", "Not permitted.", text)]
        case Refused():
            return [failed(section, topic.name, seconds)]
        case Empty():
            return [State("empty", "unknown", "None recorded.", _none(topic, at))]
        case Shown():
            gaps = _gaps(section, topic.name, seconds)
            if rows:
                return gaps
            if not section.complete:
                text = f"Whether there are {many} is not known."
                return [State("unknown", "warning", "Nothing to show.", text), *gaps]
            word = "No result." if topic.type.__name__ == "Observation" else "None active."
            return [State("empty", "unknown", word, _left_out(topic, *left_out))]


# What is neither so nor past.
_NOT_SO = {
    "allergies": "refuted or entered in error",
    "medications": "only proposed, cancelled or entered in error",
    "laboratory": "awaited, cancelled or entered in error",
    "problems": "refuted or entered in error",
    "vital-signs": "awaited, cancelled or entered in error",
}


def _left_out(topic: Topic, past: int, not_so: int) -> str:
    one, _ = NOUNS[topic.name]
    told = []
    if past:
        told.append(f"{_number(past, one)} in the record {_are(past)} past.")
    if not_so:
        noun = _number(not_so, one)
        told.append(f"{noun} in the record {_are(not_so)} {_NOT_SO[topic.name]}.")
    return " ".join(told)


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _none(topic: Topic, at: str) -> str:
    said = f"The EHR answered with no entries at {at}"
    if topic.name == "allergies":
        return f"{said}: no allergy, and no statement that there is none."
    return f"{said}."


def _gaps(shown: Shown, name: str, seconds: float) -> list[State]:
    one, many = NOUNS[name]
    gaps = []
    if shown.rest:
        why = failed(shown.rest, name, seconds)
        pages = "1 page" if shown.pages == 1 else f"{shown.pages} pages"
        reason = why.word[0].lower() + why.word[1:].rstrip(".")
        if shown.rest.failure == "elsewhere":
            reason = "the next page is on a server that is not this EHR’s"
        text = f"Only {pages} of {many} arrived: {reason}. More may exist."
        gaps.append(State("late", "warning", "Partial.", text, again=why.again))
    if shown.unread:
        text = f"{_number(shown.unread, 'record')} could not be read. A missing {one} may be there."
        gaps.append(State("unknown", "warning", "Not all readable.", text))
    if shown.unnamed:
        text = (
            f"{_number(shown.unnamed, 'record')} without this patient’s name on "
            f"{'it' if shown.unnamed == 1 else 'them'}, not shown."
        )
        gaps.append(State("unknown", "warning", "Withheld.", text))
    if shown.unsent:
        text = f"This EHR counts {shown.unsent} more {many} than it sent. Look in the chart itself."
        gaps.append(State("unknown", "warning", "Partial.", text))
    if shown.noted:
        text = (
            f"This EHR remarked that its answer may not hold all {many}. Look in the chart itself."
        )
        gaps.append(State("unknown", "warning", "Partial.", text))
    return gaps


def _number(number: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number} {noun if number == 1 else plural}"
