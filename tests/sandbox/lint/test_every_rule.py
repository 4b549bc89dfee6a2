"""Each rule is broken by a case of its own, and says what it wants."""

import re

import pytest

from sandbox.lint.members import KINDS
from tests.sandbox.lint import (
    test_actions,
    test_cards,
    test_discovery,
    test_hostile,
    test_members,
    test_reply,
    test_site,
    test_templates,
)
from tests.sandbox.lint.documents import RULES, names

# Broken by tests that are no rows of a table.
APART = {
    "reply.discovery_object": test_discovery.test_a_document_is_an_object,
    "actions.delete_names_a_resource": test_actions.test_what_is_deleted_is_named_by_type_and_id,
    "whole.few_objects": (
        test_hostile.test_a_service_with_too_many_objects_is_told_that_the_rest_was_not_judged
    ),
}


def test_every_rule_is_broken_by_a_case() -> None:
    tables = (
        test_actions.CASES,
        test_cards.CASES,
        test_cards.DETAILS,
        test_cards.HOOKS,
        test_cards.WHOLE,
        test_discovery.CASES,
        test_discovery.HTTP,
        test_members.CASES,
        test_reply.CASES,
        test_site.CASES,
        test_site.HTTPS,
        test_templates.CASES,
        test_templates.ORDERS,
    )
    broken = set(APART).union(*map(names, tables))
    assert broken == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_says_what_it_wants(name: str) -> None:
    rule = RULES[name]
    assert re.fullmatch(r"CH-(0\d\d|1[0-3]\d|14[0-5])", rule.number)
    assert re.fullmatch(r"[A-Z].*[.}]", rule.wants, re.DOTALL)
    # Of these two, there is one for each kind of object.
    if not name.endswith((", others", ", extension keys")):
        assert [each.name for each in RULES.values() if each.wants == rule.wants] == [name]


def test_every_kind_of_object_has_rules() -> None:
    for kind, members in KINDS.items():
        assert {f"{kind}.{name}" for name in members} <= set(RULES)
