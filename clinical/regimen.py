"""What the patient is to take: the orders of this session, and what is active beside them.

Active is what the record calls so and what has not ended by its own dates. An order that was
written long ago and is still called active may have been forgotten: it counts, and is told as
`stale`, since nobody can tell from it whether the patient takes the medicine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clinical import dates, ingredients
from clinical.chart import Chart, unreadable
from clinical.dates import When
from clinical.finding import Delete, Gap, Suggestion
from clinical.ingredients import Ingredients
from clinical.medicines import ORDER_SPEAKS_FOR, is_removable
from clinical.orders import NOT_AN_INTENT, NOT_AN_ORDER
from clinical.prescribed import Order
from clinical.text import Markdown, Value, markdown
from fhir.records import Dosage, Draft, MedicationRequest, MedicationStatement

_ORDER_TYPES = ("MedicationRequest/", "MedicationOrder/")
_ACTIVE = ("active", None)

# What stands for no check in particular, so that several tell it once.
_RULE = "medicines"


@dataclass(frozen=True, slots=True, eq=False)
class Medicine:
    """One order or report of a medicine. `draft`: it is an order of this session; `ended`: its
    prescription is over, though it is called active.
    """

    record: Order
    ingredients: Ingredients
    when: When
    draft: Draft | None
    stale: bool
    ended: bool

    @property
    def reference(self) -> str:
        """Type/id."""
        if self.draft:
            return self.draft.reference
        return f"{type(self.record).__name__}/{self.record.id}"

    @property
    def reported(self) -> bool:
        """What somebody says the patient takes, not an order."""
        return isinstance(self.record, MedicationStatement)

    @property
    def dosage(self) -> tuple[Dosage, ...]:
        """How it is to be taken."""
        if isinstance(self.record, MedicationStatement):
            return self.record.dosage
        return self.record.dosage_instruction

    @property
    def said(self) -> str:
        """What the instructions say in words, in lower case."""
        return " ".join(each.text for each in self.dosage if each.text).lower()

    @property
    def short(self) -> str:
        """For a summary, behind the name: since when it is active."""
        if self.draft:
            return ""
        known = "reported" if self.reported else "ordered"
        return f" ({known} {self.when.told})" if self.when.told else " (active)"

    @property
    def told(self) -> Markdown:
        """For a detail: where the record has it, and how it was recognised."""
        if self.draft:
            where = Markdown("ordered in this session")
        else:
            known = (
                "reported" if isinstance(self.record, MedicationStatement) else "active, ordered"
            )
            where = markdown("{known} {when}", known=known, when=self.when.told or "without a date")
            if self.stale:
                where = markdown("{where}; whether it is still taken is not known", where=where)
        by_name = self.ingredients.basis == "name"
        return markdown("{where}; matched by name, not by code", where=where) if by_name else where


class Regimen:
    """All medicines of a chart, looked up once; those in `unmapped` have no known ingredient."""

    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        self._unreadable = 0
        drafts = list(self._of_drafts())
        drafted = {each.reference for each in drafts}
        found = drafts + [each for each in self._of_record() if each.reference not in drafted]
        self.all = [each for each in found if each.ingredients.names]
        self.unmapped = [each for each in found if each.ingredients.basis == "unmapped"]

    @property
    def ordered(self) -> list[Medicine]:
        """The orders of this session that are being chosen or signed."""
        return [each for each in self.all if each.draft and each.draft.selected]

    @property
    def empty(self) -> bool:
        """Whether no medicine is ordered, not even one that nobody knows."""
        return not (self._unreadable or any(each.draft for each in (*self.all, *self.unmapped)))

    def beside(self, ordered: Medicine) -> Iterator[Medicine]:
        """What is drafted or active beside an order, but for the order that it renews."""
        for each in self.all:
            if each is not ordered and not renews(ordered, each):
                yield each

    def gaps(self) -> Iterator[Gap]:
        """What of it is not known."""
        chart = self._chart
        if chart.medications is None:
            yield _gap("the active medicines are not known")
        elif n := len(unreadable(chart.medications)):
            yield _gap("active medicines that could not be obtained or read ({n})", n=n)
        if n := len(unreadable(chart.statements)):
            yield _gap("reported medicines that could not be obtained or read ({n})", n=n)
        if self._unreadable:
            yield _gap("orders of this session that could not be read ({n})", n=self._unreadable)
        if n := len(self.unmapped):
            yield _gap("medicines that no table here knows ({n})", n=n)

    def removal(self, medicine: Medicine, name: str) -> Suggestion | None:
        """To remove an order that exists in this session only.

        A name may stand in an order that says "hold warfarin": it is not ours to remove.
        """
        draft, record = medicine.draft, medicine.record
        if draft is None or isinstance(record, MedicationStatement):
            return None
        if medicine.ingredients.basis != "code" or not is_removable(self._chart, draft, record):
            return None
        remove = Delete(f"Remove the order of {name} from this session", draft)
        return Suggestion(f"Remove this order of {name}", (remove,))

    def to_end(self, medicine: Medicine, name: str) -> Markdown:
        """How what is active is ended, which is not ours to change."""
        if medicine.draft:
            return Markdown()
        return markdown("To end {name} instead, stop it in the medication list.", name=name)

    def _of_drafts(self) -> Iterator[Medicine]:
        for draft in self._chart.drafts:
            order = draft.resource
            if not draft.reference.startswith(_ORDER_TYPES):
                continue
            if not isinstance(order, MedicationRequest):
                self._unreadable += 1
            elif not order.do_not_perform and order.status not in NOT_AN_ORDER:
                yield self._medicine(order, When(), draft)

    def _of_record(self) -> Iterator[Medicine]:
        chart = self._chart
        for order in chart.medications or ():
            asked = order.intent not in NOT_AN_INTENT and not order.do_not_perform
            if order.status in _ACTIVE and asked and not self._over(order.dosage_instruction):
                yield self._medicine(order, dates.when(order.authored_on, chart.zone))
        for statement in chart.statements or ():
            period = statement.effective_period
            end = dates.last_day(period.end, chart.zone) if period else None
            if statement.status in _ACTIVE and not (end and end < chart.today):
                said = statement.date_asserted or statement.effective_date_time
                began = period.start if period else None
                when = dates.when(said or began, chart.zone)
                yield self._medicine(statement, when)

    def _medicine(self, record: Order, when: When, draft: Draft | None = None) -> Medicine:
        chart = self._chart
        old = when.latest is not None and (chart.today - when.latest).days > ORDER_SPEAKS_FOR
        known = ingredients.of(chart, record)
        return Medicine(record, known, when, draft, old, self._is_over(record))

    def _is_over(self, record: Order) -> bool:
        dispense = record.dispense_request if isinstance(record, MedicationRequest) else None
        period = dispense.validity_period if dispense else None
        end = dates.last_day(period.end, self._chart.zone) if period else None
        return end is not None and end < self._chart.today

    def _over(self, dosage: Sequence[Dosage]) -> bool:
        """Whether every instruction has an end that is past."""
        repeats = [each.timing.repeat if each.timing else None for each in dosage]
        periods = [each.bounds_period if each else None for each in repeats]
        ends = [dates.last_day(each.end, self._chart.zone) if each else None for each in periods]
        return bool(ends) and all(end and end < self._chart.today for end in ends)


def of(chart: Chart) -> Regimen:
    """The medicines of a chart, for whichever check asks."""
    regimen: Regimen = chart.once(Regimen, chart)
    return regimen


def renews(medicine: Medicine, earlier: Medicine) -> bool:
    """Whether an order names another one as the prescription that it replaces."""
    order = medicine.record
    prior = order.prior_prescription if isinstance(order, MedicationRequest) else None
    return prior is not None and f"/{prior.reference}".endswith(f"/{earlier.reference}")


def _gap(template: str, **values: Value) -> Gap:
    return Gap(_RULE, markdown(template, **values))
