"""Vaccines: by age, by season, by dose, and what does not count as one."""

from datetime import date
from typing import Any

from clinical.checks.immunizations import immunizations
from tests.cases.table import fires, silent
from tests.clinical.build import (
    IN_HOSPICE,
    ago,
    chart,
    concept,
    immunization,
    patient,
    procedure,
    unreadable,
)

CHECKS = (immunizations,)
BOUNDARIES = {
    "imm.influenza": "age interval code status exclusion missing",
    "imm.pneumococcal": "age interval code status exclusion missing",
    "imm.pneumococcal.review": "age code status exclusion missing",
    "imm.zoster": "age interval code dose status exclusion missing",
    "imm.tdap": "age interval code status exclusion missing",
    "imm.rsv": "age code status exclusion missing",
}
FLU, PNEUMO, REVIEW, ZOSTER, TDAP, RSV = BOUNDARIES
OCTOBER = date(2026, 10, 15)


def of(age: int, *doses: Any, today: date = date(2026, 6, 15), **changes: Any) -> Any:
    born = patient(birth_date=today.replace(year=today.year - age).isoformat())
    return chart(**{"patient": born, "today": today, "immunizations": list(doses)} | changes)


def tomorrow(age: int, *doses: Any, today: date = date(2026, 6, 15)) -> Any:
    """Of this age from tomorrow on."""
    born = today.replace(year=today.year - age, day=today.day + 1)
    return of(age, *doses, today=today, patient=patient(birth_date=born.isoformat()))


def in_season(age: int, *doses: Any, today: date = OCTOBER, **changes: Any) -> Any:
    return of(age, *doses, today=today, **changes)


def named(text: str, when: str | None = ago(10), **changes: Any) -> Any:
    return immunization("999", when, **{"vaccine_code": concept(text=text)} | changes)


PPSV = [immunization("33", "2020-01-01")]

