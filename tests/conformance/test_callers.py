"""CDS Hooks checklist H: who is calling (CH-127 to CH-141), and its table of tokens (J, V).

The table stands in a folder beside this repository and is no part of it; without it those cases
are not run, and the ones of our own, written from the specification, remain. CORS, limits and what
is checked after the token are tested elsewhere.
"""

import hmac
import json
import threading
import time
import uuid
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from flask import Flask, Response, request
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.serving import WSGIRequestHandler, make_server

from hooks.caller import Caller, Callers, Unknown
from hooks.keys import PUBLISHED
from sandbox.http.faults import Fault, Huge, NotJson, Redirect, Slow, Status
from tests.demo.bodies import DROP, Json
from tests.demo.client import Client, Reply
from tests.demo.key_host import KeyHost
from tests.demo.tokens import (
    ISSUER,
    NOW,
    PATH,
    PUBLIC_BASE,
    SERVICE,
    Clock,
    Pair,
    UsedTokens,
    base64,
    compact,
    pair,
    token,
)
from web.errors import Problem, json_response, outcome
from web.trust import SANDBOX, Cds, Ehr, Trust

NEVER = 3600.0
OTHER = "https://other.test"
NAMELESS = Ehr(id="development", cds=Cds())

K1, RSA, ODD = pair("k1"), pair("k2", "RSA-2048"), pair("d3bm+o/5H=")
P256, PINNED, FOREIGN = pair("k4", "P-256"), pair("pinned"), pair("o1")
ATTACKER = Pair("k1", pair("attacker").key)
FEEDBACK = (PATH + "/feedback", PATH)


@dataclass
class World:
    """Two EHRs with key hosts of their own, an attacker with one, and the clock of it all."""

    host: KeyHost
    other: KeyHost
    attacker: KeyHost
    clock: Clock
    used: UsedTokens

    def ehr(self, **edits: Any) -> Ehr:
        agreed = {
            "issuer": ISSUER,
            "jku": self.host.jku,
            "keys": (PINNED.jwk(),),
            "audiences": (PUBLIC_BASE,),
            "services": frozenset({SERVICE}),
        }
        return Ehr(id="hospital", cds=Cds(**{**agreed, **edits}))  # type: ignore[arg-type]

    def callers(self, *ehrs: Ehr, development: bool = False, **more: Any) -> Callers:
        """What one server process knows, which is nothing yet but for the used tokens."""
        other = Cds(issuer=OTHER, jku=self.other.jku, audiences=(PUBLIC_BASE,))
        trust = Trust(ehrs or (self.ehr(), Ehr(id="other", cds=other), NAMELESS))
        return Callers(trust, self.used, development, self.clock, **more)

    def placed(self, text: str) -> str:
        """An address with the hosts that run here: HOST is the EHR's, EVIL the attacker's."""
        return text.replace("HOST", self.host.address).replace("EVIL", self.attacker.address)


@pytest.fixture(scope="module")
def hosts() -> Iterator[tuple[KeyHost, KeyHost, KeyHost]]:
    ours = KeyHost(K1.jwk(alg="ES384"), RSA.jwk(), ODD.jwk(), P256.jwk())
    with ours, KeyHost(FOREIGN.jwk()) as other, KeyHost(ATTACKER.jwk()) as attacker:
        yield ours, other, attacker


@pytest.fixture
def world(hosts: tuple[KeyHost, KeyHost, KeyHost]) -> Iterator[World]:
    for host in hosts:
        host.seen.clear()
    yield World(*hosts, Clock(NOW), UsedTokens())
    assert hosts[2].seen == []  # nobody ever calls the attacker


@pytest.fixture
def callers(world: World) -> Callers:
    return world.callers()


def identify(
    callers: Callers,
    *authorization: str,
    paths: Sequence[str] = (PATH,),
    certificate: str | None = None,
) -> Caller:
    return callers.identify(authorization, paths, certificate)


def reason(callers: Callers, *authorization: str, **how: Any) -> str:
    """Why this is refused."""
    with pytest.raises(Unknown) as refused:
        identify(callers, *authorization, **how)
    assert (refused.value.status, refused.value.code) == (401, "login")
    assert refused.value.headers == {"WWW-Authenticate": "Bearer"}
    return refused.value.reason


# --- tokens that are good ----------------------------------------------------------------------

Made = Callable[[World], str]


def made(by: Pair = K1, header: Json | None = None, **claims: Any) -> Made:
    """A token that names the EHR's key host, unless the header says otherwise."""

    def make(world: World) -> str:
        head = {"jku": world.host.jku, **(header or {})}
        if isinstance(head["jku"], str):
            head["jku"] = world.placed(head["jku"])
        return token(by, head, claims)

    return make


def signed(sign: Callable[[bytes], bytes], by: Pair = K1, **header: Any) -> Made:
    def make(world: World) -> str:
        return token(by, {"jku": world.host.jku, **header}, sign=sign)

    return make


NO_JKU: Json = {"jku": DROP}

GOOD: dict[str, Made] = {
    "ES384": made(),
    "RS384": made(RSA),
    "RS256, by an RSA key for any": signed(lambda text: RSA.sign(text, "RS256"), RSA, alg="RS256"),
    "ES256": made(P256),
    "aud as array": made(aud=[PUBLIC_BASE + PATH]),
    "aud among others": made(aud=["https://elsewhere.test", PUBLIC_BASE + PATH]),
    "a kid of base64 characters": made(ODD),
    "no jku, pinned key": made(PINNED, NO_JKU),
    "no jku, key of the host that was agreed": made(K1, NO_JKU),
    "Epic: nbf, sub, 15 minutes": made(nbf=NOW - 300, sub="client-1", exp=NOW + 900),
    "Inferno: jti of 64 digits": made(jti="0f" * 32),
    "times with fractions": made(iat=NOW - 0.5, exp=NOW + 299.5),
    "an hour to live": made(exp=NOW + 3600),
    "expired within the leeway": made(iat=NOW - 330, exp=NOW - 59.9),
    "issued ahead, within the leeway": made(iat=NOW + 60, exp=NOW + 300),
    "valid from now, within the leeway": made(nbf=NOW + 60),
    "null for what may be absent": made(tenant=None, nbf=None),
    "jti of 255 characters": made(jti="x" * 255),
    "jti beyond ASCII": made(jti="ž 李"),
    "claims unknown here": made(scope="x", pad={"deep": [[[[]]]]}),
    "a key in the header that is not looked at": made(header={"jwk": ATTACKER.jwk(), "x5c": 7}),
    "header members unknown here": made(header={"cty": "json", "b64": True, "x": {}}),
}


