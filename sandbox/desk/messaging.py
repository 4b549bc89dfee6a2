"""The EHR's side of SMART Web Messaging 1.0.0: what an app in a frame may do to the page around it.

The page (`templates/messaging.js`) takes messages only from its frame and the app's own origin, and
passes them on to here. The handle in a message says on which launch the app got it: that launch has
to be one of this visit, with the scope for the message. Scratchpad is what the specification calls
the unsigned orders of a visit.
"""

from collections.abc import Callable, Mapping
from http.client import responses
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
from msgspec import Struct

from sandbox.auth.clients import Client
from sandbox.auth.vault import Grant, Vault
from sandbox.cds.visit import Refused, Visit
from sandbox.cds.visits import Visits
from sandbox.desk.origin import same_origin
from sandbox.http.answer import Answer, Resource, json_answer, outcome
from sandbox.http.listener import Request

Payload = dict[str, Any]

_ORDERS = ("MedicationRequest", "ServiceRequest")


class _Message(Struct, rename="camel"):
    messaging_handle: str
    message_id: str
    message_type: str
    payload: Payload = {}


class _Passed(Struct):
    """A message, and the origin that it came from as the browser says."""

    origin: str
    message: _Message


class _Failed(Exception):
    """Why a message has no effect: a status of HTTP, and words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Messaging:
    """Answers `POST /visits/{visit}/messaging`; `base` is that of the FHIR server.

    200 has the `response` that the app gets and the `effect` for the page: "drafts" have changed,
    the app is "done", or null.
    """

    def __init__(self, base: str, vault: Vault, visits: Visits) -> None:
        self._base = base
        self._vault = vault
        self._visits = visits

    def answer(self, request: Request) -> Answer | None:
        """The answer, if the request is for something here."""
        match request.method, request.path.split("/")[1:]:
            case "POST", ["visits", visit_id, "messaging"]:
                return self._answer(request, visit_id)
        return None

    def _answer(self, request: Request, visit_id: str) -> Answer:
        if not same_origin(request):
            return json_answer({"error": "Messages come from pages of this EHR only."}, 403)
        visit = self._visits.find(visit_id)
        if visit is None:
            return json_answer({"error": "This chart is not open. Open it again."}, 404)
        try:
            passed = msgspec.json.decode(request.body, type=_Passed)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return json_answer({"error": f"This is no message: {error}."}, 400)
        message, effect = passed.message, None
        try:
            grant = self._grant(passed, visit)
            payload, effect = _done(message, visit, grant, self._base)
        except _Failed as failed:
            payload = _failure(message.message_type, failed)
        response = {
            "messageId": str(uuid4()),
            "responseToMessageId": message.message_id,
            "payload": payload,
        }
        return json_answer({"response": response, "effect": effect})

    def _grant(self, passed: _Passed, visit: Visit) -> Grant:
        grant = self._vault.of_handle(passed.message.messaging_handle)
        if grant is None or grant.launch.visit != visit.id or grant.patient != visit.patient_id:
            raise _Failed(401, "No app was opened from this visit with this messagingHandle.")
        if passed.origin not in _origins(grant.client):
            raise _Failed(403, "The app with this messagingHandle is at another origin.")
        return grant


def _origins(client: Client) -> list[str]:
    """Where the pages of an app are, as it is registered."""
    launches = [urlsplit(url) for url in (*client.launch_urls, *client.redirect_uris)]
    return [*(f"{url.scheme}://{url.netloc}" for url in launches), *client.origins]


def _done(message: _Message, visit: Visit, grant: Grant, base: str) -> tuple[Payload, str | None]:
    """What was asked for, done: the payload of the response, and the effect on the page."""
    kind, payload = message.message_type, message.payload
    if kind == "status.handshake":
        return {}, None
    if kind not in _KINDS:
        raise _Failed(501, f"This EHR knows no messageType {kind}.")
    scope = f"messaging/{kind.partition('.')[0]}"
    if scope not in grant.scopes:
        raise _Failed(403, f"{kind} needs the scope {scope}, which was not granted.")
    if kind in ("scratchpad.create", "scratchpad.update"):
        payload = _order(payload.get("resource"), f"Patient/{visit.patient_id}", base)
    try:
        return _KINDS[kind](visit, payload)
    except Refused as refused:
        raise _Failed(422, str(refused)) from None


def _create(visit: Visit, order: Resource) -> tuple[Payload, str | None]:
    draft = visit.add({name: value for name, value in order.items() if name != "id"})
    return {"status": _status(201), "location": f"{draft['resourceType']}/{draft['id']}"}, "drafts"


def _read(visit: Visit, payload: Payload) -> tuple[Payload, str | None]:
    if "location" not in payload:
        return {"status": _status(200), "scratchpad": list(visit.drafts.values())}, None
    return {"status": _status(200), "resource": _draft(visit, payload["location"])}, None


def _update(visit: Visit, order: Resource) -> tuple[Payload, str | None]:
    draft = _draft(visit, f"{order['resourceType']}/{order.get('id')}")
    visit.change(draft["id"], order)
    return {"status": _status(200)}, "drafts"


def _delete(visit: Visit, payload: Payload) -> tuple[Payload, str | None]:
    visit.remove(_draft(visit, payload.get("location"))["id"])
    return {"status": _status(200)}, "drafts"


def _ui_done(visit: Visit, payload: Payload) -> tuple[Payload, str | None]:
    return {"status": "success"}, "done"


def _launch_activity(visit: Visit, payload: Payload) -> tuple[Payload, str | None]:
    raise _Failed(501, f"This EHR opens no activity {payload.get('activityType')!r}.")


_KINDS: Mapping[str, Callable[[Visit, Payload], tuple[Payload, str | None]]] = {
    "scratchpad.create": _create,
    "scratchpad.read": _read,
    "scratchpad.update": _update,
    "scratchpad.delete": _delete,
    "ui.done": _ui_done,
    "ui.launchActivity": _launch_activity,
}


def _order(order: Any, own: str, base: str) -> Resource:
    """The order that a message brings: a draft, for the patient whose chart is open."""
    if not isinstance(order, dict) or order.get("resourceType") not in _ORDERS:
        raise _Failed(422, f"payload.resource must be one of {', '.join(_ORDERS)}.")
    if order.get("status", "draft") != "draft":
        raise _Failed(422, "payload.resource.status must be draft: only the clinician signs.")
    if order.get("subject", {"reference": own}) not in (
        {"reference": own},
        {"reference": f"{base}/{own}"},
    ):
        raise _Failed(403, f"payload.resource.subject must be {own}, whose chart is open.")
    return {**order, "status": "draft", "subject": {"reference": own}}


def _draft(visit: Visit, location: Any) -> Resource:
    kind, _, draft_id = location.partition("/") if isinstance(location, str) else ("", "", "")
    draft = visit.drafts.get(draft_id)
    if draft is None or draft["resourceType"] != kind:
        raise _Failed(404, f"No unsigned order of this visit is at {location}.")
    return draft


def _failure(kind: str, failed: _Failed) -> Payload:
    if kind.startswith("ui."):
        # Of the two words that the specification has for it, the one of its table.
        return {"status": "failure", "statusDetail": {"text": str(failed)}}
    told = outcome("error", "processing", str(failed))
    return {"status": _status(failed.status), "outcome": told}


def _status(code: int) -> str:
    return f"{code} {responses[code]}"
