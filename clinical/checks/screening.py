"""Screening that is due: a finding for each, all of them information.

Tests done elsewhere may be missing, so no wording says that one was not done. Where the record
leaves it open whether a test still counts, or whether something rules the screening out, nothing
is found and a Gap says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from clinical import codes, problems
from clinical.chart import Chart
from clinical.done import Answer, Event, can_tell, events, together, within
from clinical.eligible import ONLY_FOR
from clinical.finding import OPEN_CHART, Finding, Gap, Result
from clinical.named import says
from clinical.person import Person, who
from clinical.pregnancy import is_pregnant
from clinical.screenings import DATA, Screening, Test, source
from clinical.text import Markdown, ago, day, join, listed, markdown

# What a clinician may answer to any care gap.
OVERRIDES = (
    "done-elsewhere",
    "patient-declined",
    "not-appropriate",
    "limited-life-expectancy",
    "already-ordered",
    "data-wrong",
)
_NOT_OVER = ("completed", "in-progress", "unknown", None)


def screening(chart: Chart) -> Iterator[Result]:
    """Which screenings are due."""
    person = who(chart)
    if not isinstance(person, Person):
        yield from (person,) if person else ()
        return
    due = [each for each in DATA.screenings if _is_for(each, person)]
    if not due:
        return
    if not can_tell(chart):
        yield Gap("gap", markdown("screening: test results or procedures are not fully known"))
        return
    if not problems.are_known(chart):
        yield Gap("gap", markdown("screening: the problem list is not fully known"))
        return
    for each in due:
        yield from _judge(chart, each)
    yield from person.doubts


def _is_for(screening: Screening, person: Person) -> bool:
    of_age = screening.lowest <= person.age <= screening.highest
    return of_age and screening.sex in (None, person.sex)


def _judge(chart: Chart, screening: Screening) -> Iterator[Result]:
    why = Markdown()
    if screening.only_for:
        eligible = ONLY_FOR[screening.only_for](chart)
        if eligible.answer is None:
            yield _gap(screening, eligible.told)
        if not eligible.answer:
            return
        why = eligible.told
    answer = together(_done(chart, test) for test in screening.tests)
    if answer.done:
        return
    ruled_out = _ruled_out(chart, screening)
    if isinstance(ruled_out, Markdown):
        yield _gap(screening, ruled_out)
    elif not ruled_out:
        if answer.done is None:
            doubts = listed(each.told for each in answer.doubts[:3])
            yield _gap(screening, markdown("{doubts} may count", doubts=doubts))
        else:
            yield _finding(chart, screening, answer.last, why)


def _done(chart: Chart, test: Test) -> Answer:
    found = events(chart, test.what, test.sets, test.words, DATA.not_the_test)
    if test.from_age:
        found = (each for each in found if _is_of_age(chart, each, test.from_age))
    return within(found, chart.today, years=test.years)


def _is_of_age(chart: Chart, event: Event, age: int) -> bool:
    """Whether the patient had, or may have had, that age at the test."""
    last = event.last or chart.today
    return (chart.age_on(last) or 0) >= age


def _ruled_out(chart: Chart, screening: Screening) -> bool | Markdown:
    """Whether the screening makes no sense for this patient, or why nobody can tell."""
    if any(problems.live(chart, codes.load(name)) for name in screening.unless_diagnosed):
        return True
    if screening.unless_performed:
        sets = tuple(map(codes.load, screening.unless_performed))
        performed = within(events(chart, "an operation that rules it out", sets), chart.today)
        if performed.done:
            return True
        if performed.done is None:
            return listed(each.told for each in performed.doubts[:1])
    if not screening.pregnant and is_pregnant(chart):
        return True
    if _is_named(chart, screening):
        return markdown("a diagnosis or procedure without a code known here may rule it out")
    return False


def _is_named(chart: Chart, screening: Screening) -> bool:
    """Whether the words of a record without a code known here may rule it out."""
    concepts = [each.code for each in chart.conditions or () if problems.is_live(each)]
    concepts += [each.code for each in chart.procedures or () if each.status in _NOT_OVER]
    return any(
        says(each, screening.unless_named) for each in concepts if not problems.is_coded(each)
    )


def _finding(chart: Chart, screening: Screening, last: Event | None, why: Markdown) -> Finding:
    name = f"{screening.name[0].upper()}{screening.name[1:]}"
    ages = f"{screening.lowest} to {screening.highest}"
    return Finding(
        rule=screening.rule,
        summary=f"{name} may be due: {known(chart, last)}",
        indicator="info",
        source=source(screening),
        gap=screening.name,
        detail=join(
            last_known(last),
            why,
            markdown(
                "For {who} of {ages} years: {tests} (grade {grade}).",
                who=_WHO[screening.sex],
                ages=ages,
                tests=", or ".join(map(str, screening.tests)),
                grade=screening.grade,
            ),
            _uncoded(chart, screening),
        ),
        suggestions=screening.suggestions,
        overrides=OVERRIDES,
        links=OPEN_CHART,
    )


_WHO = {"female": "women", "male": "men", None: "people"}


def known(chart: Chart, last: Event | None) -> str:
    """What the record holds, for a summary."""
    if last is None:
        return "no record of it here"
    if last.when.day is None:
        return f"the last on record here is a {last.what} too long ago"
    days = (chart.today - last.when.day).days
    return f"the last on record here is of {day(last.when.day)}, {ago(days)}"


def last_known(last: Event | None) -> Markdown:
    """The same for a detail."""
    if last is None:
        return markdown("No record of it here; one done elsewhere may be missing.")
    return markdown(
        "Last on record here: {told}; one done elsewhere may be missing.", told=last.told
    )


def _uncoded(chart: Chart, screening: Screening) -> Markdown:
    number = problems.uncoded(chart) if screening.unless_diagnosed else 0
    if not number:
        return Markdown()
    return markdown("Diagnoses without a code known here ({n}) were not judged.", n=number)


def _gap(screening: Screening, why: Markdown) -> Gap:
    return Gap(screening.rule, markdown("{name}: {why}", name=screening.name, why=why))