@pytest.mark.req("CH-129", "CH-132", "CH-133", "CH-134", "CH-135")
@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_a_good_token_tells_who_calls(world: World, callers: Callers, make: Made) -> None:
    caller = identify(callers, "Bearer " + make(world))
    assert caller.ehr == world.ehr()
    assert caller.cds is caller.ehr.cds
    ((issuer, jti),) = world.used.used
    assert (issuer, jti) == (ISSUER, caller.jti)


@pytest.mark.parametrize("scheme", ["bearer ", "BEARER ", "Bearer   "])
def test_the_scheme_is_read_as_http_reads_it(world: World, callers: Callers, scheme: str) -> None:
    assert identify(callers, scheme + made()(world)).ehr.id == "hospital"


@pytest.mark.req("CH-133")
@pytest.mark.parametrize("path", FEEDBACK)
def test_feedback_may_name_its_own_address_or_that_of_the_service(
    world: World, callers: Callers, path: str
) -> None:
    sent = "Bearer " + made(aud=PUBLIC_BASE + path)(world)
    assert identify(callers, sent, paths=FEEDBACK).ehr.id == "hospital"


@pytest.mark.req("CH-133")
def test_each_address_by_which_an_ehr_knows_us_is_an_audience(world: World) -> None:
    bases = ("https://a.test", "https://b.test/cds")
    callers = world.callers(world.ehr(audiences=bases))
    for base in bases:
        identify(callers, "Bearer " + made(aud=base + PATH)(world))
    reason(callers, "Bearer " + made()(world))


@pytest.mark.req("CH-133")
def test_a_record_without_an_audience_takes_the_address_of_this_server(world: World) -> None:
    sent = made(aud="https://public.test/x" + PATH)
    ehr = world.ehr(audiences=())
    callers = world.callers(ehr, public_url="https://public.test/x/")
    assert identify(callers, "Bearer " + sent(world)).ehr == ehr
    assert reason(callers, "Bearer " + made()(world)) == AUDIENCE
    assert reason(world.callers(ehr), "Bearer " + sent(world)) == AUDIENCE


# --- tokens that are not -----------------------------------------------------------------------


def tampered(**claims: Any) -> Made:
    """Signed, then changed."""

    def make(world: World) -> str:
        head, _, signature = made()(world).split(".")
        changed = made(**claims)(world).split(".")[1]
        return f"{head}.{changed}.{signature}"

    return make


def with_public_key(digest: str) -> Callable[[bytes], bytes]:
    """HMAC keyed with what everybody knows."""
    key = K1.key.as_pem(private=False)
    return lambda text: hmac.digest(key, text, digest)


def raw(header: bytes | Json, payload: bytes | Json) -> Made:
    """Signed as it should be, whatever it says."""

    def encoded(part: bytes | Json) -> bytes:
        return part if isinstance(part, bytes) else json.dumps(part).encode()

    return lambda world: compact(encoded(header), encoded(payload), K1.sign)


HEADER: Json = {"alg": "ES384", "typ": "JWT", "kid": "k1"}
CLAIMS: Json = {
    "iss": ISSUER,
    "aud": PUBLIC_BASE + PATH,
    "iat": NOW,
    "exp": NOW + 300,
    "jti": "fixed",
}

ALGORITHM = "the algorithm is not accepted"
HEAD = "the header lacks alg, typ or kid, or is malformed"
FORM = "the token has not three base64url segments"
SIGNATURE = "the signature is wrong"
KID = "the kid is unknown"
UNFIT = "the key is not for this algorithm"
JKU = "the jku is not the one of the issuer"
LISTED = "the issuer is not listed"
NO_ISSUER = "the issuer is missing, or the claims are malformed"
CLAIM = "a claim is missing or malformed"
AUDIENCE = "the audience is not the address that was called"
EXPIRED = "the token is expired"
EARLY = "the token is not valid yet"
LIFE = "the token lives too long, or ends before it begins"
TENANT = "the tenant is not listed"
BLANK = "the jti is blank or not printable"

