"""The keys of an EHR: which are used, and a key host that does everything wrong."""

import socket
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from hooks.keys import PUBLISHED, Keys, Limits, Unreachable, key_set, may_be_fetched
from sandbox.http.faults import (
    Drip,
    DripHeaders,
    Fault,
    GzipBomb,
    Huge,
    NotJson,
    Redirect,
    Slow,
    Status,
    Truncated,
)
from tests.demo.bodies import DROP
from tests.demo.key_host import KeyHost
from tests.demo.tokens import Clock, base64, pair
from tests.demo.wire import answering
from web.trust import SANDBOX

NEVER = 3600.0
PATIENCE = 0.6
AT_ONCE = 0.4
EC, P256, RSA = pair("ec"), pair("p256", "P-256"), pair("rsa", "RSA-2048")

# --- which keys are used -----------------------------------------------------------------------

USED: dict[str, dict[str, Any]] = {
    "P-384": EC.jwk(),
    "P-384 for ES384": EC.jwk(alg="ES384"),
    "P-256": P256.jwk(),
    "RSA of 2048 bits": RSA.jwk(),
    "RSA for RS384": RSA.jwk(alg="RS384"),
    "RSA for RS256": RSA.jwk(alg="RS256"),
    "no use": EC.jwk(use=DROP),
    "operation verify": EC.jwk(use=DROP, key_ops=["verify"]),
    "a certificate that is none": EC.jwk(x5c="not even a list", x5t=7),
    "members unknown here": EC.jwk(nbf=1, issuer={"a": [1]}),
    "a kid of base64 characters": EC.jwk(kid="d3bm+o/5H="),
}


@pytest.mark.req("CH-130")
@pytest.mark.parametrize("jwk", USED.values(), ids=USED)
def test_a_public_signing_key_is_used(jwk: dict[str, Any]) -> None:
    found = key_set([jwk])
    assert list(found.keys) == [jwk["kid"]]
    assert found.refused == ()


REFUSED: dict[str, tuple[Any, str]] = {
    "secret": ({"kty": "oct", "kid": "x", "k": "c2VjcmV0"}, "is not public"),
    "secret without a value": ({"kty": "oct", "kid": "x"}, "is not for an algorithm"),
    "private P-384": ({**EC.key.as_dict(private=True), "kid": "x"}, "is not public"),
    "private RSA": ({**RSA.key.as_dict(private=True), "kid": "x"}, "is not public"),
    "null for the private part": (EC.jwk(d=None), "is not public"),
    "for encryption": (EC.jwk(use="enc"), "is not for signatures"),
    "for something else": (EC.jwk(use="SIG"), "is not for signatures"),
    "operation sign": (EC.jwk(key_ops=["sign"]), "is not for signatures"),
    "RSA of 1024 bits": (pair("x", "RSA-1024").jwk(), "is not of 2048"),
    "RSA of 2047 bits": (RSA.jwk(n=base64(((1 << 2047) - 1).to_bytes(256))), "is not of 2048"),
    "RSA of 8193 bits": (RSA.jwk(n=base64(((1 << 8193) - 1).to_bytes(1025))), "is not of 2048"),
    "RSA with exponent 1": (RSA.jwk(e="AQ"), "cannot be read"),
    "RSA with an even exponent": (RSA.jwk(e="Ag"), "cannot be read"),
    "RSA without exponent": (RSA.jwk(e=DROP), "cannot be read"),
    "RSA without modulus": (RSA.jwk(n=DROP), "is not of 2048"),
    "RSA for PS384": (RSA.jwk(alg="PS384"), "is not for an algorithm"),
    "RSA for key wrapping": (RSA.jwk(alg="RSA-OAEP"), "is not for an algorithm"),
    "RSA for ES384": (RSA.jwk(alg="ES384"), "is not for an algorithm"),
    "RSA for HS256": (RSA.jwk(alg="HS256"), "is not for an algorithm"),
    "P-384 for RS384": (EC.jwk(alg="RS384"), "is not for an algorithm"),
    "P-384 for ES256": (EC.jwk(alg="ES256"), "is not for an algorithm"),
    "P-384 for none": (EC.jwk(alg="none"), "is not for an algorithm"),
    "P-521": (pair("x", "P-521").jwk(), "is not for an algorithm"),
    "secp256k1": (EC.jwk(crv="secp256k1"), "is not for an algorithm"),
    "Ed25519": ({"kty": "OKP", "crv": "Ed25519", "kid": "x", "x": "AA"}, "is not for an algorithm"),
    "RSA called EC": (RSA.jwk(kty="EC"), "is not for an algorithm"),
    "P-384 called RSA": (EC.jwk(kty="RSA"), "is not of 2048"),
    "P-256 called P-384": (P256.jwk(crv="P-384"), "cannot be read"),
    "a point off the curve": (EC.jwk(x=EC.jwk()["y"], y=EC.jwk()["x"]), "cannot be read"),
    "a point that is not base64": (EC.jwk(x="!?"), "cannot be read"),
    "a modulus that is not base64": (RSA.jwk(n="ä"), "cannot be read"),
    "no point": (EC.jwk(x=DROP), "cannot be read"),
    "no kid": (EC.jwk(kid=DROP), "is no key with a kid"),
    "an empty kid": (EC.jwk(kid=""), "has no kid"),
    "a number for a kid": (EC.jwk(kid=7), "is no key with a kid"),
    "no type": (EC.jwk(kty=DROP), "is no key with a kid"),
    "a number for a point": (EC.jwk(x=7), "is no key with a kid"),
    "text": ("a key", "is no key with a kid"),
    "null": (None, "is no key with a kid"),
    "array": ([EC.jwk()], "is no key with a kid"),
    "nothing": ({}, "is no key with a kid"),
}


