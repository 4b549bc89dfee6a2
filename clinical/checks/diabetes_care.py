"""What is due in adults with diabetes beside HbA1c: urine albumin, and a statin.

A test or a medicine from elsewhere may be missing, so no wording says that there is none. The risk
of a statin's target disease is not computed, and no drug is offered.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from clinical import codes, ingredients, problems, thresholds
from clinical.chart import Chart, unreadable
from clinical.checks.diabetes import ADULT_FROM, DIABETES
from clinical.checks.screening import OVERRIDES, known, last_known
from clinical.current import is_current_order
from clinical.done import can_tell, events, within
from clinical.finding import OPEN_CHART, Create, Finding, Gap, LabOrder, Result, Suggestion
from clinical.person import Person, who
from clinical.pregnancy import is_pregnant
from clinical.problems import Diagnosis
from clinical.text import Markdown, join, listed, markdown

ALBUMIN = codes.load("lab-uacr")
STATINS = ingredients.members("statin")

_TAKEN = ("active", "intended", None)

_LIMITS = thresholds.load("diabetes", thresholds.Thresholds)
INTERVAL = _LIMITS["albumin-interval"]
STATIN_FROM, STATIN_TO = _LIMITS["statin-from"], _LIMITS["statin-to"]

_NO_STATIN = markdown("No active order of a statin here; one from elsewhere may be missing.")
_LABEL = "Order urine albumin/creatinine ratio"
ORDER_ALBUMIN = Suggestion(_LABEL, (Create(_LABEL, LabOrder(ALBUMIN.coding("9318-7"))),))


def albumin(chart: Chart) -> Iterator[Result]:
    """Whether the albumin/creatinine ratio of urine is due."""
    person, diabetes = who(chart), problems.live(chart, DIABETES)
    if not isinstance(person, Person) or person.age < ADULT_FROM:
        yield from (person,) if isinstance(person, Gap) else ()
    elif diabetes is None:
        yield from _unknown(chart, "dm.uacr", "urine albumin in diabetes")
    else:
        since = chart.today - timedelta(days=INTERVAL)
        found = events(chart, "urine albumin/creatinine ratio", (ALBUMIN,))
        answer = within(found, chart.today, since=since)
        if answer.done is None:
            doubts = listed(each.told for each in answer.doubts[:3])
            yield Gap("dm.uacr", markdown("urine albumin: {doubts} may count", doubts=doubts))
        elif not answer.done and not can_tell(chart):
            yield Gap("dm.uacr", markdown("urine albumin: test results are not fully known"))
        elif not answer.done:
            yield Finding(
                rule="dm.uacr-overdue",
                summary=f"Urine albumin may be due in diabetes: {known(chart, answer.last)}",
                indicator="info",
                source=_LIMITS.source("ada-2025-kidney"),
                gap="urine albumin",
                detail=join(
                    last_known(answer.last),
                    _diabetes(diabetes),
                    markdown("In diabetes it is due once a year."),
                ),
                suggestions=(ORDER_ALBUMIN,),
                overrides=OVERRIDES,
                links=OPEN_CHART,
            )
        yield from person.doubts


def statin(chart: Chart) -> Iterator[Result]:
    """Whether an adult with diabetes has no statin on record."""
    person, diabetes = who(chart), problems.live(chart, DIABETES)
    if not isinstance(person, Person) or not STATIN_FROM <= person.age <= STATIN_TO:
        yield from (person,) if isinstance(person, Gap) else ()
    elif diabetes is None:
        yield from _unknown(chart, "gap.statin", "statin in diabetes")
    elif not is_pregnant(chart):
        taken = takes_statin(chart)
        if taken is None:
            yield Gap("gap.statin", markdown("statin in diabetes: the medicines are not known"))
        elif not taken:
            yield Finding(
                rule="gap.statin-diabetes",
                summary=f"No statin on record here in diabetes, at the age of {person.age}",
                indicator="info",
                source=_LIMITS.source("uspstf-statin"),
                gap="statin in diabetes",
                detail=join(
                    markdown(
                        "No active order of a statin here; one from elsewhere may be missing."
                    ),
                    _diabetes(diabetes),
                    markdown(
                        "At {lowest} to {highest} years with diabetes a statin is to be considered "
                        "(USPSTF grade B where the 10-year risk is 10 % or more, which is not "
                        "computed here). A statin that was not tolerated is not read here.",
                        lowest=STATIN_FROM,
                        highest=STATIN_TO,
                    ),
                ),
                overrides=OVERRIDES,
                links=OPEN_CHART,
            )
        yield from person.doubts


def takes_statin(chart: Chart) -> bool | None:
    """Whether one is ordered or stated; None where the medicines are not fully known."""
    ordered = [
        ingredients.of(chart, each)
        for each in chart.medications or ()
        if is_current_order(each) and not each.do_not_perform
    ]
    stated = [
        ingredients.of(chart, each) for each in chart.statements or () if each.status in _TAKEN
    ]
    medicines = [*ordered, *stated]
    if any(each.names & STATINS for each in medicines):
        return True
    # Who has no name at all may be a statin; a name that no table has is another medicine.
    nameless = any(each.basis == "unmapped" and not each.told for each in medicines)
    unknown = chart.medications is None or unreadable(chart.medications)
    return None if nameless or unknown or unreadable(chart.statements) else False


def _unknown(chart: Chart, rule: str, what: str) -> Iterator[Gap]:
    if not problems.are_known(chart):
        yield Gap(rule, markdown("{what}: the problem list is not fully known", what=what))


def _diabetes(diabetes: Diagnosis) -> Markdown:
    return markdown("On record: {diagnosis}.", diagnosis=diabetes.told)
