"""Calls of a service, to have answers to judge: as the charts of the shipped patients are opened,
and as orders for them are selected and signed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sandbox.auth.interaction import DEFAULT_USER
from sandbox.cds.chart import Chart
from sandbox.cds.discovery import Service
from sandbox.cds.exchange import Exchange, Json
from sandbox.cds.orders import Session
from sandbox.desk.orders import catalogue, ordered, renewed
from sandbox.ehr import DevelopmentEhr
from sandbox.lint.report import LintFinding

HOOKS = ("patient-view", "order-select", "order-sign")


@dataclass(frozen=True)
class Call:
    """One call and its findings."""

    service: Service
    patient_id: str
    exchange: Exchange

    @property
    def findings(self) -> tuple[LintFinding, ...]:
        """What is wrong with the answer, or that there was none."""
        if self.exchange.status is None:
            text = f"There was no answer. {self.exchange.error}"
            return (LintFinding("error", "CH-031", "HTTP status", text),)
        return self.exchange.lint


def calls(
    ehr: DevelopmentEhr, services: Sequence[Service], patients: Sequence[str]
) -> Iterator[Call]:
    """Each service called for each patient, one after the other.

    A service that did not answer is not called again, or a dead one would take minutes.
    """
    for service in services:
        for patient_id in patients:
            chart = _chart(ehr, patient_id)
            call = Call(service, patient_id, _called(ehr, service, chart))
            yield call
            if call.exchange.status is None:
                break


def _called(ehr: DevelopmentEhr, service: Service, chart: Chart) -> Exchange:
    context = _context(ehr, service.hook, chart)
    [exchange] = ehr.cds.fire(chart, service.hook, context, [service])
    if exchange.status in (401, 403) and ehr.cds.settings.sign:
        # It cannot know the keys of an EHR that is there for this lint only. Many services of
        # developers are called without a token as well.
        ehr.cds.settings = replace(ehr.cds.settings, sign=False)
        [unsigned] = ehr.cds.fire(chart, service.hook, context, [service])
        if unsigned.status == 200:
            return unsigned
        ehr.cds.settings = replace(ehr.cds.settings, sign=True)
    return exchange


def _chart(ehr: DevelopmentEhr, patient_id: str) -> Chart:
    encounters = ehr.fhir.store.search("Encounter", [("patient", patient_id), ("_sort", "-date")])
    return Chart(patient_id, DEFAULT_USER, encounters[0]["id"] if encounters else None)


def _context(ehr: DevelopmentEhr, hook: str, chart: Chart) -> Json:
    """With everything ordered that can be, so that as many cards as possible are seen."""
    if hook == "patient-view":
        return chart.context
    active = [("patient", chart.patient_id), ("status", "active")]
    orders = [
        renewed(each, DEFAULT_USER) for each in ehr.fhir.store.search("MedicationRequest", active)
    ]
    codes = [each.code for each in catalogue().medication]
    codes += [each.code for each in catalogue().test]
    orders += [ordered({"code": code}, DEFAULT_USER) for code in codes]
    session = Session(chart, lambda: 0.0)
    selected = [session.add(session.made(order)) for order in orders]
    context = {**chart.context, "draftOrders": session.bundle}
    return context | (
        {"selections": session.references(selected)} if hook == "order-select" else {}
    )
