"""The chart of one launch on one page: who it is, who is signed in, what was granted, four lists.

Every section stands in its place whatever happened to it; what could not be read says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import render_template

from clinical import chart
from clinical.text import day, one_line
from fhir.bundle import Refused
from launch.cards import Notice, notice
from launch.person import person
from launch.reader import (
    ALLERGIES,
    LABORATORY,
    MEDICATIONS,
    PROBLEMS,
    TOPICS,
    VITAL_SIGNS,
    Chart,
    NotPermitted,
    PatientUnread,
    Reader,
    Shown,
    Topic,
)
from launch.results import ResultRow, result_rows
from launch.rows import Row, allergy_rows, medication_rows, problem_rows
from launch.states import State, failed, states
from web.logs import note, request_id

if TYPE_CHECKING:
    from launch.context import NotOpened, Opened
    from launch.session import Launch

# The first of a long table; the others are a click away.
_AT_ONCE = 12
_TITLES = {
    "allergies": "Allergies",
    "medications": "Medications",
    "laboratory": "Laboratory results",
    "problems": "Active problems",
    "vital-signs": "Vital signs",
}


@dataclass(frozen=True, slots=True)
class Form:
    """What the forms of a page carry: the launch's own address, its token, its patient."""

    url: str
    token: str
    patient: str


@dataclass(frozen=True, slots=True)
class Block:
    """One section as it is drawn."""

    id: str
    title: str
    scope: str
    states: list[State]
    rows: list[Row]
    results: list[ResultRow]
    more: list[ResultRow]


def page(
    launch: Launch,
    reader: Reader,
    opened: Opened | NotOpened | None,
    form: Form,
    now: datetime | None = None,
) -> tuple[str, int]:
    """The page and its status. Raises LaunchError where the launch has to end."""
    at = (now or datetime.now(UTC)).astimezone(reader.ehr.zone)
    try:
        read = reader.read()
    except PatientUnread as unread:
        return _unread(launch, reader, form, unread.why)
    who = person(read.patient, at.date(), reader.ehr.zone)
    zoned = chart.Chart(patient=read.patient, today=at.date(), zone=reader.ehr.zone)
    blocks = {topic.name: _block(topic, read, zoned, reader, at) for topic in TOPICS}
    _note_gaps(read)
    html = render_template(
        "launch/overview.html",
        who=who,
        banner=launch.banner,
        day=day(at.date()),
        time_of_day=f"{at:%H:%M}",
        iso=at.isoformat(timespec="minutes"),
        user=_user(launch, read),
        ehr=_label(reader),
        granted=granted(reader),
        notice=_notice(opened, reader),
        blocks=blocks,
        form=form,
    )
    return html, 200


def _note_gaps(read: Chart) -> None:
    """Leave in the log which sections could not be shown, or only in part, and why."""
    gaps = []
    for name, section in read.sections.items():
        refused = section.rest if isinstance(section, Shown) else section
        if isinstance(refused, Refused):
            gaps.append(f"{name} {refused.failure}")
    if gaps:
        note(reason="not read: " + ", ".join(gaps))


def granted(reader: Reader) -> list[tuple[str, bool]]:
    """What this launch may read, in plain words, and whether it may."""
    return [(_TITLES[topic.name], reader.permits(topic)) for topic in TOPICS]


def _block(topic: Topic, read: Chart, zoned: chart.Chart, reader: Reader, at: datetime) -> Block:
    section = read.sections[topic.name]
    rows: list[Row] = []
    results: list[ResultRow] = []
    past = not_so = statements = 0
    if isinstance(section, Shown):
        if topic in (LABORATORY, VITAL_SIGNS):
            found = result_rows(section, zoned)
            results, not_so = found.rows, found.not_so
        else:
            listed = _LISTS[topic.name](section, zoned.zone)
            rows, past, not_so = listed.rows, listed.past, listed.not_so
            statements = listed.statements
    shown = len(rows) + len(results)
    time = f"{at:%H:%M}"
    return Block(
        topic.name,
        _TITLES[topic.name],
        _scope(topic, section, shown - statements, past, not_so),
        states(topic, section, shown, (past, not_so), time, reader.seconds),
        rows,
        results[:_AT_ONCE],
        results[_AT_ONCE:],
    )


_LISTS = {
    ALLERGIES.name: allergy_rows,
    MEDICATIONS.name: medication_rows,
    PROBLEMS.name: problem_rows,
}
# Orders on hold and drafts are listed too, each with its tag.
_COUNTED = {ALLERGIES.name: "recorded", MEDICATIONS.name: "listed", PROBLEMS.name: "active"}


def _scope(topic: Topic, section: object, shown: int, past: int, not_so: int) -> str:
    """The words at the right of a heading: how many, of what, and what is left out."""
    if not isinstance(section, Shown) or not shown:
        return ""
    if topic.name not in _COUNTED:
        return "newest of each test" if section.complete else "newest of each test that arrived"
    least = "" if section.complete else "at least "
    said = [f"{least}{shown} {_COUNTED[topic.name]}"]
    said += [f"{past} past"] if past else []
    said += [f"{not_so} not counted"] if not_so else []
    return ", ".join(said)


def _user(launch: Launch, read: Chart) -> str:
    if launch.user is None:
        return "user not identified by the EHR"
    return one_line(read.user or "", 80) or "name not given by the EHR"


def _label(reader: Reader) -> str:
    return reader.ehr.name


def _notice(opened: Opened | NotOpened | None, reader: Reader) -> Notice | None:
    return notice(opened, reader.ehr.zone) if opened else None


_STATUSES = {"slow": 504, "resting": 503, "throttled": 503}


def _unread(
    launch: Launch, reader: Reader, form: Form, why: Refused | NotPermitted
) -> tuple[str, int]:
    """No chart without knowing whose: the page says why, and shows nothing else."""
    if isinstance(why, NotPermitted):
        text = "This EHR did not grant the patient record to this launch."
        state = State("lock", "warning", "Not permitted.", text)
        status = 403
    else:
        state = failed(why, "patient", reader.seconds)
        status = _STATUSES.get(why.failure, 502)
    why_not = "not granted" if isinstance(why, NotPermitted) else why.failure
    note(reason=f"patient record unread: {why_not}")
    html = render_template(
        "launch/unread.html",
        state=state,
        ehr=_label(reader),
        form=form,
        reference=request_id() or "",
    )
    return html, status
