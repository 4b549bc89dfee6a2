"""Pages around a launch: the list of EHRs, a new window, the end, and everything that can fail.

An error page says what happened and what to do, in that order, and a number by which the log finds
it. It never says anything that a stranger could learn from.
"""

# ruff: noqa: RUF001 - the texts are typeset, with their own apostrophes and dashes

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template

from launch.errors import Kind


@dataclass(frozen=True, slots=True)
class Words:
    """What a page says of a failure."""

    status: int
    title: str
    happened: str
    remedy: str


_AGAIN = "Go back to the chart in your EHR and open Chartside from there again."
# A sign-in that failed cannot be gone on with: its address was good once.
_LATER = "Wait a minute, then open Chartside from the chart again."
_SUPPORT = "If it happens again, give the reference below to whoever supports Chartside for you."

_WORDS: dict[Kind, Words] = {
    "bad-request": Words(
        400,
        "This launch was not accepted",
        "Chartside was opened with a request that it does not accept. Nothing was read.",
        "Open it from a chart in your EHR. " + _SUPPORT,
    ),
    "expired": Words(
        400,
        "This sign-in is over, or began somewhere else",
        "A sign-in can be finished once, within ten minutes, in the browser and window where it "
        "began. This one was most likely finished already, took too long, or began in another "
        "browser or window.",
        _AGAIN,
    ),
    "denied": Words(
        403,
        "The EHR did not allow it",
        "Access was declined, by you or by your EHR, or you were no longer signed in there. "
        "Nothing was read.",
        "Sign in to your EHR, open Chartside from the chart again, and allow access if it asks.",
    ),
    "ehr-unavailable": Words(
        502,
        "The EHR could not complete this",
        "Your EHR did not answer, or reported an error of its own. Nothing is known of the chart.",
        _LATER + " " + _SUPPORT,
    ),
    "ehr-setup": Words(
        502,
        "Chartside and this EHR do not fit together",
        "The EHR’s set-up and what was agreed with Chartside differ. It is not about you or "
        "this patient, and trying again does not help.",
        "Give the reference below to whoever supports Chartside for you.",
    ),
    "ehr-slow": Words(
        504,
        "The EHR takes too long",
        "Your EHR did not answer in time. Nothing is known of the chart.",
        _LATER + " " + _SUPPORT,
    ),
    "no-patient": Words(
        400,
        "No patient was chosen",
        "Your EHR signed you in, but named no patient. Chartside never guesses one.",
        "Open a patient’s chart first, and open Chartside from there.",
    ),
    "wrong-patient": Words(
        502,
        "The EHR answered with another patient",
        "Chartside asked for the patient of this launch and got another patient’s record. "
        "Nothing of it is shown, and this session has ended.",
        _AGAIN + " " + _SUPPORT,
    ),
    "not-verified": Words(
        502,
        "The EHR’s answer could not be verified",
        "What came back as your sign-in did not pass Chartside’s checks. It was thrown away, "
        "and nothing was read.",
        _AGAIN + " " + _SUPPORT,
    ),
    "user-unknown": Words(
        403,
        "The EHR did not say who you are",
        "Chartside needs to know who is signed in, and this EHR did not tell it.",
        "Give the reference below to whoever supports Chartside for you.",
    ),
    "ended": Words(
        401,
        "This session has ended",
        "Sessions end after 15 minutes without use, after eight hours, at sign-out, when your EHR "
        "ends them, when someone else signs in here, and when many newer charts are open.",
        _AGAIN,
    ),
    "too-many": Words(
        429,
        "Too many launches at once",
        "More charts are being opened here than Chartside takes at a time.",
        _LATER,
    ),
    "other-patient": Words(
        403,
        "This session is for one patient",
        "Chartside was opened for one patient’s chart and shows no other.",
        "Open the other patient’s chart in your EHR, and open Chartside from there.",
    ),
    "cross-site": Words(
        403,
        "This did not come from a Chartside page",
        "What was sent is none of the pages of this chart, so nothing was done.",
        "Go back to the chart and use the buttons there.",
    ),
    "mismatch": Words(
        409,
        "This page belongs to another chart",
        "What you sent was drawn for another chart than the one it reached. Nothing was changed.",
        _AGAIN,
    ),
    "not-found": Words(
        404,
        "There is nothing here",
        "This address does not exist in Chartside.",
        _AGAIN,
    ),
    "broken": Words(
        500,
        "Chartside failed",
        "Something in Chartside itself went wrong. Nothing was changed in your EHR.",
        "Decide without it for now. " + _SUPPORT,
    ),
}


def status(kind: Kind) -> int:
    """The HTTP status of the page for this kind."""
    return _WORDS[kind].status


def error(kind: Kind, reference: str, again: str | None = None) -> str:
    """What went wrong. `again`: an address where trying again may help."""
    words = _WORDS[kind]
    return render_template("launch/error.html", words=words, reference=reference, again=again)


def connect(ehrs: Sequence[tuple[str, str]]) -> str:
    """The EHRs that can be connected to, as (label, address)."""
    return render_template("launch/connect.html", ehrs=ehrs)


def new_window(url: str) -> str:
    """The browser keeps no cookie in this frame; the same launch, in a window of its own."""
    return render_template("launch/new_window.html", url=url)


def signed_out() -> str:
    """The end of a session that its user wanted."""
    return render_template("launch/signed_out.html")


def forward(action: str, fields: Sequence[tuple[str, str]]) -> str:
    """On to the EHR by POST: by itself where scripts run, by a button where they do not."""
    return render_template("launch/forward.html", action=action, fields=fields)
