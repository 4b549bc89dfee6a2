"""What the token endpoint can do wrong: refuse what is sound, or spoil what it has issued."""

import json
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from sandbox.auth.refusal import NOT_STORED, Refusal
from sandbox.auth.site import Site
from sandbox.auth.vault import Grant
from sandbox.fhir.scopes import ResourceScope, resource_scope
from sandbox.http.answer import Answer, json_answer
from sandbox.http.faults import Drip, Fault, Slow, Truncated

Members = dict[str, Any]

_PAGE = b"<!doctype html><title>Internal error</title><pre>at token.java:42</pre>"
_HTML = {"Content-Type": "text/html"}


def refused(step: str, grant: Grant, site: Site) -> Answer | None:
    """The answer in place of tokens; `step` is "token" or "refresh"."""
    for fault, refusal in _REFUSALS[step].items():
        if grant.has(fault):
            return refusal.answer
    if step == "refresh":
        once = grant.has("refresh_503_once") and grant.refreshed == 1
        return Answer(503, _PAGE, _HTML) if once or grant.has("refresh_503") else None
    if grant.has("token_html_500"):
        return Answer(500, _PAGE, _HTML)
    if grant.has("token_503"):
        return Answer(503, _PAGE, _HTML)
    if grant.has("token_429"):
        return json_answer({"error": "slow_down"}, 429, {"Retry-After": "1"})
    if grant.has("token_307"):
        return Answer(307, b"", {"Location": f"{site.elsewhere}/auth/token"})
    return None


def spoilt(step: str, members: Members, grant: Grant, site: Site) -> Members:
    """The members of the answer, changed as the launch asks."""
    for fault, change in _CHANGES.items():
        if fault.startswith(step) and grant.has(fault):
            members = {**members, **change}
    for fault, name in _ABSENT.items():
        if fault.startswith(step) and grant.has(fault):
            members = {n: value for n, value in members.items() if n != name}
    for fault, rescope in _SCOPES.items():
        if fault.startswith(step) and grant.has(fault):
            members = {**members, "scope": " ".join(rescope(members["scope"].split(" ")))}
    if step == "token" and grant.has("token_expires_string"):
        members = {**members, "expires_in": str(members["expires_in"])}
    if step == "token" and grant.has("token_evil_style"):
        members = {**members, "smart_style_url": f"{site.elsewhere}/style.json"}
    if step == "token" and "id_token" in members:
        members |= {"id_token": None} if grant.has("idt_null") else {}
        if grant.has("idt_missing"):
            del members["id_token"]
    return members


def sent(step: str, members: Members, grant: Grant, site: Site, now: float) -> tuple[Answer, Fault]:
    """The answer with these members, and how it goes out."""
    answer = json_answer(members, headers=NOT_STORED)
    if grant.has(f"{step}_slow"):
        return answer, Slow(site.slow)
    if step == "refresh":
        return answer, Fault()
    if grant.has("token_not_json"):
        answer = replace(answer, body=b"access_token=a&token_type=bearer")
    if grant.has("token_array"):
        answer = replace(answer, body=b"[" + answer.body + b"]")
    if grant.has("token_duplicate"):
        other = json.dumps({"patient": "another-patient"})[1:-1].encode()
        answer = replace(answer, body=answer.body[:-1] + b", " + other + b"}")
    if grant.has("token_clock_off"):
        ahead = formatdate(now + 120, usegmt=True)
        answer = replace(answer, headers={**answer.headers, "Date": ahead})
    if grant.has("token_drip"):
        return answer, Drip(site.slow / 20)
    if grant.has("token_huge"):
        answer = replace(answer, body=answer.body.ljust(1 << 20))
    return answer, Truncated() if grant.has("token_dropped") else Fault()


def unrevoked(grant: Grant, site: Site) -> tuple[Answer | None, Fault]:
    """The answer in place of a revocation, if there is one, and how the answer goes out."""
    answer = Answer(503, _PAGE, _HTML) if grant.has("revoke_503") else None
    return answer, Slow(site.slow) if grant.has("revoke_slow") else Fault()


def _refusal(error: str) -> Refusal:
    return Refusal(error, "A planted fault.")


_REFUSALS = {
    "token": {
        "auth_invalid_client_secret": _refusal("invalid_client"),
        "token_expired_registration_token": _refusal("invalid_client"),
        "token_invalid_jti": _refusal("invalid_client"),
        "token_invalid_token": _refusal("invalid_grant"),
        "token_invalid_scope": _refusal("invalid_scope"),
    },
    "refresh": {
        "token_expired_refresh_token": _refusal("invalid_grant"),
        "refresh_invalid_client": _refusal("invalid_client"),
    },
}
_CHANGES: dict[str, Members] = {
    "token_bad_access": {"access_token": "a\r\nb"},
    "token_type_mac": {"token_type": "mac"},
    "token_type_lower": {"token_type": "bearer"},
    "token_expires_zero": {"expires_in": 0},
    "token_expires_negative": {"expires_in": -1},
    "token_expires_huge": {"expires_in": 10**12},
    "token_null_patient": {"patient": None},
    "token_bad_patient": {"patient": "../Practitioner"},
    "token_number_patient": {"patient": 123},
    "token_long_patient": {"patient": "p" * 65},
    "token_empty_patient": {"patient": ""},
    "token_unknown_patient": {"patient": "nobody"},
    "token_bad_encounter": {"encounter": "../Patient"},
    "token_banner_string": {"need_patient_banner": "false"},
    "token_unknown_intent": {"intent": "make-coffee"},
    "token_context_strings": {"fhirContext": ["ImagingStudy/1"]},
    "token_odd_context": {
        "fhirContext": [
            {"reference": "https://elsewhere.invalid/fhir/ImagingStudy/1"},
            {"reference": "Patient/another-patient"},
        ]
    },
    "token_extra_members": {"__epic.dstu2.patient": "x", "verify": False, "appContexts": [1]},
    "refresh_other_patient": {"patient": "another-patient"},
    "refresh_other_encounter": {"encounter": "another-encounter"},
    "refresh_null": {"refresh_token": None},
}
_ABSENT = {
    "token_no_access": "access_token",
    "token_no_type": "token_type",
    "token_no_expires": "expires_in",
    "token_no_scope": "scope",
    "token_no_patient": "patient",
}


def _less(scopes: list[str]) -> list[str]:
    kept = [scope for scope in scopes if resource_scope(scope) is None]
    return [*kept, "patient/Patient.r"]


def _more(scopes: list[str]) -> list[str]:
    return [*scopes, "patient/*.cruds", "user/*.cruds"]


def _older(scopes: list[str]) -> list[str]:
    return [_version_1(scope) if (scope := resource_scope(text)) else text for text in scopes]


def _version_1(scope: ResourceScope) -> str:
    suffix = "read" if set(scope.interactions) <= set("rs") else "*"
    return f"{scope.level}/{scope.resource}.{suffix}"


_SCOPES: dict[str, Callable[[list[str]], list[str]]] = {
    "token_empty_scope": lambda _: [],
    "token_less_scope": _less,
    "token_v1_scope": _older,
    "token_more_scope": _more,
    "refresh_more_scope": _more,
}