BAD: dict[str, tuple[Made, str]] = {
    # CH-128
    "alg none, not signed": (signed(lambda _: b"", alg="none"), FORM),
    "alg none, signed": (signed(K1.sign, alg="none"), ALGORITHM),
    "alg nOnE": (signed(K1.sign, alg="nOnE"), ALGORITHM),
    "HS256 with the public key": (signed(with_public_key("sha256"), alg="HS256"), ALGORITHM),
    "HS384 with the public key": (signed(with_public_key("sha384"), alg="HS384"), ALGORITHM),
    "HS512 with the public key": (signed(with_public_key("sha512"), alg="HS512"), ALGORITHM),
    "ES384 with an HMAC": (signed(with_public_key("sha384")), SIGNATURE),
    "alg in lower case": (signed(K1.sign, alg="es384"), ALGORITHM),
    "ES512": (made(pair("p521", "P-521")), ALGORITHM),
    "PS384": (signed(lambda text: RSA.sign(text, "PS384"), RSA, alg="PS384"), ALGORITHM),
    "alg missing": (signed(K1.sign, alg=DROP), HEAD),
    "alg null": (signed(K1.sign, alg=None), HEAD),
    "alg array": (signed(K1.sign, alg=["ES384"]), HEAD),
    # CH-130
    "RS384 with the EC key": (signed(K1.sign, alg="RS384"), UNFIT),
    "ES384 with the RSA key": (signed(RSA.sign, RSA, alg="ES384"), UNFIT),
    "ES256 with the P-384 key": (signed(K1.sign, alg="ES256"), UNFIT),
    "signed by a foreign key": (made(ATTACKER), SIGNATURE),
    "signed by another key of the EHR": (made(ODD, {"kid": "k1"}), SIGNATURE),
    "signature in DER": (signed(lambda text: _der(K1, text)), SIGNATURE),
    "signature cut off": (signed(lambda _: b""), FORM),
    "signature too short": (signed(lambda text: K1.sign(text)[:-1]), SIGNATURE),
    "signature too long": (signed(lambda text: K1.sign(text) + b"\0"), SIGNATURE),
    "signature of zeros": (signed(lambda _: bytes(96)), SIGNATURE),
    "signature of ones": (signed(lambda _: b"\xff" * 96), SIGNATURE),
    "RSA signature of zeros": (signed(lambda _: bytes(256), RSA), SIGNATURE),
    "RSA signature of one byte": (signed(lambda _: b"\1", RSA), SIGNATURE),
    "tenant added after signing": (tampered(tenant="x"), SIGNATURE),
    "jti changed after signing": (tampered(jti="fresh"), SIGNATURE),
    "kid missing": (made(header={"kid": DROP}), HEAD),
    "kid null": (made(header={"kid": None}), HEAD),
    "kid empty": (made(header={"kid": ""}), HEAD),
    "kid number": (made(header={"kid": 1}), HEAD),
    "kid unknown": (made(header={"kid": "nope"}), KID),
    "kid a path": (made(header={"kid": "../../k1"}), KID),
    "kid SQL": (made(header={"kid": "' OR 1=1--"}), KID),
    "kid in capitals": (made(header={"kid": "K1"}), KID),
    "kid with a NUL": (made(header={"kid": "k1\0"}), KID),
    # CH-135: header
    "typ missing": (made(header={"typ": DROP}), HEAD),
    "typ at+jwt": (made(header={"typ": "at+jwt"}), "the type is not JWT"),
    "typ JOSE": (made(header={"typ": "JOSE"}), "the type is not JWT"),
    "typ in lower case": (made(header={"typ": "jwt"}), "the type is not JWT"),
    "crit": (made(header={"crit": ["urn:x"], "urn:x": 1}), "the header asks for an extension"),
    "crit of a member that is known": (
        made(header={"crit": ["b64"], "b64": False}),
        "the header asks for an extension",
    ),
    "crit empty": (made(header={"crit": []}), "the header asks for an extension"),
    "crit null": (made(header={"crit": None}), "the header asks for an extension"),
    "key in the header": (made(ATTACKER, {"jwk": ATTACKER.jwk()}), SIGNATURE),
    "key in the header, kid unknown": (
        made(ATTACKER, {"jwk": ATTACKER.jwk(), "kid": "mine"}),
        KID,
    ),
    "certificate in the header": (made(ATTACKER, {"x5c": ["MIIB"], "kid": "mine"}), KID),
    "address of a certificate in the header": (
        made(ATTACKER, {"x5u": "http://EVIL/x", "kid": "mine"}),
        KID,
    ),
    # CH-131: jku
    "jku elsewhere": (made(ATTACKER, {"jku": "http://EVIL/.well-known/jwks.json"}), JKU),
    "jku of a longer host": (made(ATTACKER, {"jku": "http://HOST.evil.test/jwks.json"}), JKU),
    "jku behind a user": (made(ATTACKER, {"jku": "http://HOST@EVIL/jwks.json"}), JKU),
    "jku with dots": (made(header={"jku": "http://HOST/.well-known/../x/jwks.json"}), JKU),
    "jku with dots that lead nowhere": (
        made(header={"jku": "http://HOST/.well-known/./jwks.json"}),
        JKU,
    ),
    "jku with a query": (made(header={"jku": "http://HOST/.well-known/jwks.json?u=x"}), JKU),
    "jku with a fragment": (made(header={"jku": "http://HOST/.well-known/jwks.json#x"}), JKU),
    "jku with a blank": (made(header={"jku": "http://HOST/.well-known/jwks.json "}), JKU),
    "jku in capitals": (made(header={"jku": "http://HOST/.WELL-KNOWN/jwks.json"}), JKU),
    "jku with a scheme in capitals": (
        made(header={"jku": "HTTP://HOST/.well-known/jwks.json"}),
        JKU,
    ),
    "jku by https": (made(header={"jku": "https://HOST/.well-known/jwks.json"}), JKU),
    "jku a file": (made(header={"jku": "file:///etc/passwd"}), JKU),
    "jku link-local": (made(header={"jku": "http://169.254.169.254/"}), JKU),
    "jku empty": (made(header={"jku": ""}), JKU),
    "jku null": (made(header={"jku": None}), HEAD),
    "jku array": (made(header={"jku": ["http://HOST/.well-known/jwks.json"]}), HEAD),
    # CH-131: issuer
    "iss missing": (made(iss=DROP), NO_ISSUER),
    "iss null": (made(iss=None), NO_ISSUER),
    "iss array": (made(iss=[ISSUER]), NO_ISSUER),
    "iss unknown": (made(iss="https://evil.test"), LISTED),
    "iss empty": (made(iss=""), LISTED),
    "iss with a slash": (made(iss=ISSUER + "/"), LISTED),
    "iss in capitals": (made(iss=ISSUER.upper()), LISTED),
    "iss of another EHR": (made(iss=OTHER), JKU),
    "iss of another EHR, key of the EHR": (made(K1, NO_JKU, iss=OTHER), KID),
    # CH-133
    "aud missing": (made(aud=DROP), CLAIM),
    "aud null": (made(aud=None), CLAIM),
    "aud empty": (made(aud=""), AUDIENCE),
    "aud empty array": (made(aud=[]), AUDIENCE),
    "aud number": (made(aud=1), CLAIM),
    "aud object": (made(aud={"url": PUBLIC_BASE + PATH}), CLAIM),
    "aud array of arrays": (made(aud=[[PUBLIC_BASE + PATH]]), CLAIM),
    "aud discovery": (made(aud=PUBLIC_BASE + "/cds-services"), AUDIENCE),
    "aud base": (made(aud=PUBLIC_BASE), AUDIENCE),
    "aud path": (made(aud=PATH), AUDIENCE),
    "aud other service": (made(aud=PUBLIC_BASE + "/cds-services/demo-order-sign"), AUDIENCE),
    "aud longer": (made(aud=PUBLIC_BASE + PATH + "/x"), AUDIENCE),
    "aud feedback, on the service": (made(aud=PUBLIC_BASE + PATH + "/feedback"), AUDIENCE),
    "aud with a slash": (made(aud=PUBLIC_BASE + PATH + "/"), AUDIENCE),
    "aud by http": (made(aud=PUBLIC_BASE.replace("https", "http") + PATH), AUDIENCE),
    "aud at another host": (made(aud="https://attacker.test" + PATH), AUDIENCE),
    "aud in capitals": (made(aud=(PUBLIC_BASE + PATH).upper()), AUDIENCE),
    # CH-134
    "exp missing": (made(exp=DROP), CLAIM),
    "exp null": (made(exp=None), CLAIM),
    "exp text": (made(exp=str(int(NOW) + 300)), CLAIM),
    "exp boolean": (made(exp=True), CLAIM),
    "exp negative": (made(exp=-1), CLAIM),
    "exp of 400 digits": (made(exp=10**400), CLAIM),
    "exp in milliseconds": (made(exp=(NOW + 300) * 1000), CLAIM),
    "exp long ago": (made(iat=NOW - 3700, exp=NOW - 3600), EXPIRED),
    "exp just beyond the leeway": (made(iat=NOW - 360, exp=NOW - 60), EXPIRED),
    "iat missing": (made(iat=DROP), CLAIM),
    "iat text": (made(iat="1"), CLAIM),
    "iat boolean": (made(iat=True), CLAIM),
    "iat in the future": (made(iat=NOW + 3600, exp=NOW + 3900), EARLY),
    "iat just beyond the leeway": (made(iat=NOW + 60.5), EARLY),
    "jti missing": (made(jti=DROP), CLAIM),
    "jti null": (made(jti=None), CLAIM),
    "jti empty": (made(jti=""), CLAIM),
    "jti blank": (made(jti=" "), BLANK),
    "jti of odd blanks": (made(jti="\u00a0\u2003"), BLANK),
    "jti number": (made(jti=7), CLAIM),
    "jti with a NUL": (made(jti="a\0"), BLANK),
    "jti with a line feed": (made(jti="a\nb"), BLANK),
    "jti of 256 characters": (made(jti="x" * 256), CLAIM),
    # CH-135: life
    "ten years to live": (made(exp=NOW + 315_360_000), LIFE),
    "more than an hour to live": (made(exp=NOW + 3601), LIFE),
    "issued in 1970": (made(iat=0), LIFE),
    "ends as it begins": (made(iat=NOW, exp=NOW), LIFE),
    "ends before it begins": (made(iat=NOW + 30, exp=NOW), LIFE),
    "nbf in the future": (made(nbf=NOW + 3600), EARLY),
    "nbf text": (made(nbf="0"), CLAIM),
    # CH-137
    "tenant not listed": (made(tenant="tenant-x"), TENANT),
    "tenant empty": (made(tenant=""), TENANT),
    "tenant number": (made(tenant=1), CLAIM),
    # Form
    "64 KiB": (made(pad="x" * 65536), "the token is too long"),
    "8 KiB and some": (made(pad="x" * 5860), "the token is too long"),
    "header an array": (raw(b"[]", CLAIMS), HEAD),
    "header text": (raw(b'"alg"', CLAIMS), HEAD),
    "header no JSON": (raw(b"{", CLAIMS), HEAD),
    "header empty object": (raw(b"{}", CLAIMS), HEAD),
    "header in UTF-16": (raw(json.dumps(HEADER).encode("utf-16"), CLAIMS), HEAD),
    "header with a byte order mark": (
        raw(b"\xef\xbb\xbf" + json.dumps(HEADER).encode(), CLAIMS),
        HEAD,
    ),
    "header not UTF-8": (raw(b'{"alg":"\xff"}', CLAIMS), HEAD),
    "header deep": (raw(b'{"x":' + b"[" * 3000, CLAIMS), HEAD),
    "header deep and whole": (raw(b'{"x":' + b"[" * 2500 + b"]" * 2500 + b"}", CLAIMS), HEAD),
    "claims deep": (raw(HEADER, b'{"x":' + b"[" * 2500 + b"]" * 2500 + b"}"), NO_ISSUER),
    "claims an array": (raw(HEADER, b"[1]"), NO_ISSUER),
    "claims null": (raw(HEADER, b"null"), NO_ISSUER),
    "claims no JSON": (raw(HEADER, b"iss=x"), NO_ISSUER),
    "claims with NaN": (raw(HEADER, b'{"iss":"x","exp":NaN}'), NO_ISSUER),
    "claims with half a character": (raw(HEADER, b'{"iss":"\\ud800"}'), NO_ISSUER),
    "claims and more": (raw(HEADER, json.dumps(CLAIMS).encode() + b"{}"), NO_ISSUER),
    "exp beyond every number": (
        raw(HEADER, json.dumps(CLAIMS)[:-1].encode() + b',"exp":1e999}'),
        CLAIM,
    ),
}


