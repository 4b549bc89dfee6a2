"""Sealed values and keyed hashes."""

import pytest

from store.hashes import Hashes, digest
from store.sealing import Seal
from tests.store.build import SEAL

CONTENT = b"{}"


def test_a_sealed_value_opens_in_its_place_only() -> None:
    sealed = SEAL.seal(CONTENT, "drafts", "north")
    assert SEAL.open(sealed, "drafts", "north") == CONTENT
    for place in (("drafts",), ("drafts", "south"), ("draftsnorth",), ("drafts", "nort", "h"), ()):
        assert SEAL.open(sealed, *place) is None


def test_it_opens_under_its_secret_only() -> None:
    sealed = SEAL.seal(CONTENT, "drafts")
    assert Seal("a secret of more than 32 characters").open(sealed, "drafts") == CONTENT
    assert Seal("a secret of more than 32 characters.").open(sealed, "drafts") is None


def test_whatever_was_changed_or_cut_does_not_open() -> None:
    sealed = SEAL.seal(CONTENT, "drafts")
    for number in range(len(sealed)):
        changed = bytearray(sealed)
        changed[number] ^= 1
        assert SEAL.open(bytes(changed), "drafts") is None
        assert SEAL.open(sealed[:number], "drafts") is None


def test_the_same_content_is_never_sealed_the_same() -> None:
    assert len({SEAL.seal(CONTENT, "drafts") for _ in range(1000)}) == 1000


def test_a_hash_is_stable_and_keyed() -> None:
    hashes = Hashes("a secret of more than 32 characters")
    known = hashes.of("north", "patient", "zofie-1957")
    assert known == Hashes("a secret of more than 32 characters").of(
        "north", "patient", "zofie-1957"
    )
    assert len(known) == 32
    assert known not in {
        Hashes("another secret of 32 characters").of("north", "patient", "zofie-1957"),
        hashes.of("south", "patient", "zofie-1957"),
        hashes.of("north", "user", "zofie-1957"),
        hashes.of("north", "patient", "zofie-1958"),
    }


@pytest.mark.parametrize("other", [("ab", "c"), ("a", "b", "c"), ("abc",), ("a", "bc", "")])
def test_parts_do_not_run_into_each_other(other: tuple[str, ...]) -> None:
    assert digest("a", "bc") != digest(*other)