@pytest.mark.req("CH-130", "J33")
@pytest.mark.parametrize(("jwk", "reason"), REFUSED.values(), ids=REFUSED)
def test_any_other_key_is_refused_with_a_reason_and_spoils_no_other(jwk: Any, reason: str) -> None:
    good = pair("good")
    found = key_set([jwk, good.jwk()])
    assert list(found.keys) == ["good"]
    (told,) = found.refused
    assert told.startswith(f"key 1: {reason}")


@pytest.mark.req("CH-130")
def test_a_kid_of_two_different_keys_names_neither() -> None:
    found = key_set([pair("a").jwk(kid="x"), pair("b").jwk(kid="x"), pair("c").jwk()])
    assert list(found.keys) == ["c"]


@pytest.mark.req("CH-130")
def test_a_kid_may_stand_beside_a_key_that_is_not_used_or_the_same_key() -> None:
    found = key_set([EC.jwk(use="enc"), EC.jwk(), EC.jwk(alg="ES384"), pair("x").jwk(kid="y")])
    assert sorted(found.keys) == ["ec", "y"]


@pytest.mark.req("CH-141")
def test_a_published_key_is_refused_however_it_is_named_or_written() -> None:
    assert SANDBOX.cds is not None
    (sandbox,) = SANDBOX.cds.keys
    padded = base64(b"\0" + b64decode(sandbox["x"], b"-_"))
    for jwk in (sandbox, {**sandbox, "kid": "ours"}, {**sandbox, "kid": "x", "x": padded}):
        assert list(key_set([jwk]).keys) == [jwk["kid"]]
        found = key_set([jwk], PUBLISHED)
        assert found.keys == {}
        assert found.refused == ("key 1: its private half is published",)


@pytest.mark.req("CH-131", "J14")
def test_keys_are_fetched_by_https_or_from_this_machine() -> None:
    for url in ("https://ehr.test/jwks", "https://10.0.0.7:8443/jwks", "http://127.0.0.1:1/x"):
        assert may_be_fetched(url)
    assert may_be_fetched("http://localhost/jwks")
    assert may_be_fetched("http://[::1]:8080/jwks")
    for url in (
        "http://ehr.test/jwks",
        "http://localhost.ehr.test/jwks",
        "http://127.0.0.1@ehr.test/jwks",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/jwks",
        "https://",
        "https:///jwks",
        "//ehr.test/jwks",
        "http://[::1/jwks",
        "",
    ):
        assert not may_be_fetched(url)


# --- a key host that works ---------------------------------------------------------------------


@pytest.fixture
def host() -> Iterator[KeyHost]:
    with KeyHost(EC.jwk(), RSA.jwk()) as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