CASES = (
    # Each: whom it is for, and a dose that satisfies it or does not.
    *(
        case
        for rule, age, make, before, doses in (
            (FLU, 18, in_season, (), [immunization("150", "2026-09-20")]),
            (PNEUMO, 50, of, (), [immunization("216", "2024-01-01")]),
            (
                ZOSTER,
                50,
                of,
                (),
                [
                    immunization("187", "2023-01-01"),
                    immunization("187", "2023-04-01", id="i2"),
                ],
            ),
            (TDAP, 19, of, (), [immunization("115", "2020-01-01")]),
            (RSV, 75, of, (), [immunization("305", "2025-10-01")]),
            (REVIEW, 50, of, PPSV, [*PPSV, immunization("216", "2024-01-01", id="i2")]),
        )
        for today in [OCTOBER if make is in_season else date(2026, 6, 15)]
        for case in (
            fires(rule, "age", f"{age} today", make(age, *before), "info"),
            silent(rule, "age", f"{age} tomorrow", tomorrow(age, *before, today=today)),
            silent(
                rule,
                "age",
                "only a year of birth",
                make(age, *before, patient=patient(birth_date="1940")),
                gap="birth date",
            ),
            silent(rule, "status", "completed", make(80, *doses)),
            silent(
                rule,
                "exclusion",
                "in hospice",
                make(80, *before, procedures=[procedure(IN_HOSPICE, today.isoformat())]),
                gap="hospice",
            ),
            fires(
                rule,
                "exclusion",
                "in hospice two years ago",
                make(80, *before, procedures=[procedure(IN_HOSPICE, "2024-06-01")]),
            ),
            fires(rule, "missing", "no such dose on record", make(80, *before)),
            silent(
                rule,
                "missing",
                "doses not known",
                make(80, immunizations=None),
                gap="not fully known",
            ),
            silent(
                rule,
                "missing",
                "a dose unreadable",
                make(80, immunizations=unreadable("Immunization", *before)),
                gap="not fully known",
            ),
            silent(
                rule,
                "missing",
                "a dose without a name",
                make(80, *before, immunization("1", vaccine_code=None, id="i3")),
                gap="without a code",
            ),
        )
    ),
    *(
        fires(rule, "status", status, make(80, immunization(code, when, status=status)))
        for rule, make, code, when in (
            (FLU, in_season, "150", "2026-09-20"),
            (PNEUMO, of, "216", "2024-01-01"),
            (TDAP, of, "115", "2020-01-01"),
            (RSV, of, "305", "2025-10-01"),
        )
        for status in ("entered-in-error", "not-done")
    ),
    *(
        silent(
            rule,
            "status",
            "status not told",
            make(80, immunization(code, when, status=None)),
            gap="may count",
        )
        for rule, make, code, when in (
            (FLU, in_season, "150", "2026-09-20"),
            (PNEUMO, of, "216", "2024-01-01"),
            (TDAP, of, "115", "2020-01-01"),
            (RSV, of, "305", "2025-10-01"),
        )
    ),
    # Influenza: the season.
    silent(FLU, "interval", "31 August", of(40, today=date(2026, 8, 31))),
    fires(FLU, "interval", "1 September", of(40, today=date(2026, 9, 1))),
    fires(FLU, "interval", "31 March", of(40, today=date(2027, 3, 31))),
    silent(FLU, "interval", "1 April", of(40, today=date(2027, 4, 1))),
    fires(FLU, "interval", "a dose of 31 July", in_season(40, immunization("150", "2026-07-31"))),
    silent(FLU, "interval", "a dose of 1 August", in_season(40, immunization("150", "2026-08-01"))),
    silent(
        FLU,
        "interval",
        "a dose of the season in spring",
        of(40, immunization("150", "2026-08-01"), today=date(2027, 3, 1)),
    ),
    silent(
        FLU,
        "interval",
        "a dose of this year",
        in_season(40, immunization("150", "2026")),
        gap="may count",
    ),
    silent(FLU, "code", "by name", in_season(40, named("Influenza, trivalent", "2026-09-20"))),
    fires(
        FLU,
        "code",
        "Haemophilus influenzae",
        in_season(40, named("Hib (influenzae b)", "2026-09-20")),
    ),
    fires(FLU, "code", "another vaccine", in_season(40, immunization("115", "2026-09-20"))),
    # Pneumococcal.
    silent(PNEUMO, "code", "PCV21 by name", of(60, named("PCV21 (Capvaxive)"))),
    silent(
        PNEUMO,
        "code",
        "PCV15 and PPSV23",
        of(60, immunization("215", "2024-01-01"), immunization("33", "2025-02-01", id="i2")),
    ),
    fires(PNEUMO, "code", "another vaccine", of(60, immunization("187"))),
    fires(
        PNEUMO,
        "interval",
        "PCV15 365 days ago",
        of(60, immunization("215", ago(365))),
        says="PPSV23",
    ),
    silent(PNEUMO, "interval", "PCV15 364 days ago", of(60, immunization("215", ago(364)))),
    fires(
        REVIEW, "code", "PCV13 only", of(60, immunization("133", "2019-01-01")), says="PneumoRecs"
    ),
    fires(REVIEW, "code", "a vaccine that is not specified", of(60, immunization("109", "2019"))),
    silent(REVIEW, "code", "PCV20 only", of(60, immunization("216", "2024-01-01"))),
    fires(
        REVIEW,
        "status",
        "beside one entered in error",
        of(60, *PPSV, immunization("216", status="entered-in-error", id="i2")),
    ),
    silent(
        REVIEW,
        "status",
        "beside one of no status",
        of(60, *PPSV, immunization("216", status=None, id="i2")),
        gap="may count",
    ),
    # Zoster: two doses on two days.
    fires(ZOSTER, "dose", "one dose", of(60, immunization("187", "2023-01-01")), says="dose 2"),
    fires(
        ZOSTER,
        "dose",
        "one day twice",
        of(60, immunization("187", "2023-01-01"), immunization("187", "2023-01-01", id="i2")),
        says="dose 2",
    ),
    silent(
        ZOSTER,
        "dose",
        "two doses",
        of(60, immunization("187", "2023-01-01"), immunization("187", "2023-04-01", id="i2")),
    ),
    silent(
        ZOSTER,
        "dose",
        "two doses, one without a date",
        of(60, immunization("187", "2023-01-01"), immunization("187", None, id="i2")),
        gap="may count",
    ),
    fires(ZOSTER, "interval", "the first 60 days ago", of(60, immunization("187", ago(60)))),
    silent(ZOSTER, "interval", "the first 59 days ago", of(60, immunization("187", ago(59)))),
    fires(ZOSTER, "code", "the live vaccine", of(60, immunization("121", "2015")), says="dose 1"),
    fires(
        ZOSTER, "code", "not specified", of(60, immunization("188", "2022-01-01")), says="dose 1"
    ),
    silent(
        ZOSTER,
        "code",
        "by name",
        of(60, named("Shingrix", "2023-01-01"), named("Shingrix", "2023-04-01", id="i2")),
    ),
    fires(
        ZOSTER,
        "status",
        "the second in error",
        of(
            60,
            immunization("187", "2023-01-01"),
            immunization("187", "2023-04-01", status="entered-in-error", id="i2"),
        ),
    ),
    # Tdap once, then Td or Tdap.
    fires(
        TDAP,
        "interval",
        "10 years ago",
        of(40, immunization("115", "2016-06-15")),
        says="Td or Tdap",
    ),
    silent(TDAP, "interval", "a day less", of(40, immunization("115", "2016-06-16"))),
    silent(
        TDAP,
        "interval",
        "Tdap long ago and Td since",
        of(40, immunization("115", "2010-01-01"), immunization("113", "2020-01-01", id="i2")),
    ),
    fires(TDAP, "code", "Td only", of(40, immunization("113", "2020-01-01")), says="One Tdap"),
    silent(TDAP, "code", "Boostrix by name", of(40, named("Boostrix", "2020-01-01"))),
    fires(RSV, "code", "another vaccine", of(80, immunization("187"))),
    silent(RSV, "code", "by name", of(80, named("Arexvy"))),
)
