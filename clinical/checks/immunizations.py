"""Vaccines that are due for adults: a finding for each, all of them information.

A dose given elsewhere may be missing, so no wording says that one was not given. Hepatitis B and
COVID-19 are not judged: two, three and four doses cannot be told apart, and the latter is decided
for each person. Nothing is offered to order: an Immunization would record a dose.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from clinical.chart import Chart, unreadable
from clinical.checks.screening import OVERRIDES
from clinical.done import within
from clinical.finding import OPEN_CHART, Finding, Gap, Result
from clinical.person import Person, who
from clinical.text import Markdown, join, markdown
from clinical.vaccines import (
    DATA,
    INFLUENZA,
    NAMES,
    PNEUMOCOCCAL,
    RSV,
    TETANUS,
    ZOSTER,
    Doses,
    doses,
    nameless,
)

_ALLERGIES = markdown("Allergies and other reasons against it are not read here.")
_TDAP = "115"
_PCV15, _PCV20, _PPSV23 = "215", "216", "33"


def immunizations(chart: Chart) -> Iterator[Result]:
    """Which vaccines are due."""
    person = who(chart)
    if not isinstance(person, Person):
        yield from (person,) if person else ()
        return
    if person.age < DATA["influenza-from"]:
        return
    if chart.immunizations is None or unreadable(chart.immunizations) or chart.replaced:
        yield Gap("imm", markdown("vaccines: the doses on record are not fully known"))
        return
    if n := nameless(chart):
        yield Gap("imm", markdown("vaccines: doses without a code or a name ({n})", n=n))
        return
    for check in (_influenza, _pneumococcal, _zoster, _tdap, _rsv):
        yield from check(chart, person.age)
    yield from person.doubts


def season(today: date) -> date | None:
    """The first day of the season whose vaccine is asked for today, None in between."""
    if int(DATA["asked-to"]) < today.month < int(DATA["asked-from"]):
        return None
    begins = int(DATA["season-begins"])
    return date(today.year - (today.month < begins), begins, 1)


def _influenza(chart: Chart, age: int) -> Iterator[Result]:
    since = season(chart.today)
    if since is None:
        return
    given = doses(chart, "influenza", INFLUENZA, NAMES["influenza"], but=NAMES["not-influenza"])
    answer = within(given.doses, chart.today, since=since)
    if answer.done is None:
        yield _gap("influenza", given)
    elif not answer.done:
        said = markdown("Once a season; since {day} none is on record here.", day=since)
        yield _finding("imm.influenza", "cdc-2025", "influenza vaccine", given, said)


def _pneumococcal(chart: Chart, age: int) -> Iterator[Result]:
    if age < DATA["pneumococcal-from"]:
        return
    given = doses(chart, "pneumococcal", PNEUMOCOCCAL, NAMES["pneumococcal"])
    pcv20 = doses(chart, "PCV20", PNEUMOCOCCAL, NAMES["pcv20"], only=[_PCV20])
    pcv21 = doses(chart, "PCV21", PNEUMOCOCCAL, NAMES["pcv21"], only=["-"])
    pcv15 = doses(chart, "PCV15", PNEUMOCOCCAL, NAMES["pcv15"], only=[_PCV15])
    ppsv23 = doses(chart, "PPSV23", PNEUMOCOCCAL, NAMES["ppsv23"], only=[_PPSV23])
    if pcv20.sure or pcv21.sure or (pcv15.sure and ppsv23.sure):
        return
    source = "acip-pneumococcal"
    if len(given.sure) < len(given.doses):
        yield _gap("pneumococcal", given)
    elif pcv15.last:
        due = timedelta(days=DATA["ppsv23-after"])
        since = pcv15.last.last
        if since is None:
            yield _gap("pneumococcal", pcv15)
        elif chart.today - since >= due:
            said = markdown("PPSV23 is given a year after PCV15.")
            name = "pneumococcal vaccine (PPSV23)"
            yield _finding("imm.pneumococcal", source, name, pcv15, said)
    elif given.sure:
        said = markdown(
            "What comes next depends on the vaccines before: CDC's PneumoRecs works it out."
        )
        name = "pneumococcal vaccine (review)"
        yield _finding("imm.pneumococcal.review", source, name, given, said)
    else:
        said = markdown(
            "From {age} years on: PCV20 or PCV21, or PCV15 and a year later PPSV23.",
            age=DATA["pneumococcal-from"],
        )
        yield _finding("imm.pneumococcal", source, "pneumococcal vaccine", given, said)


def _zoster(chart: Chart, age: int) -> Iterator[Result]:
    if age < DATA["zoster-from"]:
        return
    given = doses(chart, "recombinant zoster", ZOSTER, NAMES["zoster"])
    if given.days >= DATA["zoster-doses"]:
        return
    if len(given.doses) > len([each for each in given.sure if each.when.day]) and (
        len(given.doses) >= DATA["zoster-doses"]
    ):
        yield _gap("zoster", given)
        return
    last = given.last.last if given.last else None
    if last and chart.today - last < timedelta(days=DATA["zoster-apart"]):
        return
    number = 2 if given.doses else 1
    said = markdown(
        "From {age} years on two doses; the live vaccine and an unspecified one do not count.",
        age=DATA["zoster-from"],
    )
    yield _finding("imm.zoster", "acip-zoster", f"zoster vaccine (dose {number})", given, said)


def _tdap(chart: Chart, age: int) -> Iterator[Result]:
    if age < DATA["tdap-from"]:
        return
    tdap = doses(chart, "Tdap", TETANUS, NAMES["tdap"], only=[_TDAP])
    given = doses(chart, "Td or Tdap", TETANUS, (*NAMES["tdap"], *NAMES["td"]))
    years = int(DATA["tdap-years"])
    ever = within(tdap.doses, chart.today)
    recent = within(given.doses, chart.today, years=years)
    if ever.done and recent.done:
        return
    if ever.done is False or recent.done is False:
        name = "Tdap vaccine" if ever.done is False else "Td or Tdap vaccine"
        said = markdown("One Tdap, then Td or Tdap every {years} years.", years=years)
        yield _finding("imm.tdap", "cdc-2025", name, given, said)
    else:
        yield _gap("Td or Tdap", given)


def _rsv(chart: Chart, age: int) -> Iterator[Result]:
    if age < DATA["rsv-from"]:
        return
    given = doses(chart, "RSV", RSV, NAMES["rsv"])
    answer = within(given.doses, chart.today)
    if answer.done is None:
        yield _gap("RSV", given)
    elif not answer.done:
        said = markdown("One dose from {age} years on.", age=DATA["rsv-from"])
        yield _finding("imm.rsv", "cdc-2025", "RSV vaccine", given, said)


def _finding(rule: str, source: str, name: str, given: Doses, said: Markdown) -> Finding:
    on_record = markdown("On record here: {doses}.", doses=given.told)
    none = markdown("No dose on record here; one given elsewhere may be missing.")
    return Finding(
        rule=rule,
        summary=f"Vaccine without a record here: {name.replace(' vaccine', '')}",
        indicator="info",
        source=DATA.source(source),
        gap=name,
        detail=join(on_record if given.doses else none, said, _ALLERGIES),
        overrides=OVERRIDES,
        links=OPEN_CHART,
    )


def _gap(name: str, given: Doses) -> Gap:
    return Gap("imm", markdown("{name} vaccine: {doses} may count", name=name, doses=given.told))
