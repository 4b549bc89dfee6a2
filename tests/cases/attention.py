"""Critical results, and appointments that were missed or are near."""

from typing import Any

from clinical.chart import Chart
from clinical.checks.appointments import missed, upcoming
from clinical.checks.results import critical
from fhir.records import Appointment, Communication, Quantity, Reference, Task
from tests.cases.table import fires, silent
from tests.clinical.build import ago, chart, concept, lab, patient, unreadable

CHECKS = (critical, missed, upcoming)
BOUNDARIES = {
    "result.critical": "age interval value code status exclusion missing",
    "appt.noshow": "age interval value status exclusion missing",
    "appt.upcoming": "interval status exclusion missing",
}
CRITICAL, MISSED, UPCOMING = BOUNDARIES
V3 = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
ABOUT = (Reference("Observation/k1"),)


def flag(code: str, system: str | None = V3) -> Any:
    return (concept((system, code, None)),)


def potassium(when: str | None = ago(2), code: str = "HH", **changes: Any) -> Any:
    given = {"id": "k1", "interpretation": flag(code)}
    return lab("2823-3", 6.6, "mmol/L", when, **given | changes)


def normal(when: str | None = ago(1), loinc: str = "2823-3", **changes: Any) -> Any:
    return lab(loinc, 4.4, "mmol/L", when, **{"id": "k2"} | changes)


def of(*labs: Any, **changes: Any) -> Chart:
    return chart(**{"labs": list(labs)} | changes)


def visit(days: int, status: str = "noshow", id: str = "v1") -> Appointment:
    """So many days ago, or ahead where it is negative."""
    return Appointment(id, status, f"{ago(days)}T09:00:00-04:00")


def visits(*each: Appointment, **changes: Any) -> Chart:
    return chart(**{"appointments": list(each)} | changes)