def keys_of(
    host: KeyHost | str | None, clock: Clock | None = None, pinned: Any = (), **limits: Any
) -> Keys:
    """What one process knows of the keys of one EHR."""
    chosen = Limits(**{"patience": PATIENCE, **limits})
    waiting = threading.Semaphore(chosen.waiting)
    jku = host.jku if isinstance(host, KeyHost) else host
    return Keys("hospital", pinned, jku, (), chosen, waiting, clock or Clock(1000.0))


def kids(keys: Keys, *names: str) -> list[bool]:
    """Whether these are known, asked all at once by threads of their own."""
    together = threading.Barrier(len(names))

    def ask(name: str) -> bool:
        together.wait(10)
        return keys.find(name) is not None

    with ThreadPoolExecutor(len(names)) as pool:
        return list(pool.map(ask, names))


def seconds(keys: Keys, kid: str) -> float:
    """How long it takes to tell of this key, or that nothing can be told."""
    began = time.monotonic()
    with suppress(Unreachable):
        keys.find(kid)
    return time.monotonic() - began


def test_keys_are_fetched_once_and_then_known(host: KeyHost) -> None:
    keys = keys_of(host)
    first = keys.find("ec")
    assert first is not None
    assert all(keys.find("ec") is first for _ in range(100))
    assert keys.find("rsa") is not None
    (request,) = host.seen
    assert (request.method, request.path) == ("GET", "/.well-known/jwks.json")
    assert request.authorization is None


@pytest.mark.req("CH-132")
def test_pinned_keys_are_found_without_a_request(host: KeyHost) -> None:
    keys = keys_of(host, pinned=[P256.jwk()])
    assert keys.find("p256") is not None
    assert host.seen == []
    assert keys.find("ec") is not None
    alone = keys_of(None, pinned=[P256.jwk()])
    assert alone.find("p256") is not None
    assert alone.find("ec") is None


def test_a_pinned_key_is_not_replaced_by_a_published_one_of_its_name(host: KeyHost) -> None:
    keys = keys_of(host, pinned=[P256.jwk(kid="ec")])
    keys.find("rsa")
    found = keys.find("ec")
    assert found is not None
    assert found["crv"] == "P-256"


def test_an_address_that_is_not_https_is_not_asked() -> None:
    keys = keys_of("http://ehr.test/jwks", pinned=[EC.jwk()])
    assert keys.find("ec") is not None
    assert keys.find("rsa") is None


def test_warming_fetches_and_does_not_wait(host: KeyHost) -> None:
    host.fault = Slow(NEVER)
    keys = keys_of(host)
    began = time.monotonic()
    keys.warm()
    assert time.monotonic() - began < AT_ONCE
    host.fault = Fault()
    keys = keys_of(host)
    keys.warm()
    keys.warm()
    assert keys.find("ec") is not None
    keys.warm()
    assert len(host.seen) <= 2


@pytest.mark.req("CH-140")
def test_a_new_key_is_fetched_once_whoever_uses_it(host: KeyHost) -> None:
    keys = keys_of(host, patience=3.0)
    keys.find("ec")
    for number in range(5):
        name = f"new-{number}"
        host.keys.append(pair("new").jwk(kid=name))
        assert kids(keys, *[name] * 20, "ec") == [True] * 21
        assert len(host.seen) == 2 + number


class _Late(Clock):
    """A clock that lets `first` happen between two looks at it, as another thread may."""

    first: Callable[[], object] | None = None

    def __call__(self) -> float:
        happens, self.first = self.first, None
        if happens:
            happens()
        return self.time


@pytest.mark.req("CH-140")
def test_a_thread_that_was_overtaken_by_a_request_does_not_make_another(host: KeyHost) -> None:
    clock = _Late(1000.0)
    keys = keys_of(host, clock, patience=3.0)
    keys.find("ec")
    host.keys.append(P256.jwk())
    clock.first = lambda: keys.find("p256")
    assert keys.find("p256") is not None
    assert len(host.seen) == 2