def _der(by: Pair, text: bytes) -> bytes:
    both = by.sign(text)
    half = len(both) // 2
    return encode_dss_signature(int.from_bytes(both[:half]), int.from_bytes(both[half:]))


@pytest.mark.req("CH-128", "CH-130", "CH-131", "CH-133", "CH-134", "CH-135", "CH-137")
@pytest.mark.parametrize(("make", "told"), BAD.values(), ids=BAD)
def test_a_bad_token_is_refused_and_its_jti_is_not_used_up(
    world: World, callers: Callers, make: Made, told: str
) -> None:
    sent = make(world)
    assert reason(callers, "Bearer " + sent) == told
    assert world.used.used == {}
    # Nor is the key host asked before it is clear that the token may be one of its EHR.
    if told in (FORM, HEAD, ALGORITHM, JKU, LISTED, NO_ISSUER):
        assert world.host.seen == []


HEADERS: dict[str, list[str]] = {
    "none": [],
    "empty": [""],
    "the scheme alone": ["Bearer"],
    "the scheme and a blank": ["Bearer "],
    "Basic": ["Basic dTpw"],
    "no scheme": ["{good}"],
    "another scheme": ["DPoP {good}"],
    "one segment": ["Bearer abc"],
    "two segments": ["Bearer a.b"],
    "four segments": ["Bearer {good}.x"],
    "five segments": ["Bearer a.b.c.d.e"],
    "empty segments": ["Bearer .."],
    "a segment of one character": ["Bearer a.b.c"],
    "padding": ["Bearer {good}="],
    "two tokens": ["Bearer {good} {good}"],
    "two headers": ["Bearer {good}", "Bearer x.y.z"],
    "two headers of the same": ["Bearer {good}", "Bearer {good}"],
    "two headers in one line": ["Bearer {good}, Bearer x.y.z"],
    "quotes": ['Bearer "{good}"'],
    "a tab": ["Bearer\t{good}"],
    "a parameter": ["Bearer {good}, realm=x"],
    "a line feed": ["Bearer {good}\n"],
    "beyond ASCII": ["Bearer ä.ö.ü"],
    "digits beyond ASCII": ["Bearer \u0661.\u0662.\u0663"],
    "an access token": ["Bearer opaque-demo-token-not-a-secret"],
    "a blank in front": [" Bearer {good}"],
}


