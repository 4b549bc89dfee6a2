"""The answer of a token endpoint: what is read of it, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from launch import tokens
from launch.errors import LaunchError
from launch.tokens import LONGEST_LIFE, UNSAID_LIFE, ContextItem, Grant

CANARY = "canary-of-a-token"
ANSWER: dict[str, Any] = {
    "access_token": f"access.{CANARY}",
    "token_type": "Bearer",
    "expires_in": 600,
    "scope": "launch patient/Patient.r",
    "patient": "p-1",
}
ABSENT = object()


def answer(**members: Any) -> bytes:
    whole = {**ANSWER, **members}
    return json.dumps({n: v for n, v in whole.items() if v is not ABSENT}).encode()


def grant(**members: Any) -> Grant:
    return tokens.parse(answer(**members))


def refused(body: bytes) -> str:
    with pytest.raises(LaunchError) as error:
        tokens.parse(body)
    assert error.value.kind == "not-verified"
    assert CANARY not in error.value.reason
    return error.value.reason


def test_a_plain_answer() -> None:
    found = grant()
    assert found.access_token == f"access.{CANARY}"
    assert found.patient == "p-1"
    assert found.scopes.can("patient", "Patient", "r")
    assert (found.encounter, found.id_token, found.refresh_token) == (None, None, None)


@pytest.mark.req("SL-053")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"access_token=a&token_type=bearer",
        b"<!doctype html>",
        b"[" + answer() + b"]",
        b'"text"',
        b"null",
        answer()[:-1],
        answer() + b"x",
        answer()[:-1] + b', "patient": "p-2"}',
        answer()[:-1] + b', "x": {"a": 1, "a": 2}}',
        answer()[:-1] + b', "x": NaN}',
        b"\xff" + answer(),
        b"\xef\xbb\xbf" + answer(),
        b"[" * 30000,
        b'{"a":' * 20000,
        b'{"expires_in": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_not_one_plain_json_object_is_refused(body: bytes) -> None:
    assert refused(body)


@pytest.mark.req("SL-054")
@pytest.mark.parametrize("given", ["Bearer", "bearer", "BEARER"])
def test_a_bearer_token_in_any_spelling(given: str) -> None:
    assert grant(token_type=given).access_token


@pytest.mark.req("SL-054")
@pytest.mark.parametrize("given", [ABSENT, None, "", "mac", "Bearer ", "DPoP", 1, ["Bearer"]])
def test_another_kind_of_token_is_refused(given: Any) -> None:
    assert "bearer" in refused(answer(token_type=given))


@pytest.mark.req("SL-054")
@pytest.mark.parametrize("given", ["a", "A-Z._~+/9==", "a.b.c"])
def test_an_access_token_is_made_of_what_a_header_may_hold(given: str) -> None:
    assert grant(access_token=given).access_token == given


@pytest.mark.req("SL-054")
@pytest.mark.parametrize(
    "given", [ABSENT, None, "", "=", "a b", "a\r\nb", "a\n", "a=b", "ä", 'a"b', "a,b", 1, {}]
)
def test_any_other_access_token_is_refused(given: Any) -> None:
    assert "access_token" in refused(answer(access_token=given))


@pytest.mark.req("SL-055")
@pytest.mark.parametrize(
    ("given", "life"),
    [
        (600, 600),
        ("600", 600),
        (570.9, 570),
        (0, 1),
        ("0", 1),
        (-1, 1),
        ("-1", 1),
        (ABSENT, UNSAID_LIFE),
        (None, UNSAID_LIFE),
        ("", UNSAID_LIFE),
        ("soon", UNSAID_LIFE),
        ("٣", UNSAID_LIFE),
        (True, UNSAID_LIFE),
        ([600], UNSAID_LIFE),
        (10**12, LONGEST_LIFE),
        (1e12, LONGEST_LIFE),
        ("9" * 20, LONGEST_LIFE),
        (10**400, LONGEST_LIFE),
    ],
)
def test_the_life_of_a_token_is_bounded(given: Any, life: int) -> None:
    assert grant(expires_in=given).expires_in == life


@pytest.mark.req("SL-055")
def test_a_life_beyond_all_numbers_is_bounded() -> None:
    body = answer().replace(b"600", b"1e999")
    assert tokens.parse(body).expires_in == LONGEST_LIFE


@pytest.mark.req("SL-056")
@pytest.mark.parametrize("given", [ABSENT, None, "", " "])
def test_no_scope_grants_nothing(given: Any) -> None:
    found = grant(scope=given)
    assert found.scopes.records == ()
    assert not found.scopes.can("patient", "Patient", "r")


@pytest.mark.req("SL-056")
@pytest.mark.parametrize("given", [["patient/Patient.r"], 1, {}])
def test_a_scope_that_is_no_string_is_refused(given: Any) -> None:
    assert "scope" in refused(answer(scope=given))


@pytest.mark.req("SL-057")
@pytest.mark.parametrize("name", ["patient", "encounter"])
@pytest.mark.parametrize(
    "given",
    ["", "../x", ".", "..", "a/b", "a b", "a\n", "a?b", "a%2fb", "ä", "a" * 65, 123, ["a"], True],
)
def test_an_impossible_id_is_refused(name: str, given: Any) -> None:
    assert name in refused(answer(**{name: given}))


@pytest.mark.req("SL-057", "SL-058")
@pytest.mark.parametrize("name", ["patient", "encounter"])
@pytest.mark.parametrize(
    ("given", "read"),
    [("a" * 64, "a" * 64), ("A-1.b", "A-1.b"), ("...", "..."), (None, None), (ABSENT, None)],
)
def test_a_possible_id_is_read_and_none_is_none(name: str, given: Any, read: str | None) -> None:
    assert getattr(grant(**{name: given}), name) == read


@pytest.mark.req("SL-060")
@pytest.mark.parametrize(
    ("given", "needed"),
    [(False, False), (True, True), (ABSENT, True), (None, True), (0, True), ("false", True)],
)
def test_only_false_hides_the_banner(given: Any, needed: bool) -> None:
    assert grant(need_patient_banner=given).need_patient_banner is needed


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("summary", "summary"),
        (ABSENT, None),
        ("", None),
        (1, None),
        ("a\nb", None),
        ("a" * 256, None),
    ],
)
def test_intent_and_tenant_are_short_texts_or_nothing(given: Any, read: str | None) -> None:
    found = grant(intent=given, tenant=given)
    assert (found.intent, found.tenant) == (read, read)


IMAGING = ContextItem("ImagingStudy/1")
CONTEXTS: list[tuple[Any, tuple[ContextItem, ...]]] = [
    (ABSENT, ()),
    (None, ()),
    ("ImagingStudy/1", ()),
    ({}, ()),
    (["ImagingStudy/1"], (IMAGING,)),
    ([{"reference": "ImagingStudy/1"}], (IMAGING,)),
    ([{"reference": "ImagingStudy/1", "role": "launch"}], (IMAGING,)),
    (
        [{"reference": "ImagingStudy/1", "type": "ImagingStudy", "x": 1}],
        (ContextItem("ImagingStudy/1", type="ImagingStudy"),),
    ),
    ([{"reference": "ImagingStudy/1", "role": "https://a.example/role"}], ()),
    ([{"reference": "ImagingStudy/1", "role": None}], ()),
    (
        [{"canonical": "https://a.example/Questionnaire/1|2"}],
        (ContextItem(canonical="https://a.example/Questionnaire/1|2"),),
    ),
    ([{"identifier": {"value": "1"}}], ()),
    (["Patient/2", {"reference": "Patient/2"}, {"reference": "Encounter/2"}], ()),
    ([{"reference": "Patient/2", "role": "https://a.example/role"}], ()),
    (["https://a.example/fhir/ImagingStudy/1", "//a.example/x", "../ImagingStudy/1", "/x"], ()),
    (["ImagingStudy/1?x=1", "ImagingStudy/1#x", "ImagingStudy", "ImagingStudy/"], ()),
    ([1, None, [], {}, {"reference": 1}, "ImagingStudy/1"], (IMAGING,)),
    (["ImagingStudy/1"] * 101, (IMAGING,) * 100),
]


@pytest.mark.req("SL-062")
@pytest.mark.parametrize(("given", "read"), CONTEXTS)
def test_context_beside_the_patient_in_both_shapes(
    given: Any, read: tuple[ContextItem, ...]
) -> None:
    assert grant(fhirContext=given).fhir_context == read


@pytest.mark.req("SL-064")
@pytest.mark.parametrize(
    ("given", "read"),
    [
        (ABSENT, None),
        (None, None),
        ("", ""),
        ("0b8b7a39", "0b8b7a39"),
        ({"card": 1}, '{"card": 1}'),
        ("\ud800", "?"),
    ],
)
def test_what_a_card_passed_on_is_a_text(given: Any, read: str | None) -> None:
    assert grant(appContext=given).app_context == read


@pytest.mark.req("SL-064")
def test_what_a_card_passed_on_is_bounded_and_still_seen_to_be_too_long() -> None:
    text = grant(appContext="x" * 1_000_000).app_context
    assert text is not None
    assert 4096 < len(text) <= 8192


@pytest.mark.req("SL-104")
@pytest.mark.parametrize("name", ["id_token", "refresh_token"])
def test_null_is_as_good_as_absent(name: str) -> None:
    assert getattr(grant(**{name: None}), name) is None


@pytest.mark.parametrize("given", ["", "a\r\nb", "ä", 1, ["a"]])
@pytest.mark.parametrize("name", ["id_token", "refresh_token"])
def test_other_tokens_are_printable_texts(name: str, given: Any) -> None:
    assert name in refused(answer(**{name: given}))


@pytest.mark.req("SL-063", "SL-065")
def test_what_nobody_asked_for_is_not_kept() -> None:
    found = grant(
        smart_style_url="https://elsewhere.example/style",
        authorization_details=[{"locations": ["https://elsewhere.example"]}],
        __patient_name="Ada",
    )
    assert found == grant()


@pytest.mark.req("T-22")
def test_no_token_shows_in_a_text_of_the_grant() -> None:
    found = grant(refresh_token=CANARY, id_token=CANARY)
    assert CANARY not in f"{found} {found!r} {[found]}"


def test_a_grant_survives_being_stored() -> None:
    found = grant(fhirContext=["ImagingStudy/1"], scope="patient/*.read openid")
    assert msgspec.json.decode(msgspec.json.encode(found), type=Grant) == found
