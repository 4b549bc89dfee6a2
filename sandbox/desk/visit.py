"""What a clinician does in an opened chart: each act is a form, and leads back to a page.

FHIR records and the order session are changed by `sandbox.cds.visit`; here a form becomes a call
of it, and what came of it becomes a notice.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from sandbox.cds.deck import ShownCard
from sandbox.cds.visit import Refused, Visit
from sandbox.desk import cards, orders
from sandbox.desk.app import Apps
from sandbox.desk.notice import Notice
from sandbox.fhir.store import Store
from sandbox.http.answer import Resource

Form = Mapping[str, str]
_T = TypeVar("_T")


class Acts:
    """Does what a form of a visit asks for."""

    def __init__(self, store: Store, apps: Apps) -> None:
        self._store = store
        self._apps = apps

    def do(self, visit: Visit, path: list[str], form: Form) -> Notice | None:
        """What to tell of the act at this path below the visit; None if there is nothing to tell.

        LookupError if there is no such act.
        """
        about = path[1] if path[0] == "cards" and len(path) > 1 else ""
        try:
            return self._done(visit, path, form)
        except Refused as refused:
            return Notice("critical", "Not done.", str(refused), about)
        except orders.WrongField as wrong:
            written = {**form, "draft": path[1] if len(path) > 1 else ""}
            return Notice("critical", "Not ordered.", str(wrong), wrong.field, written)

    def _done(self, visit: Visit, path: list[str], form: Form) -> Notice | None:
        match path:
            case ["drafts"]:
                return self._add(visit, form)
            case ["drafts", draft_id]:
                return self._change(visit, draft_id, form)
            case ["drafts", draft_id, "remove"]:
                what = _name(visit.drafts.get(draft_id, {}))
                visit.remove(draft_id)
                return Notice("done", "Removed.", f"{what} is no longer in the order session.")
            case ["sign"]:
                return _signed(visit)
            case ["cards", card_id, act]:
                return _answered(visit, card_id, act, form)
            case ["app"]:
                self._open_app(visit, form)
                return None
            case ["app", "close"]:
                self._apps.close(visit)
                return None
            case ["exchanges", exchange_id, "again"]:
                sent = visit.again(exchange_id)
                if sent.error:
                    return Notice("warning", "Sent again.", sent.error)
                return Notice("done", "Sent again.", f"{sent.service_id} answered {sent.status}.")
        raise LookupError(f"there is no act {path}")

    def _add(self, visit: Visit, form: Form) -> Notice:
        if "renew" in form:
            kept = self._store.kept("MedicationRequest", form["renew"])
            if kept is None or visit.patient_id not in kept.patients:
                raise Refused("There is no such order in this chart.")
            draft = visit.add(orders.renewed(kept.resource, visit.user))
        else:
            draft = visit.add(orders.ordered(form, visit.user))
        return _drafted(visit, draft, "Drafted.", "is in the order session, not signed.")

    def _change(self, visit: Visit, draft_id: str, form: Form) -> Notice:
        if (draft := visit.drafts.get(draft_id)) is None:
            raise Refused("This draft is not in the order session any more.")
        changed = visit.change(draft_id, orders.changed(dict(draft), form))
        return _drafted(visit, changed, "Changed.", "is still a draft.")

    def _open_app(self, visit: Visit, form: Form) -> None:
        url, app_context = None, None
        if "card" in form:
            link = _chosen(_card(visit, form["card"]).card.links, form.get("link"))
            if link is None:
                raise Refused("The card has no such link.")
            url, app_context = link.url, link.app_context
        self._apps.open(visit, url, app_context)


def _drafted(visit: Visit, draft: Resource, word: str, text: str) -> Notice:
    """What was done, and the gravest card that came of it."""
    text = f"{_name(draft)} {text}"
    severity, says = cards.of_draft(draft["id"], visit.cards)
    if severity not in ("critical", "warning"):
        return Notice("done", word, text)
    grave = next(
        each
        for each in visit.cards
        if each.is_open and draft["id"] in each.draft_ids and each.card.indicator == severity
    )
    return Notice(severity, word, f"{text} {says}: {grave.card.summary}.", card=grave.id)


def _card(visit: Visit, card_id: str) -> ShownCard:
    found = next((each for each in visit.cards if each.id == card_id), None)
    if found is None:
        raise Refused("This card is not shown any more.")
    return found


def _chosen(every: Sequence[_T], number: str | None) -> _T | None:
    """The one that a form names by its number, written as the page has written it."""
    return next((each for n, each in enumerate(every) if str(n) == number), None)


def _answered(visit: Visit, card_id: str, act: str, form: Form) -> Notice | None:
    match act:
        case "accept":
            return _outcome(visit.accept(card_id, form.get("suggestion", "")))
        case "override":
            picked = _chosen(_card(visit, card_id).card.override_reasons, form.get("reason"))
            reason = None
            if picked is not None:
                reason = {"code": picked.code}
                reason |= {"system": picked.system} if picked.system else {}
                reason |= {"display": picked.display} if picked.display else {}
            return _outcome(visit.override(card_id, reason, form.get("comment", "").strip()))
        case "dismiss":
            visit.dismiss(card_id)
            return Notice("done", "Dismissed.", "The card is not shown any more.")
        case "report":
            return _outcome(visit.report(card_id))
    raise LookupError(f"there is no act {act!r} of a card")


def _outcome(shown: ShownCard) -> Notice:
    if shown.feedback == "failed":
        text = f"{shown.told} The service did not take the feedback: {shown.feedback_reason}"
        return Notice("warning", "Done, not reported.", text, shown.id)
    return Notice("done", "Done.", shown.told, shown.id)


def _signed(visit: Visit) -> Notice:
    signing = visit.sign()
    if signing.held_by:
        n = len(signing.held_by)
        waits = "1 critical card needs" if n == 1 else f"{n} critical cards need"
        return Notice("critical", "Not signed.", f"Signing waits: {waits} an answer.")
    if signing.unchecked and not signing.to_read:
        names = ", ".join(dict.fromkeys(each.service_id for each in signing.unchecked))
        text = f"{names} did not check these orders. Try again, or sign them unchecked."
        return Notice("warning", "Not signed yet.", text)
    if signing.to_read:
        n = len(signing.to_read)
        came = "1 card came" if n == 1 else f"{n} cards came"
        return Notice("warning", "Not signed yet.", f"{came} with the signing. Read, then sign.")
    names = ", ".join(_name(each) for each in signing.signed)
    return Notice("done", "Signed.", f"{names}: active in the chart now.")


def _name(order: Mapping[str, object]) -> str:
    concept = order.get("medicationCodeableConcept") or order.get("code")
    return orders.name(concept) or "The order"