@pytest.mark.req("CH-127")
@pytest.mark.parametrize("lines", HEADERS.values(), ids=HEADERS)
def test_anything_but_one_bearer_token_is_refused(
    world: World, callers: Callers, lines: list[str]
) -> None:
    good = made()(world)
    reason(callers, *(line.replace("{good}", good) for line in lines))
    assert world.host.seen == []
    assert identify(callers, "Bearer " + good).ehr.id == "hospital"


@pytest.mark.req("CH-131")
def test_one_issuer_cannot_use_the_keys_of_another(world: World, callers: Callers) -> None:
    theirs = {"jku": world.other.jku}
    assert identify(callers, "Bearer " + token(FOREIGN, theirs, {"iss": OTHER})).ehr.id == "other"
    assert reason(callers, "Bearer " + token(FOREIGN, theirs)) == JKU
    assert reason(callers, "Bearer " + token(FOREIGN, {"jku": world.host.jku})) == KID
    assert reason(callers, "Bearer " + token(FOREIGN)) == KID


def test_who_a_refused_token_claims_to_be_is_known_to_the_log_if_it_is_listed(
    world: World, callers: Callers
) -> None:
    for make, told in ((made(ATTACKER), "hospital"), (made(iss="https://evil.test"), None)):
        with pytest.raises(Unknown) as refused:
            identify(callers, "Bearer " + make(world))
        assert refused.value.ehr_id == told


@pytest.mark.req("CH-132")
def test_pinned_keys_need_no_address_and_none_is_called(world: World) -> None:
    callers = world.callers(world.ehr(jku=None))
    for jku in (DROP, "https://ehr.test/jwks", world.placed("http://EVIL/jwks.json")):
        assert identify(callers, "Bearer " + token(PINNED, {"jku": jku})).ehr.id == "hospital"
    assert reason(callers, "Bearer " + token(K1)) == KID
    assert world.host.seen == []


@pytest.mark.req("CH-137")
def test_where_tenants_are_agreed_each_token_names_one(world: World) -> None:
    callers = world.callers(world.ehr(tenants=frozenset({"north", "south"})))
    assert identify(callers, "Bearer " + made(tenant="north")(world)).ehr.id == "hospital"
    assert reason(callers, "Bearer " + made(tenant="North")(world)) == TENANT
    assert reason(callers, "Bearer " + made()(world)) == "the tenant is missing"


def test_a_certificate_is_required_where_it_is_agreed(world: World) -> None:
    callers = world.callers(world.ehr(certificate="ab:cd"))
    sent = "Bearer " + made()(world)
    for certificate in (None, "", "AB:CD"):
        assert "certificate" in reason(callers, sent, certificate=certificate)
    assert world.host.seen == []
    assert identify(callers, sent, certificate="ab:cd").ehr.id == "hospital"
    assert identify(world.callers(), "Bearer " + made()(world), certificate="ab:cd")


# --- replay ------------------------------------------------------------------------------------


@pytest.mark.req("CH-136")
def test_a_token_counts_once_for_all_processes_until_it_cannot_be_valid(world: World) -> None:
    sent = made(exp=NOW + 300)(world)
    identify(world.callers(), "Bearer " + sent)
    assert list(world.used.used.values()) == [NOW + 300 + 60]
    for callers in (world.callers(), world.callers()):
        assert reason(callers, "Bearer " + sent) == "the token was used before"
    world.clock.time = NOW + 300 + 60
    assert reason(world.callers(), "Bearer " + sent) == EXPIRED


@pytest.mark.req("CH-136")
def test_a_jti_belongs_to_its_issuer(world: World, callers: Callers) -> None:
    identify(callers, "Bearer " + made(jti="same")(world))
    theirs = token(FOREIGN, {"jku": world.other.jku}, {"iss": OTHER, "jti": "same"})
    assert identify(callers, "Bearer " + theirs).jti == "same"
    assert reason(callers, "Bearer " + made(jti="same")(world)) == "the token was used before"


@pytest.mark.req("CH-136")
def test_nobody_else_can_use_up_a_jti(world: World, callers: Callers) -> None:
    for attack in (made(ATTACKER, jti="mine"), made(jti="mine", aud="x"), made(jti="mine", exp=1)):
        reason(callers, "Bearer " + attack(world))
    assert identify(callers, "Bearer " + made(jti="mine")(world)).jti == "mine"


# --- production and development ----------------------------------------------------------------


@pytest.mark.req("CH-141")
def test_published_keys_are_refused_in_production(world: World) -> None:
    assert SANDBOX.cds is not None
    (jwk,) = SANDBOX.cds.keys
    named = Pair(jwk["kid"], K1.key)
    cases = {
        # whoever signs as the sandbox, with any key
        "issuer": (world.ehr(issuer="https://sandbox.cds-hooks.org"), made(iss=SANDBOX.cds.issuer)),
        # its key under the name everybody knows, published by another
        "kid": (world.ehr(keys=(named.jwk(),)), made(named)),
        # its key under another name, which only its thumbprint betrays
        "thumbprint": (world.ehr(keys=({**jwk, "kid": "ours"},)), made(header={"kid": "ours"})),
    }
    reasons = {
        name: reason(world.callers(ehr), "Bearer " + make(world))
        for name, (ehr, make) in cases.items()
    }
    published = "the key is published, so anybody can sign with it"
    assert reasons == {"issuer": published, "kid": published, "thumbprint": KID}
    for kid in PUBLISHED.values():
        assert reason(world.callers(), "Bearer " + made(header={"kid": kid})(world)) == published
    in_development = {
        name: reason(world.callers(ehr, development=True), "Bearer " + make(world))
        for name, (ehr, make) in cases.items()
        if name == "thumbprint"
    }
    assert in_development == {"thumbprint": SIGNATURE}
    callers = world.callers(cases["kid"][0], development=True)
    assert identify(callers, "Bearer " + made(named)(world)).ehr.id == "hospital"


