"""The pages of an opened chart: tabs of the record, order entry, the app, the inspector."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from sandbox.cds.client import CdsClient
from sandbox.cds.exchange import Exchange
from sandbox.cds.visit import Visit
from sandbox.desk import cards, inspector, orders
from sandbox.desk.app import Apps
from sandbox.desk.notice import Notice
from sandbox.desk.patients import stories
from sandbox.fhir.store import Store
from sandbox.http.answer import Answer
from sandbox.pages import record, words
from sandbox.pages.page import page

TABS = {
    "": "Summary",
    "problems": "Problems",
    "medications": "Medications",
    "allergies": "Allergies",
    "results": "Results",
    "appointments": "Appointments",
    "orders": "Order entry",
}
_AT_ONCE = 50
_NEWEST = 10  # rows of each block of the summary
_SHOWN = ("request", "answer", "curl")

Query = Mapping[str, str]


class Charts:
    """Draws the pages of a visit."""

    def __init__(self, store: Store, cds: CdsClient, apps: Apps) -> None:
        self._store = store
        self._cds = cds
        self._apps = apps
        self._tabs: dict[str, Callable[[Visit, Query, Notice | None], dict[str, Any]]] = {
            "": self._summary,
            "problems": self._problems,
            "medications": self._medications,
            "allergies": self._allergies,
            "results": self._results,
            "appointments": self._appointments,
            "orders": self._orders,
        }

    def tab(self, visit: Visit, tab: str, query: Query, notice: Notice | None) -> Answer | None:
        """A tab of the chart; None if there is no such tab."""
        if tab not in self._tabs:
            return None
        opened = self._apps.shown(visit)
        full = opened is not None and query.get("panel") == "full"
        values = {} if full else self._tabs[tab](visit, query, notice)
        return page(
            "visit/full.html" if full else f"visit/{tab or 'summary'}.html",
            frames=self._apps.origins,
            form_action=self._apps.origins,
            **self._around(visit, tab, query, notice),
            opened=opened,
            app_origin=_origin(opened.url) if opened else "",
            **values,
        )

    def exchange(self, visit: Visit, exchange_id: str) -> Answer | None:
        """One request to a CDS service on a page of its own; None if it is not kept."""
        exchange = visit.exchanges.find(exchange_id)
        if exchange is None:
            return None
        return page(
            "visit/exchange.html",
            base=f"/visits/{visit.id}",
            one=inspector.inspected(exchange),
            request=inspector.json_text(exchange.request, 1_000_000)[0],
            answer=_answer(exchange.answer, exchange.answer_text, 1_000_000)[0],
            curl=self._curl(exchange),
        )

    def _around(
        self, visit: Visit, tab: str, query: Query, notice: Notice | None
    ) -> dict[str, Any]:
        """What every page of the visit has: whose chart, tabs, notice, inspector."""
        patient = self._store.read("Patient", visit.patient_id) or {"id": visit.patient_id}
        base = f"/visits/{visit.id}"
        kept = {name: query[name] for name in ("category", "all", "edit") if name in query}
        path = f"{base}/{tab}" if tab else base
        open_cards = [each for each in visit.cards if each.current]
        return {
            "base": base,
            "path": path,
            "tabs": TABS,
            "tab": tab,
            "to": f"{path}?{urlencode(kept)}" if kept else path,
            "query": query,
            "who": words.person(patient, datetime.now(UTC).date()),
            "notice": notice,
            "n_drafts": len(visit.drafts),
            "held": sum(each.holds for each in visit.cards),
            "gravest": {
                "": cards.gravest(c for c in open_cards if not c.hook.startswith("order-")),
                "orders": cards.gravest(c for c in open_cards if c.hook.startswith("order-")),
            },
            "servers": self._cds.settings.servers,
            "launch_urls": self._apps.launch_urls,
            **self._inspector(visit, query),
        }

    def _inspector(self, visit: Visit, query: Query) -> dict[str, Any]:
        exchange = inspector.chosen(visit.exchanges, query.get("call"))
        show = query.get("show") if query.get("show") in _SHOWN else ""
        text, cut = "", False
        if exchange and show == "request":
            text, cut = inspector.json_text(exchange.request)
        elif exchange and show == "answer":
            text, cut = _answer(exchange.answer, exchange.answer_text)
        elif exchange and show == "curl":
            text = self._curl(exchange)
        return {
            "exchanges": list(visit.exchanges)[::-1],
            "one": inspector.inspected(exchange) if exchange else None,
            "show": show,
            "text": text,
            "cut": cut,
        }

    def _curl(self, exchange: Exchange) -> str:
        return inspector.curl(exchange, self._cds.signer.token(exchange.url))

    def _summary(self, visit: Visit, query: Query, notice: Notice | None) -> dict[str, Any]:
        rows = record.Record(self._store, visit.patient_id)
        return {
            "cards": cards.of_hooks(visit.cards, orders=False),
            "unchecked": cards.unchecked(visit.unchecked, orders=False),
            "problems": [row for row in rows.problems() if _now(row)],
            "medications": [row for row in rows.medications() if _now(row)],
            "allergies": [row for row in rows.allergies() if _now(row)],
            "results": record.newest_of_each(rows.results("laboratory"))[:_NEWEST],
            "appointments": [row for row in rows.appointments() if row.state == "booked"][:3],
            "vaccines": record.counted(rows.vaccines())[:_NEWEST],
            "procedures": record.counted(rows.procedures())[:_NEWEST],
        }

    def _problems(self, visit: Visit, query: Query, notice: Notice | None) -> dict[str, Any]:
        return self._cut(record.Record(self._store, visit.patient_id).problems(), query)

    def _medications(self, visit: Visit, query: Query, notice: Notice | None) -> dict[str, Any]:
        rows = record.Record(self._store, visit.patient_id).medications()
        orders_here = {
            each["id"]
            for each in self._store.search("MedicationRequest", [("patient", visit.patient_id)])
        }
        return {**self._cut(rows, query), "renewable": orders_here}

    def _allergies(self, visit: Visit, query: Query, notice: Notice | None) -> dict[str, Any]:
        return self._cut(record.Record(self._store, visit.patient_id).allergies(), query)

    def _results(self, visit: Visit, query: Query, notice: Notice | None) -> dict[str, Any]:
        category = query.get("category", "")
        rows = record.Record(self._store, visit.patient_id)
        reports = rows.reports() if not category else []
        return {
            **self._cut(rows.results(category), query),
            "category": category,
            "reports": reports if "all" in query else reports[:_AT_ONCE],
        }

    def _appointments(self, visit: Visit, query: Query, notice: Notice | None) -> dict[str, Any]:
        rows = record.Record(self._store, visit.patient_id)
        encounters = rows.encounters()
        return {
            **self._cut(rows.appointments(), query),
            "n_encounters": len(encounters),
            "encounters": encounters if "all" in query else encounters[:_AT_ONCE],
        }

    def _orders(self, visit: Visit, query: Query, notice: Notice | None) -> dict[str, Any]:
        drafts = visit.drafts
        catalogue = orders.catalogue()
        story = stories().get(visit.patient_id)
        active = {
            words.code_of(record.medication(self._store, each)): each["id"]
            for each in self._store.search("MedicationRequest", [("patient", visit.patient_id)])
            if each.get("status") == "active"
        }
        wanted = [
            {"item": item, "renew": active.get(each.code) if each.renewal else None}
            for each in (story.orders if story else ())
            if (item := catalogue.find(each.code))
        ]
        written = notice.form if notice else {}
        edited = drafts.get(written.get("draft") or query.get("edit", ""))
        by_test = any(each.code == written.get("code") for each in catalogue.test)
        usual = orders.as_form(edited) if edited else {}
        return {
            "drafts": [_draft(draft, visit) for draft in drafts.values()],
            "cards": cards.of_hooks(visit.cards, orders=True),
            "unchecked": cards.unchecked(visit.unchecked, orders=True),
            "catalogue": catalogue,
            "how_often": list(orders.HOW_OFTEN),
            "wanted": wanted,
            "edited": _draft(edited, visit) if edited else None,
            # What was written wrong is put right where it was written.
            "form": {**usual, "if_needed": "", **written} if written else usual,
            "written_in": "edit" if edited else "test" if by_test else "add",
        }

    def _cut(self, rows: list[Any], query: Query) -> dict[str, Any]:
        everything = "all" in query or len(rows) <= _AT_ONCE
        return {"rows": rows if everything else rows[:_AT_ONCE], "n_rows": len(rows)}


def _now(row: record.Row) -> bool:
    return record.is_active(row) and not row.void


def _draft(draft: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
    form = orders.as_form(dict(draft))
    is_test = draft.get("resourceType") == "ServiceRequest"
    concept = draft.get("code" if is_test else "medicationCodeableConcept")
    severity, word = cards.of_draft(draft["id"], visit.cards)
    told = record.dosage(dict(draft)) or ("laboratory test" if is_test else "")
    return {
        "id": draft["id"],
        "what": orders.name(concept) or "order",
        "more": "; ".join(filter(None, [told, form["reason"]])),
        "renewal": "priorPrescription" in draft,
        "is_test": is_test,
        "severity": severity,
        "word": word,
    }


def _answer(answer: Any, text: str, longest: int = 60_000) -> tuple[str, bool]:
    if answer is None:
        return text[:longest], len(text) > longest
    return inspector.json_text(answer, longest)


def _origin(url: str) -> str:
    return "/".join(url.split("/")[:3])
