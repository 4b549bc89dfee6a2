"""What the app reads of one patient's chart, in parallel and within one deadline.

Each section is a typed state, because a page must tell "none recorded" from "not known": what the
scopes of this launch do not cover is not asked, what the EHR refused says why, what is only a part
says of what. Every resource is compared with the patient of the launch before anyone sees it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from fhir import display
from fhir.bundle import (
    FOREIGN,
    UNREADABLE,
    Given,
    Missing,
    Page,
    Refused,
    read_page,
    read_resource,
)
from fhir.display import MODEL
from fhir.owner import Owner, normal
from fhir.records import HumanName, Medication, Resource
from fhir.transport import Limits, Pages, Query, Transport
from launch.errors import LaunchError
from web.logs import log

if TYPE_CHECKING:
    from launch.session import Launch
    from web.trust import Ehr

# A good access token, given the one that the EHR has just refused, if any.
Token = Callable[[str | None], str]

# A page asks for everything at once: one slow load must not shut the EHR's other charts.
_LIMITS = Limits(pages=20, breaker_failures=60)
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Shown:
    """Records of this patient, and whether they are all there are.

    `rest`: why further pages could not be had, after `pages` of them. `unread` could not be
    decoded, `unnamed` do not say that they are this patient's, `unsent` were counted by the EHR
    and did not come; `noted`: the EHR remarked on its own answer.
    """

    records: Sequence[Resource]
    medicines: dict[str, Medication]
    pages: int = 1
    rest: Refused | None = None
    unread: int = 0
    unnamed: int = 0
    unsent: int = 0
    noted: bool = False

    @property
    def complete(self) -> bool:
        parts = (self.rest, self.unread, self.unnamed, self.unsent, self.noted)
        return not any(parts)


@dataclass(frozen=True, slots=True)
class Empty:
    """The EHR answered in full, and there is none."""


@dataclass(frozen=True, slots=True)
class NotPermitted:
    """The scopes of this launch do not cover it, so it was not asked for."""


Section = Shown | Empty | NotPermitted | Refused


class PatientUnread(Exception):
    """Nothing can be shown: whose chart it is could not be read."""

    def __init__(self, why: Refused | NotPermitted) -> None:
        super().__init__("the Patient record could not be read")
        self.why = why


@dataclass(frozen=True, slots=True)
class Topic:
    """A section of the chart: what it is a search of, and what its search adds."""

    name: str
    type: type[Resource]
    params: tuple[tuple[str, str], ...] = ()

    @property
    def resource(self) -> str:
        return self.type.__name__

    @property
    def category(self) -> str | None:
        return dict(self.params).get("category")


_NEWEST_FIRST = (("_sort", "-date"),)
ALLERGIES = Topic("allergies", display.AllergyIntolerance)
MEDICATIONS = Topic("medications", display.MedicationRequest)
LABORATORY = Topic("laboratory", display.Observation, (("category", "laboratory"), *_NEWEST_FIRST))
PROBLEMS = Topic("problems", display.Condition)
VITAL_SIGNS = Topic(
    "vital-signs", display.Observation, (("category", "vital-signs"), *_NEWEST_FIRST)
)
TOPICS = (ALLERGIES, MEDICATIONS, LABORATORY, PROBLEMS, VITAL_SIGNS)


@dataclass(frozen=True, slots=True)
class Chart:
    """What was read. `user`: the name of who is signed in, None where the EHR did not tell it."""

    patient: display.Patient
    user: str | None
    sections: dict[str, Section]


class Reader:
    """Reads the chart of one launch, with its token."""

    def __init__(
        self,
        launch: Launch,
        ehr: Ehr,
        token: Token,
        transport: Transport | None = None,
        seconds: float = 5.0,
    ) -> None:
        self.launch = launch
        self.ehr = ehr
        self.seconds = seconds
        self._token = token
        self._base = normal(launch.iss)
        self._transport = transport or _transport(ehr.id, (*ehr.fhir_bases, self._base))

    def read(self) -> Chart:
        """The chart. Raises PatientUnread, or LaunchError where the launch has to end."""
        if not self._may("Patient", "r"):
            raise PatientUnread(NotPermitted())
        topics = [topic for topic in TOPICS if self.permits(topic)]
        user = self._user_query()
        patient = Query("Patient", self.launch.patient)
        asked = [patient, *map(self._query, topics), *([user] if user else ())]
        answers = self._answers(asked)
        # Another server of the same EHR may have another patient under this id.
        owner = Owner(self.launch.patient, (self._base,))
        who = self._patient(answers[0], owner)
        owner = owner.linked(who)
        sections: dict[str, Section] = {topic.name: NotPermitted() for topic in TOPICS}
        for topic, answer in zip(topics, answers[1:], strict=False):
            sections[topic.name] = self._section(topic, answer, owner)
        named = _user_name(user, answers[-1], self.launch.iss) if user else self._own_name(who)
        return Chart(who, named, sections)

    def permits(self, topic: Topic) -> bool:
        """Whether the scopes of this launch cover the search of a section."""
        params = {"category": topic.category} if topic.category else {}
        return self._may(topic.resource, "s", **params)

    def _may(self, resource: str, interaction: str, **params: str) -> bool:
        can = self.launch.scopes.can
        return any(can(level, resource, interaction, **params) for level in ("patient", "user"))

    def _query(self, topic: Topic) -> Query:
        params = (("patient", self.launch.patient), *topic.params)
        if topic is MEDICATIONS and self._may("Medication", "r"):
            params += (("_include", "MedicationRequest:medication"),)
        return Query(topic.resource, None, params)

    def _answers(self, asked: Sequence[Query]) -> list[Pages]:
        """The answers; after a 401 those once more with a renewed token."""
        deadline = time.monotonic() + self.seconds
        token = self._token(None)
        answers = self._transport.read(self._base, token, asked, self.seconds)
        late = [n for n, answer in enumerate(answers) if _expired(answer)]
        if not late:
            return answers
        try:
            token = self._token(token)
        except LaunchError:
            if 0 in late:
                raise
            return answers  # the chart was opened in time; the sections say what is missing
        left = max(deadline - time.monotonic(), 1.0)
        again = self._transport.read(self._base, token, [asked[n] for n in late], left)
        for n, answer in zip(late, again, strict=True):
            answers[n] = answer
        if _expired(answers[0]):
            raise LaunchError("ended", "the FHIR server refused a token that was just renewed")
        return answers

    def _patient(self, answer: Pages, owner: Owner) -> display.Patient:
        if answer.rest:
            raise PatientUnread(answer.rest)
        read = read_resource(answer.bodies[0], display.Patient, owner, MODEL)
        if isinstance(read, Given) and isinstance(read.value, display.Patient):
            return read.value
        if isinstance(read, Refused):
            raise PatientUnread(read)
        if _is_another(answer.bodies[0], self.launch.patient):
            log.warning("wrong patient", ehr=self.ehr.id, reason="Patient has another id")
            raise LaunchError("wrong-patient", "the Patient read is not the patient of the token")
        raise PatientUnread(Refused("holds no Patient that could be read", failure="unreadable"))

    def _section(self, topic: Topic, answer: Pages, owner: Owner) -> Section:
        pages: list[Page] = []
        for body in answer.bodies:
            page = read_page(body, topic.type, owner, MODEL)
            if page is FOREIGN:
                # The search ran on another patient, or on none: nothing of it can be trusted.
                log.warning("wrong patient", ehr=self.ehr.id, reason=f"{topic.resource} search")
                return Refused("holds records of another patient", failure="foreign")
            if isinstance(page, Missing):
                return Refused(page.reason, failure="unreadable")
            if isinstance(page, Refused):
                return page
            pages.append(page)
        if not pages:
            return answer.rest or Refused("was not answered")
        shown = _together(pages, answer.rest)
        return shown if shown.records or not shown.complete else Empty()

    def _user_query(self) -> Query | None:
        """The read of who is signed in. Never of a Patient: that may be another one."""
        user = self.launch.user.fhir_user if self.launch.user else None
        if not isinstance(user, tuple):
            return None
        type_, id_ = user
        readable = type_ in _PEOPLE and _ID.fullmatch(id_) and id_ not in (".", "..")
        return Query(type_, id_) if readable else None

    def _own_name(self, patient: display.Patient) -> str | None:
        user = self.launch.user.fhir_user if self.launch.user else None
        return name_of(patient.name) if user == ("Patient", patient.id) else None


def _together(pages: Sequence[Page], rest: Refused | None) -> Shown:
    records: list[Resource] = []
    medicines: dict[str, Medication] = {}
    for page in pages:
        records += page.records
        medicines |= page.included
    entries = sum(page.entries for page in pages)
    return Shown(
        records,
        medicines,
        pages=len(pages),
        rest=rest,
        unread=sum(len(page.unreadable) for page in pages),
        unnamed=sum(page.unowned for page in pages),
        unsent=0 if rest else max(0, max(page.total for page in pages) - entries),
        noted=any(page.noted for page in pages),
    )


def _expired(answer: Pages) -> bool:
    return answer.rest is not None and answer.rest.failure == "expired"


class _Header(msgspec.Struct, rename="camel"):
    resource_type: str | None = None
    id: str | None = None


_decode_header = msgspec.json.Decoder(_Header).decode
_decode_user = msgspec.json.Decoder(display.User).decode
_PEOPLE = ("Practitioner", "PractitionerRole", "RelatedPerson", "Person")


def _is_another(body: bytes, patient: str) -> bool:
    """Whether this is somebody's Patient record, but not that of this patient."""
    try:
        header = _decode_header(body)
    except UNREADABLE:
        return False
    return header.resource_type == "Patient" and header.id != patient


def _user_name(asked: Query, answer: Pages, iss: str) -> str | None:
    """The name in the answer, if it is the answer to what was asked."""
    if answer.rest:
        return None
    try:
        user = _decode_user(answer.bodies[0])
    except UNREADABLE:
        return None
    if (type(user).__name__, user.id) != (asked.type, asked.id):
        return None
    if isinstance(user, display.PractitionerRole):
        return (user.practitioner and user.practitioner.display) or None
    return name_of(user.name)


_USES = ("official", "usual", None, "temp", "nickname", "anonymous")


def name_of(names: Sequence[HumanName]) -> str | None:
    """A name as people say it: the official one first, and never one that was given up."""
    known = [name for name in names if name.use in _USES]
    for name in sorted(known, key=lambda each: _USES.index(each.use)):
        parts = [*(given for given in name.given if given), name.family]
        if said := name.text or " ".join(filter(None, parts)):
            return said
    return None


@cache
def _transport(ehr_id: str, bases: tuple[str, ...]) -> Transport:
    """One an EHR and process, with a breaker of its own: hooks and app do not shut each other."""
    return Transport(bases, _LIMITS)
