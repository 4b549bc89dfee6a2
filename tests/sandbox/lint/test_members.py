"""Each member of each object: what happens if it is of another type, empty or not there."""

from typing import Any

import pytest

from sandbox.lint.members import KINDS, Member
from tests.sandbox.lint.documents import (
    GONE,
    case,
    check_broken,
    of_answer,
    of_discovery,
)

# Where the sound documents have an object of each kind.
PLACES = {
    "discovery document": "",
    "service": "services.0",
    "answer": "",
    "card": "cards.0",
    "source": "cards.0.source",
    "topic": "cards.0.source.topic",
    "override reason": "cards.0.overrideReasons.0",
    "suggestion": "cards.0.suggestions.0",
    "action": "cards.0.suggestions.0.actions.0",
    "system action": "systemActions.0",
    "link": "cards.0.links.1",
}

MEMBERS = [
    case(f"{kind}.{name}", kind, name, member)
    for kind, members in KINDS.items()
    for name, member in members.items()
]
OTHERS = [case(f"{kind}, others", kind) for kind in KINDS]
EXTENSIONS = [case(f"{kind}, extension keys", kind) for kind in KINDS if "extension" in KINDS[kind]]
CASES = [*MEMBERS, *OTHERS, *EXTENSIONS]


def _at(kind: str, name: str) -> str:
    return f"{PLACES[kind]}.{name}".lstrip(".")


def _shown(kind: str, name: str = "") -> str:
    path = ""
    for step in _at(kind, name).rstrip(".").split("."):
        path += f"[{step}]" if step.isdecimal() else f".{step}"
    return path.lstrip(".") or "$"


def _found(kind: str, changes: dict[str, Any]) -> Any:
    found = of_discovery if kind in ("discovery document", "service") else of_answer
    return found(changes)


@pytest.mark.parametrize(("rule", "kind", "name", "member"), MEMBERS)
def test_a_member_has_its_type(rule: str, kind: str, name: str, member: Member) -> None:
    report = _found(kind, {_at(kind, name): 7})
    assert any(each.path == _shown(kind, name) for each in report.findings)
    found = next(each for each in report.findings if each.path == _shown(kind, name))
    assert f"The {name} is a number. The {name} of " in found.text
    assert found.rule == member.number


@pytest.mark.parametrize(("rule", "kind", "name", "member"), MEMBERS)
@pytest.mark.parametrize("how", ["gone", "null"])
def test_a_member_is_there_if_it_is_required(
    rule: str, kind: str, name: str, member: Member, how: str
) -> None:
    report = _found(kind, {_at(kind, name): GONE if how == "gone" else None})
    at = _shown(kind, "" if how == "gone" else name)
    told = [each for each in report.findings if f"The {name} of " in each.text]
    if member.required:
        assert [(each.path, each.rule, each.severity) for each in told] == [
            (at, member.number, member.severity)
        ]
    else:
        assert told == []


@pytest.mark.parametrize(
    ("rule", "kind", "name", "member"), [row for row in MEMBERS if row.values[3].type == "array"]
)
def test_an_array_is_of_objects(rule: str, kind: str, name: str, member: Member) -> None:
    report = _found(kind, {_at(kind, name): ["text"]})
    paths = [each.path for each in report.findings if each.rule == member.number]
    assert f"{_shown(kind, name)}[0]" in paths


@pytest.mark.parametrize(("rule", "kind"), OTHERS)
def test_other_members_belong_into_the_extension(rule: str, kind: str) -> None:
    report = _found(kind, {_at(kind, "colour"): "red"})
    check_broken(report, rule, _shown(kind, "colour"))


@pytest.mark.parametrize(("rule", "kind"), EXTENSIONS)
def test_keys_of_an_extension_have_an_owner(rule: str, kind: str) -> None:
    check_broken(
        _found(kind, {_at(kind, "extension"): {"colour": "red"}}),
        rule,
        _shown(kind, "extension.colour"),
    )


@pytest.mark.req("CH-046")
def test_a_member_in_another_spelling_is_told_its_own() -> None:
    (found,) = of_answer({"cards.0.links.1.autoLaunchable": True}).findings
    assert "The specification writes autolaunchable." in found.text