def test_development_takes_whoever_does_not_claim_to_be_a_listed_ehr(world: World) -> None:
    callers = world.callers(development=True)
    for lines in ([], ["Bearer " + made(iss="https://unlisted.test")(world)]):
        caller = identify(callers, *lines)
        assert (caller.ehr.id, caller.jti) == ("development", None)
    sent = "Bearer " + made()(world)
    assert identify(callers, sent).ehr.id == "hospital"
    assert reason(callers, sent) == "the token was used before"
    assert reason(callers, "Bearer " + made(ATTACKER)(world)) == SIGNATURE
    for line in (
        "Basic dTpw",
        "Bearer abc",
        "Bearer " + BAD["HS256 with the public key"][0](world),
    ):
        reason(callers, line)


def test_development_without_a_nameless_record_takes_nobody(world: World) -> None:
    callers = world.callers(world.ehr(), development=True)
    reason(callers)
    reason(callers, "Bearer " + made(iss="https://unlisted.test")(world))


@pytest.mark.req("CH-127")
def test_production_never_takes_the_nameless(world: World, callers: Callers) -> None:
    reason(callers)
    assert reason(callers, "Bearer " + made(iss="https://unlisted.test")(world)) == LISTED


# --- no token does anything else ---------------------------------------------------------------

anything = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


def members(known: Json, *more: str) -> st.SearchStrategy[Json]:
    """Objects with these members, some good, some anything, some absent, and with others."""
    some = {name: st.just(value) | anything for name, value in known.items()}
    return st.fixed_dictionaries({}, optional={**some, **dict.fromkeys(more, anything)})


@pytest.fixture(scope="module")
def fuzzed(hosts: tuple[KeyHost, KeyHost, KeyHost]) -> Callers:
    callers = World(*hosts, Clock(NOW), UsedTokens()).callers()
    callers.warm()
    return callers


def total(callers: Callers, *authorization: str) -> None:
    with suppress(Unknown):
        assert identify(callers, *authorization).ehr.id == "hospital"


FUZZ = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])


@given(st.lists(st.text() | st.text("Bearer .-_aA0=").map("Bearer ".__add__), max_size=3))
@example(["Bearer " + "." * 8192])
@FUZZ
def test_any_header_gives_a_caller_or_is_refused(fuzzed: Callers, lines: list[str]) -> None:
    total(fuzzed, *lines)


@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=200))
@FUZZ
def test_any_segments_give_a_caller_or_are_refused(
    fuzzed: Callers, head: bytes, payload: bytes, signature: bytes
) -> None:
    total(fuzzed, "Bearer " + ".".join(map(base64, (head, payload, signature))))


@given(
    members(HEADER, "jku", "jwk", "crit", "x5c", "b64", "cty"),
    members(CLAIMS, "nbf", "tenant", "sub"),
    st.none() | st.binary(max_size=300),
)
@FUZZ
def test_any_members_give_a_caller_or_are_refused(
    fuzzed: Callers, header: Json, claims: Json, signature: bytes | None
) -> None:
    text = json.dumps(header).encode(), json.dumps(claims).encode()
    total(fuzzed, "Bearer " + compact(*text, K1.sign if signature is None else lambda _: signature))


