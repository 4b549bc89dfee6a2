"""A discovery document and an answer that keep every rule, and how a test changes them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest

from sandbox.lint import OF_ANSWERS, OF_DISCOVERY, Report, lint_answer, lint_discovery
from sandbox.lint.rule import Rule
from sandbox.lint.site import SITE

Json = dict[str, Any]
JSON = {"Content-Type": "application/json"}
SENT = {**JSON, "Cache-Control": "no-store"}
GONE: Any = object()
"""As a new value: the member is not there."""

PREFETCH = {"patient": "Patient/{{context.patientId}}"}

DISCOVERY: Json = {
    "services": [
        {
            "hook": "order-sign",
            "id": "orders",
            "title": "Orders",
            "description": "Looks at **orders**.",
            "prefetch": {
                **PREFETCH,
                "labs": "Observation?patient={{context.patientId}}&code=http://loinc.org|2160-0"
                "&date=ge2020-01-01&_sort=-date&_count=1",
            },
            "usageRequirements": "None.",
            "version": "1.0.0",
            "hookVersion": "1.0",
            "extension": {"com.example.needs": ["patient"]},
        },
        {"hook": "com.example.hook", "id": "own", "title": "Own", "description": "A hook of ours."},
    ]
}

DRAFT: Json = {
    "resourceType": "MedicationRequest",
    "id": "draft-1",
    "status": "draft",
    "intent": "order",
    "subject": {"reference": "Patient/p1"},
}
REQUEST: Json = {
    "hook": "order-sign",
    "hookInstance": "5b4a2f51-2d5c-4a7e-9b57-0f4f7b2c8f10",
    "context": {
        "userId": "Practitioner/u1",
        "patientId": "p1",
        "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": DRAFT}]},
    },
    "prefetch": {"patient": {"resourceType": "Patient", "id": "p1"}},
}
ANSWER: Json = {
    "cards": [
        {
            "uuid": "7c0b8f5e-6b43-4c58-8f6b-61a6b0a3c001",
            "summary": "Think again, if the dose is < 5 mg & not > 2 mg.",
            "indicator": "warning",
            "detail": "See *this*: eGFR < 30, `<b>`, \\<i>, <https://example.org/a>.",
            "source": {
                "label": "A guideline",
                "url": "https://example.org/guideline",
                "icon": "https://example.org/icon.png",
                "topic": {"code": "rule1", "system": "urn:example:rules", "display": "Rule 1"},
            },
            "suggestions": [
                {
                    "label": "Do both",
                    "uuid": "7C0B8F5E-6B43-4C58-8F6B-61A6B0A3C002",
                    "isRecommended": True,
                    "actions": [
                        {
                            "type": "create",
                            "description": "Order a test",
                            "resource": {
                                "resourceType": "ServiceRequest",
                                "subject": {"reference": "Patient/p1"},
                            },
                        },
                        {
                            "type": "update",
                            "description": "Halve it",
                            "resource": {**DRAFT, "note": [{"text": "half"}]},
                        },
                    ],
                },
                {
                    "label": "Cancel",
                    "uuid": "7c0b8f5e-6b43-4c58-8f6b-61a6b0a3c003",
                    "isRecommended": False,
                    "actions": [
                        {
                            "type": "delete",
                            "description": "Take it out",
                            "resourceId": "MedicationRequest/draft-1",
                        }
                    ],
                },
            ],
            "selectionBehavior": "at-most-one",
            "overrideReasons": [
                {"code": "benefit", "system": "urn:example:reasons", "display": "It helps more"},
                {"code": "known", "system": "urn:example:reasons", "display": "It is known"},
            ],
            "links": [
                {"label": "Read", "url": "https://example.org/read", "type": "absolute"},
                {
                    "label": "Open",
                    "url": "http://localhost:5000/launch",
                    "type": "smart",
                    "appContext": "card-1",
                    "autolaunchable": False,
                },
            ],
            "extension": {"com.example.rank": 1},
        }
    ],
    "systemActions": [
        {
            "type": "update",
            "description": "Note that it was checked",
            "resource": {**DRAFT, "extension": [{"url": "urn:checked", "valueBoolean": True}]},
        }
    ],
}

Changes = Mapping[str, Any]


def changed(document: Json, changes: Changes) -> Any:
    """The document with other values at paths such as `cards.0.summary`; "" is all of it."""
    made = deepcopy(document)
    for path, value in changes.items():
        *way, last = path.split(".")
        place: Any = made
        for step in way:
            place = place[int(step)] if step.isdecimal() else place.setdefault(step, {})
        if not last:
            made = value
        elif value is GONE:
            place.pop(last, None)
        elif isinstance(place, list):
            place[int(last) : int(last) + 1] = [value]
        else:
            place[last] = value
    return made


def of_discovery(changes: Changes) -> Report:
    """The lint of the sound discovery document with these changes."""
    return lint_discovery(changed(DISCOVERY, changes), 200, JSON)


def of_template(template: str, hook: str = "order-sign", **later: str) -> Report:
    """The lint of a service with this template at the key `asked`, and these after it."""
    prefetch = {"asked": template, **later}
    return of_discovery({"services.0.prefetch": prefetch, "services.0.hook": hook})


def of_answer(changes: Changes, request: Changes | None = None) -> Report:
    """The lint of the sound answer with these changes, to the sound request with others."""
    body = json.dumps(changed(ANSWER, changes)).encode()
    return lint_answer(PREFETCH, changed(REQUEST, request or {}), 200, SENT, body)


def case(rule: str, *values: Any) -> Any:
    """A row of a table of broken rules."""
    number = RULES[rule].number
    return pytest.param(rule, *values, id=f"{number} {rule}", marks=pytest.mark.req(number))


def names(table: Iterable[Any]) -> set[str]:
    """The rules that are broken in a table."""
    return {row.values[0] for row in table}


def check_broken(report: Report, rule: str, place: str) -> None:
    """That this rule is broken there, and nothing else."""
    assert len(report.findings) == 1, report.findings
    check_found(report, rule, place)


def check_found(report: Report, rule: str, place: str) -> None:
    """That this rule is broken there and nowhere else, and that the finding says so."""
    (found,) = [each for each in report.findings if RULES[rule].wants in each.text]
    assert (found.path, found.rule, found.severity) == (
        place,
        RULES[rule].number,
        RULES[rule].severity,
    )


def _rules() -> Iterator[Rule]:
    for table in (OF_DISCOVERY, OF_ANSWERS):
        for rules in table.values():
            yield from rules
    yield from SITE


RULES = {rule.name: rule for rule in _rules()}
