"""A test that is ordered twice: in one session, or within a day of an order that is still open.

Housekeeping, not medicine: only the same LOINC code counts. To tell two orders of one session is an
addition of this project to its clinical fact sheet.
"""

from __future__ import annotations

from collections.abc import Iterator

from clinical import dates, orders
from clinical.chart import Chart, unreadable
from clinical.checks.retest_rules import OVERRIDES, RULES, removal
from clinical.code_systems import LOINC, canonical
from clinical.encounters import is_inpatient
from clinical.finding import OPEN_CHART, Finding, Gap, Result
from clinical.text import Markdown, day, join, markdown, one_line
from fhir.records import Draft, ServiceRequest

_PENDING = RULES["labdup.pending"]
_LONGEST_NAME = 40


def pending(chart: Chart) -> Iterator[Result]:
    """Each order of a test that is ordered already."""
    if chart.deceased or is_inpatient(chart):
        return
    seen: list[ServiceRequest] = []
    unknown = False
    for draft, order in orders.drafted(chart):
        if not (codes := _loinc(order)):
            continue
        if any(codes & _loinc(each) for each in seen):
            yield _finding(chart, draft, order, "twice in this session", Markdown())
        elif other := _open(chart, draft, codes):
            written = dates.day(other.authored_on, chart.zone) or chart.today
            told = markdown("An order of {day} is still open.", day=written)
            yield _finding(chart, draft, order, f"already, on {day(written)}", told)
        seen.append(order)
        unknown = chart.orders is None or bool(unreadable(chart.orders))
    if unknown:
        yield Gap("labdup", markdown("tests ordered twice: the open orders are not fully known"))


def _open(chart: Chart, draft: Draft, codes: set[str]) -> ServiceRequest | None:
    for each in chart.orders or ():
        asked = each.status == "active" and not each.do_not_perform
        itself = draft.reference == f"ServiceRequest/{each.id}"
        written = dates.day(each.authored_on, chart.zone)
        recent = written is not None and 0 <= (chart.today - written).days <= _PENDING.days
        if asked and recent and not itself and codes & _loinc(each):
            return each
    return None


def _finding(
    chart: Chart, draft: Draft, order: ServiceRequest, how: str, told: Markdown
) -> Finding:
    name = _name(order)
    return Finding(
        rule=_PENDING.id,
        summary=f"{one_line(name, _LONGEST_NAME)} is ordered {how}",
        indicator=_PENDING.indicator,
        source=RULES.source(_PENDING),
        detail=join(told, markdown("Both orders have one code: {name}.", name=name)),
        about=(draft.reference,),
        suggestions=removal(chart, draft, order),
        overrides=OVERRIDES,
        links=OPEN_CHART,
    )


def _loinc(order: ServiceRequest) -> set[str]:
    codings = order.code.coding if order.code else ()
    return {each.code.strip() for each in codings if each.code and _is_loinc(each.system)}


def _is_loinc(system: str | None) -> bool:
    return canonical(system or "") == LOINC


def _name(order: ServiceRequest) -> str:
    codings = order.code.coding if order.code else []
    names = [order.code.text if order.code else None, *(each.display for each in codings)]
    return next((name for name in names if name), "This test")
