"""JSON objects without a member that stands twice."""

from typing import Any

import pytest

from fhir.bundle import Bundle
from fhir.records import Patient
from hooks.members import members, typed_members
from web.errors import Problem

pytestmark = pytest.mark.req("CH-006", "CH-007")

DUPLICATES: dict[str, tuple[bytes, str | None]] = {
    "top": (b'{"a":1,"a":2}', None),
    "top, equal": (b'{"a":1,"a":1}', None),
    "top, apart": (b'{"a":1,"b":2,"a":3}', None),
    "top, three": (b'{"a":1,"a":2,"a":3}', None),
    "top, second escaped": (rb'{"a":1,"\u0061":2}', None),
    "top, first escaped": (rb'{"\u0061":1,"a":2}', None),
    "top, both escaped": (rb'{"\u0061b":1,"a\u0062":2}', None),
    "top, escaped slash": (rb'{"a/b":1,"a\/b":2}', None),
    "top, empty names": (b'{"":1,"":2}', None),
    "top, other letters": ('{"Ž":1,"\\u017d":2}'.encode(), None),
    "top, beyond the first plane": ('{"\U0001f469":1,"\\ud83d\\udc69":2}'.encode(), None),
    "second level": (b'{"a":{"b":1,"b":2}}', "a"),
    "second level, escaped": (rb'{"a":{"b":1,"\u0062":2}}', "a"),
    "second level, second member": (b'{"x":{"b":1},"a":{"b":1,"b":2}}', "a"),
    "second level, resources": (b'{"prefetch":{"p":{"id":"a"},"p":null}}', "prefetch"),
}


@pytest.mark.parametrize(("body", "field"), DUPLICATES.values(), ids=DUPLICATES)
def test_a_member_that_stands_twice_is_refused(body: bytes, field: str | None) -> None:
    with pytest.raises(Problem) as caught:
        members(body)
    assert (caught.value.status, caught.value.code) == (400, "duplicate")
    assert caught.value.field == field


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"A":2}',
        b'{"a":1,"a ":2}',
        b'{"a":{"a":{"a":1}}}',
        b'{"a":{"x":1},"b":{"x":1}}',
        b'{"a":[{"x":1},{"x":1}]}',
        '{"e\u0301":1,"\u00e9":2}'.encode(),
    ],
)
def test_names_that_only_look_alike_are_different(body: bytes) -> None:
    assert members(body)


NO_OBJECT = [
    b"",
    b" ",
    b"null",
    b"1",
    b'"a"',
    b"[]",
    b"[{}]",
    b"{",
    b"}",
    b"{}{}",
    b"{} x",
    b"{'a':1}",
    b"{a:1}",
    b'{"a":1,}',
    b'{"a"}',
    b'{"a":}',
    b'{"a":NaN}',
    b'{"a":{"b":NaN}}',
    b'{"a":{"b":[Infinity]}}',
    b'{"a":{"b":{"c":-Infinity}}}',
    b'{"a":{"b":{"c":01}}}',
    b'{"a":{"b":"\t"}}',
    b'{"a":{"b":"\\x"}}',
    rb'{"a":{"b":{"c":"\ud800"}}}',
    rb'{"a":{"\udfff":1}}',
    b'{"a":"\xff"}',
    b'{"a":{"b":{"c":"\xff"}}}',
    b'{"a":{"b":{"c":"\xed\xa0\x80"}}}',
    b'{"a":{"b":{"\xc0\xaf":1}}}',
    b"\xef\xbb\xbf{}",
    '{"a":1}'.encode("utf-16"),
    '{"a":1}'.encode("utf-32-le"),
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"a":{"b":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    b'{"a":' + b"9" * 5000 + b"}",
]


@pytest.mark.parametrize("body", NO_OBJECT, ids=lambda body: repr(body[:40]))
def test_what_is_not_one_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        members(body)
    assert (caught.value.status, caught.value.code) == (400, "structure")
    # The text is ours: it quotes nothing of the body.
    assert caught.value.text.isascii()


def test_objects_are_opened_one_level_and_the_rest_is_left_as_it_is() -> None:
    body = b'{"t":"x","n":null,"b":true,"i":1,"f":1.5,"a":[1, 2],"o":{"x": 1.10 ,"y":{"z":[ ]}}}'
    found: dict[str, Any] = members(body)
    assert (found["t"], found["n"], found["b"], found["i"], found["f"]) == ("x", None, True, 1, 1.5)
    assert [bytes(each) for each in found["a"]] == [b"1", b"2"]
    assert {name: bytes(raw) for name, raw in found["o"].items()} == {
        "x": b"1.10",
        "y": b'{"z":[ ]}',
    }


@pytest.mark.parametrize("blank", [b" ", b"\n", b"\r\n", b"\t"])
def test_white_space_around_a_value_is_no_part_of_it(blank: bytes) -> None:
    body = (
        blank + b'{"a"' + blank + b":" + blank + b'{"b":' + blank + b"null" + blank + b"}}" + blank
    )
    assert bytes(members(body)["a"]["b"]) == b"null"  # type: ignore[index, arg-type, call-overload]


def test_an_empty_object_has_no_members() -> None:
    assert members(b"{}") == {}
    assert members(b'{"a":{}}') == {"a": {}}


NAMES = frozenset({"a", "b", "c", "x", "", "a/b", "ab", "p", "prefetch", "n", "Ž", "\U0001f469"})


@pytest.mark.parametrize(("body", "field"), DUPLICATES.values(), ids=DUPLICATES)
def test_the_short_cut_lets_no_member_stand_twice(body: bytes, field: str | None) -> None:
    with pytest.raises(Problem) as caught:
        assert typed_members(body, NAMES) or members(body)
    assert (caught.value.code, caught.value.field) == ("duplicate", field)


@pytest.mark.parametrize("body", NO_OBJECT, ids=lambda body: repr(body[:40]))
@pytest.mark.parametrize("around", [b"%s", b'{"p":{"a":{"resourceType":"Patient","x":%s}}}'])
def test_the_short_cut_takes_nothing_that_is_refused(body: bytes, around: bytes) -> None:
    whole = around % body
    try:
        members(whole)
    except Problem:
        assert typed_members(whole, NAMES) is None


def test_the_short_cut_reads_texts_numbers_and_resources() -> None:
    body = (
        b'{"a":"x","n":null,"p":{"a":"y","b":3,"c":null,"x":{"resourceType":"Patient","id":"1"},'
        b'"p":{"resourceType":"Bundle","entry":[]}}}'
    )
    assert typed_members(body, NAMES) == {
        "a": "x",
        "n": None,
        "p": {"a": "y", "b": 3, "c": None, "x": Patient("1"), "p": Bundle()},
    }


@pytest.mark.parametrize(
    "value",
    [
        b'{"p":{"other":null}}',
        b'{"other":null}',
        b'{"p":{"a":{}}}',
        b'{"p":{"a":[]}}',
        b'{"p":{"a":true}}',
        b'{"p":{"a":1.5}}',
        b'{"p":{"a":{"resourceType":"Device"}}}',
        b'{"p":{"a":{"resourceType":"Patient","gender":1}}}',
        b'{"p":{"a":{"resourceType":"Bundle","entry":[{"resource":{}}]}}}',
        b'{"a":1}',
    ],
)
def test_the_short_cut_leaves_what_is_unusual_to_a_closer_look(value: bytes) -> None:
    assert typed_members(value, NAMES) is None
    assert members(value)
