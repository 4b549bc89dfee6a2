"""Which medicine an order is for, and whether the patient has it already.

By its code where the table of the medicine has it. Only an order without any such code is matched
by name: words of its text and displays that begin with a name of the medicine, and marked so,
since text and code can disagree. Where RxNorm names another medicine, the text is not asked.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from clinical import dates, thresholds
from clinical.chart import Chart, unreadable
from clinical.codes import Code, CodeSet
from clinical.orders import NOT_AN_INTENT
from clinical.prescribed import concepts, names
from fhir.records import Draft, MedicationRequest

ORDER_SPEAKS_FOR = thresholds.load("medicines", thresholds.Thresholds)["order-speaks-for"]

# "unknown": the order names no medicine that could be read, so it may be this one.
Match = Literal["by code", "by name", "another", "unknown"]

# What may stand beside the name of a medicine without naming another one.
_FORMS = (
    "hydrochloride hcl er xr sr ir xl mr dr extended immediate modified release osmotic gastric "
    "film coated oral tablet tablets tab tabs solution mg g gm ml"
)
_WORD = re.compile(r"[^\W\d_]+")


def match(chart: Chart, order: MedicationRequest, medicine: CodeSet) -> Match:
    """Whether the order is for this medicine."""
    if _row(chart, order, medicine):
        return "by code"
    told = names(chart, order, beside_rxnorm=False)
    if any(_words(medicine).search(name) for name in told):
        return "by name"
    return "another" if told else "unknown"


def own_name(chart: Chart, order: MedicationRequest, medicine: CodeSet) -> str:
    """What an order calls the medicine; record text. "" where it is the medicine alone."""
    row = _row(chart, order, medicine)
    told = name(chart, order, medicine)
    if row:
        alone = not set("/[") & set(row.display) and len(concepts(chart, order)) == 1
    else:
        alone = not set(_WORD.findall(told.lower())) - {*_FORMS.split()} - _ingredients(medicine)
    return "" if alone else told


def name(chart: Chart, order: MedicationRequest, medicine: CodeSet) -> str:
    """What the order calls its medicine, record text; else what our table does."""
    row = _row(chart, order, medicine)
    return next(iter(names(chart, order)), row.display if row else "")


def continues(
    chart: Chart, draft: Draft, order: MedicationRequest, medicine: CodeSet
) -> bool | None:
    """Whether this order goes on with a medicine that is active; None where nobody can tell."""
    if chart.medications is None:
        return None
    earlier = [
        each
        for each in chart.medications
        if each.status in ("active", None) and not each.do_not_perform
    ]
    answers = [_is_active(chart, draft, order, each, medicine) for each in earlier]
    if True in answers:
        return True
    renewed = order.prior_prescription and not any(_renews(draft, order, each) for each in earlier)
    unsure = renewed or unreadable(chart.medications) or None in answers
    return None if unsure else False


def is_removable(chart: Chart, draft: Draft, order: MedicationRequest) -> bool:
    """Whether the order is a draft that exists in this session only, and can be named."""
    return draft.addressable and order.status == "draft" and not is_recorded(chart, draft)


def is_recorded(chart: Chart, draft: Draft) -> bool:
    """Whether an order of this session stands in the record, too."""
    return any(
        draft.reference == f"MedicationRequest/{each.id}" for each in chart.medications or ()
    )


def _is_active(
    chart: Chart,
    draft: Draft,
    order: MedicationRequest,
    earlier: MedicationRequest,
    medicine: CodeSet,
) -> bool | None:
    """Whether an earlier order shows that the patient has the medicine."""
    matched = match(chart, earlier, medicine)
    # An order that names the one it renews tells by that what an unnamed medicine is.
    if matched == "another" or (matched == "unknown" and not _renews(draft, order, earlier)):
        return None if matched == "unknown" else False
    is_treatment = earlier.intent not in NOT_AN_INTENT and _is_current(chart, earlier)
    return True if is_treatment else None


def _is_current(chart: Chart, order: MedicationRequest) -> bool:
    """Whether an order that is called active is neither over nor very old."""
    period = order.dispense_request and order.dispense_request.validity_period
    end = dates.last_day(period.end, chart.zone) if period else None
    written = dates.last_day(order.authored_on, chart.zone)
    over = end is not None and end < chart.today
    return not over and (written is None or (chart.today - written).days <= ORDER_SPEAKS_FOR)


def _renews(draft: Draft, order: MedicationRequest, earlier: MedicationRequest) -> bool:
    prior = order.prior_prescription.reference if order.prior_prescription else None
    return any(
        f"/{reference}".endswith(f"/MedicationRequest/{earlier.id}")
        for reference in (draft.reference, prior or "")
    )


def _row(chart: Chart, order: MedicationRequest, medicine: CodeSet) -> Code | None:
    rows = (medicine.find(concept) for concept in concepts(chart, order))
    return next((row for row in rows if row), None)


@cache
def _ingredients(medicine: CodeSet) -> frozenset[str]:
    """The names of the medicine itself, without those of its combinations."""
    return frozenset(row.display.lower() for row in medicine if row.display.isalpha())


@cache
def _words(medicine: CodeSet) -> re.Pattern[str]:
    known = sorted({row.name for row in medicine if row.name} | {*medicine.names})
    if not known:
        raise ValueError(f"{medicine.title}: no names to match an order by")
    beginnings = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in known)
    return re.compile(rf"(?<![^\W_])(?:{beginnings})", re.IGNORECASE)