@given(anything | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
@FUZZ
def test_any_claims_that_the_ehr_signed_give_a_caller_or_are_refused(
    fuzzed: Callers, claims: Any
) -> None:
    text = (
        claims.encode("latin-1", "replace")
        if isinstance(claims, str)
        else json.dumps(claims).encode()
    )
    total(fuzzed, "Bearer " + compact(json.dumps(HEADER).encode(), text, K1.sign))


@given(st.integers(min_value=0), st.integers(0, 127))
@FUZZ
def test_a_token_with_one_character_changed_is_refused(
    fuzzed: Callers, place: int, code: int
) -> None:
    good = "Bearer " + token(K1)
    place = len("Bearer ") + place % (len(good) - len("Bearer "))
    changed = good[:place] + chr(code) + good[place + 1 :]
    # The last character of a segment has bits that mean nothing.
    if changed != good and good[place + 1 : place + 2] not in (".", ""):
        reason(fuzzed, changed)


# --- over HTTP ---------------------------------------------------------------------------------


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def answering(callers: Callers) -> Iterator[Client]:
    """A server that does nothing but tell callers."""
    app = Flask(__name__)
    app.register_error_handler(Problem, outcome)

    def answer(id: str, *paths: str) -> Response:
        caller = callers.identify(
            request.headers.getlist("Authorization"), [f"/cds-services/{p}" for p in paths], None
        )
        if not caller.cds.may_call(id):
            raise Problem(403, "forbidden", "Not entitled.")
        return json_response(json.dumps({"ehr": caller.ehr.id}).encode())

    @app.post("/cds-services/<id>")
    def call(id: str) -> Response:
        return answer(id, id)

    @app.post("/cds-services/<id>/feedback")
    def feedback(id: str) -> Response:
        return answer(id, id, f"{id}/feedback")

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Client(f"http://127.0.0.1:{server.port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def post(client: Client, sent: str | None, path: str = PATH, **headers: str) -> Reply:
    """A call whose answer may be a 503."""
    if sent is not None:
        headers["Authorization"] = sent
    return client.request("POST", path, b"", headers, fails=True)


def together(client: Client, sent: Iterable[str], path: str = PATH) -> list[int]:
    """The statuses of calls that are made all at once."""
    lines = list(sent)
    barrier = threading.Barrier(len(lines))

    def call(line: str) -> int:
        barrier.wait(20)
        return post(client, line, path).status

    with ThreadPoolExecutor(len(lines)) as pool:
        return list(pool.map(call, lines))


@pytest.mark.req("CH-138")
def test_all_refusals_are_the_same_but_for_their_date(world: World, callers: Callers) -> None:
    answers = set()
    with answering(callers) as client:
        for name, (make, _) in BAD.items():
            if name == "64 KiB":
                continue  # the server of this test refuses such a header before it is read
            reply = post(client, "Bearer " + make(world))
            answers.add((reply.status, reply.body, _without_date(reply)))
        for line in (None, "Bearer ", "Basic dTpw", "Bearer abc"):
            reply = post(client, line)
            answers.add((reply.status, reply.body, _without_date(reply)))
        sent = "Bearer " + made()(world)
        assert post(client, sent).status == 200
        reply = post(client, sent)
        answers.add((reply.status, reply.body, _without_date(reply)))
    ((status, body, headers),) = answers
    assert status == 401
    assert ("WWW-Authenticate", "Bearer") in headers
    assert json.loads(body)["issue"][0]["code"] == "login"


def _without_date(reply: Reply) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in reply.headers.items() if name != "Date")


@pytest.mark.req("CH-136")
def test_of_twenty_calls_with_one_token_at_once_one_is_answered(world: World) -> None:
    first, second = world.callers(), world.callers()
    for callers in (first, second):
        identify(callers, "Bearer " + made()(world))  # from now on nobody waits for keys
    with answering(first) as here, answering(second) as there:
        for _ in range(5):
            sent = "Bearer " + made()(world)
            with ThreadPoolExecutor(2) as pool:
                found = list(pool.map(together, (here, there), [[sent] * 10] * 2))
            assert sorted(found[0] + found[1]) == [200] + [401] * 19


@pytest.mark.req("CH-136")
def test_without_the_memory_of_used_tokens_nobody_is_let_in(world: World) -> None:
    with answering(world.callers()) as client:
        world.used.down = True
        reply = post(client, "Bearer " + made()(world))
        assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
        assert post(client, "Bearer " + made(ATTACKER)(world)).status == 401
        world.used.down = False
        assert post(client, "Bearer " + made()(world)).status == 200


@pytest.mark.req("CH-133")
def test_an_audience_is_not_what_the_request_says_of_its_host(world: World) -> None:
    evil = {"Host": "attacker.test", "X-Forwarded-Host": "attacker.test"}
    sent = "Bearer " + made(aud="https://attacker.test" + PATH)(world)
    with answering(world.callers()) as client:
        assert post(client, sent, **evil).status == 401
        assert post(client, "Bearer " + made()(world), **evil).status == 200


@pytest.mark.req("CH-127")
def test_a_token_in_the_address_or_twice_in_the_header_is_none(world: World) -> None:
    good = made()(world)
    with answering(world.callers()) as client:
        assert post(client, None, f"{PATH}?access_token={good}").status == 401
        assert b" 401 " in client.send(two_headers(f"Bearer {good}", "Bearer x.y.z"))
        assert post(client, f"Bearer {good}").status == 200


def two_headers(*lines: str, path: str = PATH) -> bytes:
    """A request with an Authorization header for each of these."""
    head = [f"POST {path} HTTP/1.1", "Host: cds.test", "Content-Length: 0", "Connection: close"]
    return "\r\n".join([*head, *(f"Authorization: {line}" for line in lines), "", ""]).encode()


@pytest.mark.req("CH-140")
def test_keys_are_rotated_without_losing_a_call(world: World) -> None:
    with KeyHost(K1.jwk()) as host, answering(world.callers(world.ehr(jku=host.jku))) as client:
        assert post(client, "Bearer " + token(K1)).status == 200
        for number in range(3):
            new = pair(f"rotated-{number}")
            host.keys.append(new.jwk())
            calls = [f"Bearer {token(by)}" for by in (K1, new) for _ in range(4)]
            assert together(client, calls) == [200] * 8
            assert len(host.seen) == 2 + number
        statuses = {post(client, f"Bearer {token(K1, {'kid': str(n)})}").status for n in range(50)}
        assert statuses == {401}
        assert len(host.seen) == 5


@pytest.mark.req("CH-140")
def test_a_slow_key_host_costs_its_own_ehr_only(world: World) -> None:
    with KeyHost(FOREIGN.jwk()) as slow:
        slow.fault = Slow(NEVER)
        ill = Ehr(id="ill", cds=Cds(issuer=OTHER, jku=slow.jku, audiences=(PUBLIC_BASE,)))
        with answering(world.callers(world.ehr(), ill)) as client:
            assert post(client, "Bearer " + made()(world)).status == 200
            waiting = [f"Bearer {token(FOREIGN, claims={'iss': OTHER})}" for _ in range(16)]
            with ThreadPoolExecutor(1) as pool:
                stuck = pool.submit(together, client, waiting)
                while not slow.seen:
                    assert not stuck.done()
                began = time.monotonic()
                for _ in range(20):
                    assert post(client, "Bearer " + made()(world)).status == 200
                assert time.monotonic() - began < 2
                assert stuck.result(10) == [503] * 16
            assert len(slow.seen) == 1


# --- the checklist's own table -----------------------------------------------------------------

TABLE = Path(__file__).parents[3] / "shared" / "examples" / "cds-hooks" / "jwt-cases.json"
TABLE_HOST, TABLE_EVIL, TABLE_OTHER = "ehr.example.org", "evil.example.net", "other.example.org"
LITERAL = {("V02", "aud"), ("J18", "crit")}


def table() -> list[Any]:
    """The cases, one for each of their variants, or one that says that there are none."""
    if not TABLE.is_file():
        return [pytest.param({}, id="none", marks=pytest.mark.skip(f"{TABLE} is not here"))]
    return [
        pytest.param(variant, id=f"{case['id']}-{number}", marks=pytest.mark.req(case["id"]))
        for case in json.loads(TABLE.read_text("utf-8"))["cases"]
        for number, variant in enumerate(variants(case), 1)
    ]


def variants(case: Json) -> Iterator[Json]:
    """The case with each of the values that it lists."""
    for part in ("header", "payload", "http"):
        for name, value in case.get(part, {}).items():
            listed = isinstance(value, list) and (case["id"], name) not in LITERAL
            if listed and case["id"] != "J38":
                for each in value:
                    yield {**case, part: {**case[part], name: each}}
                return
    if isinstance(case.get("jwks"), list):
        yield from ({**case, "jwks": each} for each in case["jwks"])
        return
    yield case


class Table:
    """The hosts that the table speaks of, its tokens, and a server that knows its issuers."""

    def __init__(self, host: KeyHost, evil: KeyHost, other: KeyHost) -> None:
        self.host = host
        self._addresses = {TABLE_HOST: host, TABLE_EVIL: evil, TABLE_OTHER: other}
        self.base: Json = json.loads(TABLE.read_text("utf-8"))["base"]
        self._trust: Json = json.loads(TABLE.read_text("utf-8"))["trust"]

    def here(self, value: Any) -> Any:
        """An address of the table as it is on this machine."""
        if not isinstance(value, str) or value.startswith("http://"):
            return value
        for name, host in self._addresses.items():
            value = value.replace(name, host.address)
        return value.replace("https://", "http://") if "127.0.0.1" in value else value

    def callers(self) -> Callers:
        ehrs = tuple(
            Ehr(
                id=f"table-{number}",
                cds=Cds(
                    issuer=issuer,
                    jku=self.here(record["jku"]),
                    audiences=("https://cds.example.org",),
                    services=frozenset(record.get("services", ())),
                ),
            )
            for number, (issuer, record) in enumerate(self._trust.items())
        )
        return Callers(Trust(ehrs), UsedTokens(), development=False)

    def token(self, case: Json) -> str:
        now = int(time.time())

        def value(member: Any) -> Any:
            if isinstance(member, dict) and "$now" in member:
                return now + member["$now"]
            made = {
                "$fresh-uuid": str(uuid.uuid4()),
                "$64KiB": "x" * 65536,
                "$attacker-jwk": ATTACKER.jwk(),
            }
            return made.get(member, member) if isinstance(member, str) else member

        def part(name: str) -> Json:
            edits = {**self.base[name], **case.get(name, {})}
            return {key: value(each) for key, each in edits.items() if each is not None}

        header = {name: self.here(each) for name, each in part("header").items()}
        for name in case.get("remove_header", ()):
            del header[name]
        payload = part("payload")
        text = compact(
            json.dumps(header).encode(),
            json.dumps(payload).encode(),
            SIGN[case.get("sign", "k1")],
        )
        if "tamper" in case:
            changed = {**payload, case["tamper"].removeprefix("payload."): "tampered"}
            head, _, signature = text.split(".")
            return f"{head}.{base64(json.dumps(changed).encode())}.{signature}"
        return text


def hmac_with_public_pem(signed: bytes) -> bytes:
    head = json.loads(urlsafe_b64decode(signed.split(b".")[0] + b"=="))
    return hmac.digest(K1.key.as_pem(private=False), signed, f"sha{head['alg'][2:]}")


SIGN: dict[str, Callable[[bytes], bytes]] = {
    "k1": K1.sign,
    "k1-raw": K1.sign,
    "k2": RSA.sign,
    "k3": ODD.sign,
    "attacker": ATTACKER.sign,
    "other": FOREIGN.sign,
    # The published private key has no place here, and the token is refused before its signature.
    "public-sandbox-key": pair("stand-in").sign,
    "empty": lambda _: b"",
    "hmac-public-pem": hmac_with_public_pem,
}
FAULTS: dict[str, Callable[[KeyHost], Fault]] = {
    "redirect": lambda evil: Redirect(evil.jku),
    "500": lambda _: Status(500),
    "timeout": lambda _: Slow(NEVER),
    "html": lambda _: NotJson(),
    "50MB": lambda _: Huge(50_000_000),
}
SETS: dict[str, Callable[[], Json]] = {
    "oct": lambda: {"kty": "oct", "kid": "k1", "k": base64(b"secret")},
    "use-enc": lambda: K1.jwk(use="enc"),
    "rsa-1024": lambda: pair("short", "RSA-1024").jwk(kid="k1"),
    "alg-mismatch": lambda: K1.jwk(alg="RS384"),
}


@pytest.mark.parametrize("case", table())
def test_a_token_of_the_table_gets_the_answer_it_asks_for(case: Json) -> None:
    jwks = case.get("jwks")
    keys = [SETS[jwks]()] if jwks in SETS else [K1.jwk(), RSA.jwk(), ODD.jwk()]
    with KeyHost(*keys) as host, KeyHost(ATTACKER.jwk()) as evil, KeyHost(FOREIGN.jwk()) as other:
        if jwks in FAULTS:
            host.fault = FAULTS[jwks](evil)
        table = Table(host, evil, other)
        with answering(table.callers()) as client:
            if case.get("repeat") == "parallel":
                calls(client, {}, table.token({}))  # so that none of them waits for keys
            began = time.monotonic()
            statuses = calls(client, case, table.token(case))
            assert time.monotonic() - began < 5
    *first, last = sorted(statuses)
    assert first == ([case["expected_first"]] if "repeat" in case else []) + [401] * (
        len(first) - 1
    )
    assert last in (case["expected_status"], *case.get("accept_also", ()))
    assert evil.seen == []
    if case["id"] in ("J12", "J13", "J14", "J16"):
        assert host.seen == other.seen == []


def calls(client: Client, case: Json, sent: str) -> list[int]:
    """The statuses of what the case asks to be sent."""
    service = case.get("request", "demo-patient-view")
    path = PATH + "/feedback" if service == "feedback" else f"/cds-services/{service}"
    http = dict(case.get("http", {}))
    if "query" in http:
        path += "?" + http.pop("query").replace("{jwt}", sent)
    line = http.pop("Authorization", "Bearer {jwt}")
    if isinstance(line, list):
        answer = client.send(
            two_headers(*(each.replace("{jwt}", sent) for each in line), path=path)
        )
        return [int(answer.split()[1])]
    line = line and line.replace("{jwt}", sent)
    if case.get("repeat") == "parallel":
        return together(client, [line] * 20, path)
    repeats = 2 if case.get("repeat") else 1
    if line is not None:
        http["Authorization"] = line
    return [client.unjudged("POST", path, b"", http).status for _ in range(repeats)]