CASES = (
    fires(CRITICAL, "value", "HH", of(potassium()), "critical", "6.6 mmol/L (HH) on 13 Jun 2026"),
    fires(CRITICAL, "value", "LL", of(potassium(code="LL")), "critical"),
    fires(
        CRITICAL,
        "value",
        "AA, in words",
        of(potassium(code="AA", value_quantity=None, value_codeable_concept=concept(text="seen"))),
        "critical",
    ),
    silent(CRITICAL, "value", "H", of(potassium(code="H"))),
    silent(CRITICAL, "value", "no flag", of(potassium(interpretation=()))),
    fires(
        CRITICAL,
        "code",
        "HL7 version 2",
        of(potassium(interpretation=flag("HH", "http://terminology.hl7.org/CodeSystem/v2-0078"))),
    ),
    silent(
        CRITICAL,
        "code",
        "a local code",
        of(potassium(interpretation=flag("HH", "urn:lab"))),
        gap="a system that is not known",
    ),
    fires(CRITICAL, "code", "no system", of(potassium(interpretation=flag("HH", None)))),
    *(
        fires(CRITICAL, "code", oid, of(potassium(interpretation=flag("HH", f"urn:oid:{oid}"))))
        for oid in ("2.16.840.1.113883.5.83", "2.16.840.1.113883.12.78")
    ),
    fires(
        CRITICAL, "code", "a single flag, as before R4", of(potassium(interpretation=flag("HH")[0]))
    ),
    fires(CRITICAL, "interval", "14 days ago", of(potassium(ago(14)))),
    silent(CRITICAL, "interval", "15 days ago", of(potassium(ago(15)))),
    fires(CRITICAL, "age", "18 today", of(potassium(), patient=patient(birth_date="2008-06-15"))),
    silent(
        CRITICAL,
        "age",
        "18 tomorrow",
        of(potassium(), patient=patient(birth_date="2008-06-16")),
        gap="not judged below",
    ),
    fires(
        CRITICAL, "age", "an adult by the year", of(potassium(), patient=patient(birth_date="1956"))
    ),
    fires(CRITICAL, "age", "no birth date", of(potassium(), patient=patient(birth_date=None))),
    *(
        fires(CRITICAL, "status", status, of(potassium(status=status)))
        for status in ("final", "preliminary", "amended", "corrected")
    ),
    *(
        silent(CRITICAL, "status", status, of(potassium(status=status)))
        for status in ("entered-in-error", "cancelled", "registered")
    ),
    silent(CRITICAL, "exclusion", "a newer result is normal", of(potassium(), normal())),
    silent(
        CRITICAL,
        "exclusion",
        "a newer result is flagged high only",
        of(
            potassium(),
            normal(value_quantity=Quantity(6.1, None, "mmol/L"), interpretation=flag("H")),
        ),
    ),
    *(
        fires(
            CRITICAL,
            "exclusion",
            f"a newer one without a flag, {value} {unit}",
            of(potassium(), normal(value_quantity=Quantity(value, None, unit))),
        )
        for value, unit in ((7.9, "mmol/L"), (6.6, "mmol/L"), (4.4, "g/L"))
    ),
    fires(
        CRITICAL,
        "exclusion",
        "a newer low one falls further",
        of(
            potassium(code="LL", value_quantity=Quantity(2.4, None, "mmol/L")),
            normal(value_quantity=Quantity(2.1, None, "mmol/L")),
        ),
    ),
    fires(
        CRITICAL,
        "exclusion",
        "a newer one with a critical flag of an unknown system",
        of(potassium(), normal(interpretation=flag("HH", "urn:lab"))),
    ),
    fires(
        CRITICAL,
        "exclusion",
        "a newer result of another test",
        of(potassium(), normal(loinc="2951-2")),
    ),
    fires(CRITICAL, "exclusion", "an older result is normal", of(potassium(), normal(ago(3)))),
    fires(
        CRITICAL, "exclusion", "one of the same day without a time", of(potassium(), normal(ago(2)))
    ),
    silent(
        CRITICAL,
        "exclusion",
        "normal an hour later",
        of(potassium(f"{ago(2)}T09:00:00-04:00"), normal(f"{ago(2)}T10:00:00-04:00")),
    ),
    fires(
        CRITICAL,
        "exclusion",
        "a newer one without a value",
        of(potassium(), normal(value_quantity=None, data_absent_reason=concept(text="error"))),
    ),
    fires(
        CRITICAL,
        "exclusion",
        "a newer one entered in error",
        of(potassium(), normal(status="entered-in-error")),
    ),
    silent(
        CRITICAL,
        "exclusion",
        "a message was sent",
        of(potassium(), communications=[Communication("m1", "completed", about=ABOUT)]),
    ),
    fires(
        CRITICAL,
        "exclusion",
        "a message is being written",
        of(potassium(), communications=[Communication("m1", "preparation", about=ABOUT)]),
    ),
    silent(
        CRITICAL,
        "exclusion",
        "a task is done",
        of(potassium(), tasks=[Task("t1", "completed", ABOUT[0])]),
    ),
    fires(
        CRITICAL,
        "exclusion",
        "a task about another result",
        of(potassium(), tasks=[Task("t1", "completed", Reference("Observation/k11"))]),
    ),
    silent(CRITICAL, "exclusion", "dead", of(potassium(), patient=patient(deceased_boolean=True))),
    fires(CRITICAL, "missing", "tasks not known", of(potassium(), tasks=None)),
    silent(CRITICAL, "missing", "results not known", of(labs=None), gap="not known"),
    silent(
        CRITICAL,
        "missing",
        "results unreadable",
        of(labs=unreadable("Observation")),
        gap="could not be read",
    ),
    silent(CRITICAL, "missing", "the day is not told", of(potassium("2026-06")), gap="flagged"),
    silent(CRITICAL, "missing", "no date at all", of(potassium(None)), gap="flagged"),
    fires(MISSED, "value", "twice", visits(visit(20), visit(90, id="v2")), "info", "2 missed"),
    silent(MISSED, "value", "once", visits(visit(20))),
    silent(MISSED, "value", "one that was sent twice", visits(visit(20), visit(20))),
    fires(MISSED, "interval", "365 days ago", visits(visit(20), visit(365, id="v2"))),
    silent(MISSED, "interval", "366 days ago", visits(visit(20), visit(366, id="v2"))),
    fires(MISSED, "status", "both missed", visits(visit(20), visit(90, id="v2"))),
    *(
        silent(MISSED, "status", status, visits(visit(20), visit(90, status, "v2")))
        for status in ("cancelled", "entered-in-error", "fulfilled")
    ),
    fires(
        MISSED,
        "age",
        "18 today",
        visits(visit(20), visit(90, id="v2"), patient=patient(birth_date="2008-06-15")),
    ),
    silent(
        MISSED,
        "age",
        "18 tomorrow",
        visits(visit(20), visit(90, id="v2"), patient=patient(birth_date="2008-06-16")),
    ),
    silent(
        MISSED,
        "exclusion",
        "dead",
        visits(visit(20), visit(90, id="v2"), patient=patient(deceased_boolean=True)),
    ),
    fires(
        MISSED,
        "exclusion",
        "alive",
        visits(visit(20), visit(90, id="v2"), patient=patient(deceased_boolean=False)),
    ),
    fires(
        MISSED,
        "missing",
        "some are not known",
        chart(appointments=unreadable("Appointment", visit(20), visit(90, id="v2"))),
    ),
    silent(MISSED, "missing", "none is known", visits(appointments=None), gap="not fully known"),
    silent(
        MISSED,
        "missing",
        "the day is not told",
        visits(visit(20), Appointment("v2", "noshow", "2026-05")),
    ),
    fires(UPCOMING, "interval", "in 14 days", visits(visit(-14, "booked")), "info", "29 Jun 2026"),
    silent(UPCOMING, "interval", "in 15 days", visits(visit(-15, "booked"))),
    silent(UPCOMING, "interval", "yesterday", visits(visit(1, "booked"))),
    fires(UPCOMING, "status", "pending", visits(visit(-3, "pending"))),
    silent(UPCOMING, "status", "cancelled", visits(visit(-3, "cancelled"))),
    fires(UPCOMING, "exclusion", "alive", visits(visit(-3, "booked"))),
    silent(
        UPCOMING,
        "exclusion",
        "dead",
        visits(visit(-3, "booked"), patient=patient(deceased_boolean=True)),
    ),
    fires(
        UPCOMING,
        "missing",
        "beside one without a day",
        visits(visit(-3, "booked"), Appointment("v2", "booked", None)),
    ),
    silent(UPCOMING, "missing", "appointments not known", visits(appointments=None)),
)