@pytest.mark.req("CH-140")
@pytest.mark.parametrize("known", [True, False], ids=["warm", "cold"])
def test_a_thousand_unknown_names_are_one_request_in_an_interval(
    host: KeyHost, clock: Clock, known: bool
) -> None:
    keys = keys_of(host, clock, interval=30.0)
    if known:
        keys.find("ec")
    before = len(host.seen)

    def ask(number: int) -> bool:
        try:
            return keys.find(f"nope-{number}") is not None
        except Unreachable:
            return False

    for _ in range(3):
        with ThreadPoolExecutor(40) as pool:
            assert not any(pool.map(ask, range(1000)))
        assert len(host.seen) == before + 1
    clock.time += 29.9
    assert keys.find("nope") is None
    assert len(host.seen) == before + 1
    clock.time += 0.1
    assert keys.find("nope") is None
    assert len(host.seen) == before + 2
    assert keys.find("ec") is not None


@pytest.mark.req("CH-140")
def test_a_new_key_in_a_flood_of_unknown_names_waits_for_the_interval_only(
    host: KeyHost, clock: Clock
) -> None:
    keys = keys_of(host, clock, interval=30.0)
    keys.find("ec")
    keys.find("nope")
    host.keys.append(P256.jwk())
    assert keys.find("p256") is None
    clock.time += 30
    assert keys.find("p256") is not None


@pytest.mark.req("CH-140")
def test_after_their_lifetime_keys_are_asked_for_again_and_nobody_waits(
    host: KeyHost, clock: Clock
) -> None:
    keys = keys_of(host, clock, lifetime=3600.0, patience=3.0)
    keys.find("ec")
    clock.time += 3599
    keys.find("ec")
    assert len(host.seen) == 1
    clock.time += 1
    host.keys = [EC.jwk(), P256.jwk()]
    host.fault = Slow(0.8)
    assert seconds(keys, "rsa") < AT_ONCE
    end = time.monotonic() + 10
    while len(host.seen) < 2:
        assert time.monotonic() < end
    assert keys.find("p256") is not None  # joins the request that is under way
    assert len(host.seen) == 2
    assert keys.find("ec") is not None
    assert keys.find("rsa") is None  # the EHR took it back


def test_an_empty_set_takes_all_keys_back(host: KeyHost, clock: Clock) -> None:
    keys = keys_of(host, clock, lifetime=3600.0)
    keys.find("ec")
    host.keys = []
    clock.time += 3600
    keys.find("ec")
    keys.find("nope")
    assert keys.find("ec") is None


def test_a_set_of_more_keys_than_the_limit_is_not_used(host: KeyHost, clock: Clock) -> None:
    host.keys += [EC.jwk(kid=f"{number}") for number in range(98)]
    keys = keys_of(host, clock)
    assert keys.find("97") is not None
    host.keys += [EC.jwk(kid="98")]
    assert keys.find("98") is None
    assert keys.find("97") is not None


# --- a key host that does everything wrong -----------------------------------------------------

FAULTS: dict[str, Fault] = {
    "500": Status(500),
    "404": Status(404),
    "page": NotJson(),
    "50 MB": Huge(50_000_000),
    "256 KiB and some": Huge(256 * 1024 + 1),
    "slow": Slow(NEVER),
    "drips": Drip(0.05),
    "drips its headers": DripHeaders(0.05),
    "hangs up": Truncated(),
    "compressed": GzipBomb(50_000_000),
    "redirect to itself": Redirect("/other"),
}

SILENT = {name: fault for name, fault in FAULTS.items() if not isinstance(fault, Redirect)}
ANSWERS = {
    "not HTTP": b"220 mail.test ESMTP\r\n",
    "nothing": b"",
    "no set": b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}",
    "array": b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n[]",
    "keys no array": b'HTTP/1.1 200 \r\nContent-Length: 11\r\n\r\n{"keys":{}}',
    "deep": b"HTTP/1.1 200 \r\nContent-Length: 40000\r\n\r\n" + b'{"keys":' + b"[" * 39992,
    "not UTF-8": b'HTTP/1.1 200 \r\nContent-Length: 12\r\n\r\n{"keys":["\xff"',
    "no content": b"HTTP/1.1 204 \r\n\r\n",
    "negative length": b"HTTP/1.1 200 \r\nContent-Length: -1\r\n\r\n{}",
}


@pytest.mark.req("CH-140", "J34")
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_key_that_is_known_outlives_every_fault_and_nobody_waits_for_it(
    host: KeyHost, clock: Clock, fault: Fault
) -> None:
    keys = keys_of(host, clock, interval=30.0, lifetime=3600.0)
    known = keys.find("ec")
    host.fault = fault
    for _ in range(3):
        clock.time += 3600
        assert seconds(keys, "ec") < AT_ONCE
        assert keys.find("ec") is known
        assert seconds(keys, "nope") < PATIENCE + 0.4
        assert keys.find("nope") is None
    assert len(host.seen) == 4
    host.fault = Fault()
    clock.time += 30
    keys.find("ec")
    host.keys.append(P256.jwk())
    keys.find("p256")
    clock.time += 30
    assert keys.find("p256") is not None


@pytest.mark.req("J34")
@pytest.mark.parametrize("fault", SILENT.values(), ids=SILENT)
def test_while_no_key_is_known_nothing_is_said_and_the_host_gets_a_rest(
    host: KeyHost, clock: Clock, fault: Fault
) -> None:
    keys = keys_of(host, clock, interval=30.0)
    host.fault = fault
    began = time.monotonic()
    with pytest.raises(Unreachable):
        keys.find("ec")
    assert time.monotonic() - began < PATIENCE + 0.4
    for _ in range(100):
        with pytest.raises(Unreachable):
            keys.find("ec")
    assert len(host.seen) == 1
    host.fault = Fault()
    clock.time += 30
    assert keys.find("ec") is not None


@pytest.mark.req("J34")
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_is_no_key_set_is_none(answer: bytes) -> None:
    with answering(answer) as base, pytest.raises(Unreachable):
        keys_of(base).find("ec")


def test_a_host_that_is_not_there_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        keys = keys_of(f"http://127.0.0.1:{taken.getsockname()[1]}/jwks")
        with pytest.raises(Unreachable):
            keys.find("ec")
    for jku in ("https://does-not-exist.invalid/jwks", "https://a..b/jwks", "https://[::1]:0/x"):
        with pytest.raises(Unreachable):
            keys_of(jku).find("ec")


@pytest.mark.req("CH-131", "J15")
def test_a_redirect_is_not_followed_and_holds_no_keys(host: KeyHost, clock: Clock) -> None:
    with KeyHost(EC.jwk()) as attacker:
        host.fault = Redirect(attacker.jku)
        keys = keys_of(host, clock)
        assert keys.find("ec") is None
        assert keys.find("ec") is None
        assert len(host.seen) == 1
        assert attacker.seen == []
        host.fault = Fault()
        clock.time += 30
        assert keys.find("ec") is not None


def test_a_set_of_just_256_kib_is_read(host: KeyHost) -> None:
    host.fault = Huge(256 * 1024)
    assert keys_of(host, patience=3.0).find("ec") is not None


def test_without_any_answer_keys_are_kept_for_a_day(host: KeyHost, clock: Clock) -> None:
    keys = keys_of(host, clock, lifetime=3600.0, kept=86400.0)
    keys.find("ec")
    host.fault = Status(500)
    clock.time += 86399
    assert keys.find("ec") is not None
    clock.time += 30
    with pytest.raises(Unreachable):
        keys.find("ec")
    host.fault = Fault()
    clock.time += 30
    assert keys.find("ec") is not None


@pytest.mark.req("CH-140", "J34")
def test_only_so_many_threads_wait_for_a_slow_host_and_the_others_a_moment(host: KeyHost) -> None:
    host.fault = Slow(NEVER)
    keys = keys_of(host, patience=1.5, moment=0.1, waiting=3)
    together = threading.Barrier(12)

    def ask(_: int) -> float:
        together.wait(10)
        return seconds(keys, "ec")

    with ThreadPoolExecutor(12) as pool:
        waits = sorted(pool.map(ask, range(12)))
    assert waits[8] < 1.0
    assert 1.3 < waits[9] <= waits[11] < 2.5
    assert len(host.seen) == 1


def test_a_burst_at_the_start_loses_no_call(host: KeyHost) -> None:
    host.fault = Slow(0.1)
    keys = keys_of(host, patience=3.0, moment=3.0, waiting=3)
    assert kids(keys, *["ec"] * 30) == [True] * 30
    assert len(host.seen) == 1
