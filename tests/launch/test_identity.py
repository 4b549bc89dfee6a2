"""Who signed in: which id_tokens are believed, and how long the keys behind them are."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from launch.discovery import Endpoints
from launch.errors import LaunchError
from launch.identity import Identities, Identity
from launch.issuer_keys import ASKED_AGAIN, FAILURE_KEPT, KEPT
from launch.scopes import Scopes
from launch.tokens import Grant
from sandbox.http.faults import Fault, Huge, NotJson, Redirect, Status
from tests.demo.logs import capture_logs
from tests.launch.asking import HungUp
from tests.launch.documents import Documents
from web.trust import Ehr, Smart

NOW = 1_800_000_000
CLIENT = "chartside"
NONCE = "the-nonce-of-this-launch"
ACCESS = "an-access-token"
ISSUER = "https://auth.example/oauth2"
ISS = "https://ehr.example/fhir/r4"
ABSENT = object()

RSA = RSAKey.generate_key(2048)
OTHER_RSA = RSAKey.generate_key(2048)
EC = ECKey.generate_key("P-384")
LENIENT = JWSRegistry(
    algorithms=["RS256", "RS384", "ES384", "HS256", "RS512"], strict_check_header=False
)
LENIENT.max_header_length = 10_000
LENIENT.max_payload_length = 1_000_000


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def public(key: RSAKey | ECKey, kid: str | None = "k1", **members: Any) -> dict[str, Any]:
    whole = {**key.as_dict(private=False), "kid": kid, "use": "sig", **members}
    return {name: value for name, value in whole.items() if value is not None}


def signed(
    key: Any = RSA, alg: str = "RS256", header: dict[str, Any] | None = None, **claims: Any
) -> str:
    """An id_token; a claim or a member of the header that is ABSENT is left out."""
    whole = {
        "iss": ISSUER,
        "sub": "user-1",
        "aud": CLIENT,
        "iat": NOW,
        "exp": NOW + 300,
        "nonce": NONCE,
        "fhirUser": f"{ISS}/Practitioner/ada",
        **claims,
    }
    head = {"alg": alg, "kid": "k1", **(header or {})}
    content = json.dumps({name: value for name, value in whole.items() if value is not ABSENT})
    return jws.serialize_compact(
        {name: value for name, value in head.items() if value is not ABSENT},
        content,
        key,
        registry=LENIENT,
    )


def by_hand(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None) -> str:
    """A token that no library would make: not signed, or with a public key as a secret."""
    parts = [urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (header, claims)]
    signature = b""
    if secret is not None:
        digest = hmac.digest(secret, b".".join(parts), "sha256")
        signature = urlsafe_b64encode(digest).rstrip(b"=")
    return b".".join([*parts, signature]).decode()


def grant(id_token: str | None) -> Grant:
    return Grant(access_token=ACCESS, expires_in=300, scopes=Scopes(), id_token=id_token)


@pytest.fixture
def server() -> Iterator[Documents]:
    with Documents() as server:
        server.at["/jwks"] = {"keys": [public(RSA)]}
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def identities(clock: Clock) -> Identities:
    return Identities(clock)


def endpoints(server: Documents, **members: Any) -> Endpoints:
    given = {
        "iss": ISS,
        "authorization": "https://auth.example/authorize",
        "token": "https://auth.example/token",
        "issuer": ISSUER,
        "jwks": f"{server.origin}/jwks",
        **members,
    }
    return Endpoints(**given)


def record(id: str = "north", **smart: Any) -> Ehr:
    return Ehr(id=id, smart=Smart(client_id=CLIENT, issuers=(ISS,), **smart))


class Verifier:
    """Verifies id_tokens that this server's keys are for."""

    def __init__(self, server: Documents, identities: Identities) -> None:
        self.server = server
        self.identities = identities

    def verify(self, id_token: str | None, ehr: Ehr | None = None, **members: Any) -> Identity:
        found = endpoints(self.server, **members)
        return self.identities.verify(ehr or record(), found, grant(id_token), NONCE)

    def refused(self, id_token: str | None, ehr: Ehr | None = None, **members: Any) -> LaunchError:
        with pytest.raises(LaunchError) as error:
            self.verify(id_token, ehr, **members)
        assert "canary" not in error.value.reason
        return error.value


@pytest.fixture
def verifier(server: Documents, identities: Identities) -> Verifier:
    return Verifier(server, identities)


def test_a_user_is_known_by_issuer_and_subject(verifier: Verifier) -> None:
    found = verifier.verify(signed())
    assert found == Identity(issuer=ISSUER, subject="user-1", fhir_user=("Practitioner", "ada"))
    assert [each.target for each in verifier.server.seen] == ["/jwks"]


@pytest.mark.req("SL-077")
def test_the_same_subject_of_another_issuer_is_another_user(verifier: Verifier) -> None:
    other = "https://other.example"
    assert verifier.verify(signed()) != verifier.verify(signed(iss=other), issuer=other)


def test_an_identity_survives_being_stored() -> None:
    for user in (("Practitioner", "ada"), "https://elsewhere.example/Practitioner/1", None):
        one = Identity(issuer=ISSUER, subject="user-1", fhir_user=user)
        assert msgspec.json.decode(msgspec.json.encode(one), type=Identity) == one


HALF = urlsafe_b64encode(hashlib.sha256(ACCESS.encode()).digest()[:16]).rstrip(b"=").decode()

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("audience in a list", {"aud": [CLIENT]}),
    ("several audiences, the party is us", {"aud": ["other", CLIENT], "azp": CLIENT}),
    ("one audience, the party is us", {"azp": CLIENT}),
    ("at_hash fits", {"at_hash": HALF}),
    ("expired within the leeway", {"exp": NOW - 59}),
    ("issued ahead within the leeway", {"iat": NOW + 60}),
    ("times with fractions", {"iat": NOW + 0.5, "exp": NOW + 299.5}),
    ("claims that nobody knows", {"acr": "1", "locale": "nb", "auth_time": 1}),
    ("the longest subject", {"sub": "s" * 255}),
]


@pytest.mark.req("SL-071")
@pytest.mark.parametrize("claims", [each for _, each in GOOD], ids=[name for name, _ in GOOD])
def test_a_sound_id_token_is_believed(claims: dict[str, Any], verifier: Verifier) -> None:
    assert verifier.verify(signed(**claims)).issuer == ISSUER


BAD: list[tuple[str, dict[str, Any]]] = [
    ("foreign issuer", {"iss": "https://evil.example"}),
    ("issuer with a slash more", {"iss": ISSUER + "/"}),
    ("issuer in capitals", {"iss": ISSUER.upper()}),
    ("no issuer", {"iss": ABSENT}),
    ("issuers in a list", {"iss": [ISSUER]}),
    ("other audience", {"aud": "other"}),
    ("other audience, the party is us", {"aud": "other", "azp": CLIENT}),
    ("other audiences in a list", {"aud": ["other", "another"]}),
    ("no audience", {"aud": ABSENT}),
    ("empty audience", {"aud": []}),
    ("odd audience", {"aud": [CLIENT, 1]}),
    ("several audiences without a party", {"aud": [CLIENT, "other"]}),
    ("the party is another", {"azp": "other"}),
    ("the party is empty", {"azp": ""}),
    ("the parties in a list", {"azp": [CLIENT]}),
    ("expired", {"exp": NOW - 60}),
    ("no end", {"exp": ABSENT}),
    ("the end is a text", {"exp": str(NOW + 300)}),
    ("the end is true", {"exp": True}),
    ("issued in the future", {"iat": NOW + 61}),
    ("not issued", {"iat": ABSENT}),
    ("issued is a text", {"iat": "now"}),
    ("not yet valid", {"nbf": NOW + 61}),
    ("no subject", {"sub": ABSENT}),
    ("empty subject", {"sub": ""}),
    ("blank subject", {"sub": "  "}),
    ("subject with a line break", {"sub": "a\nb"}),
    ("half a character for a subject", {"sub": "\ud800"}),
    ("too long a subject", {"sub": "s" * 256}),
    ("the subject is a number", {"sub": 1}),
    ("wrong nonce", {"nonce": "canary"}),
    ("empty nonce", {"nonce": ""}),
    ("nonces in a list", {"nonce": [NONCE]}),
    ("at_hash of another token", {"at_hash": "A" * 22}),
    ("at_hash is a number", {"at_hash": 1}),
    ("at_hash with letters of elsewhere", {"at_hash": "ä"}),
]


@pytest.mark.req("SL-071", "SL-072", "T-25")
@pytest.mark.parametrize("policy", ["require", "if_present"])
@pytest.mark.parametrize("claims", [each for _, each in BAD], ids=[name for name, _ in BAD])
def test_an_id_token_with_a_wrong_claim_is_refused(
    claims: dict[str, Any], policy: str, verifier: Verifier
) -> None:
    assert verifier.refused(signed(**claims), record(nonce=policy)).kind == "not-verified"


@pytest.mark.req("SL-072")
@pytest.mark.parametrize("nonce", [ABSENT, None])
def test_a_nonce_may_be_absent_only_where_that_was_agreed(nonce: Any, verifier: Verifier) -> None:
    assert verifier.verify(signed(nonce=nonce), record(nonce="if_present"))
    assert verifier.refused(signed(nonce=nonce)).kind == "not-verified"


@pytest.mark.req("SL-073")
def test_without_an_id_token_nobody_is_known(verifier: Verifier) -> None:
    assert verifier.refused(None).kind == "user-unknown"
    assert verifier.server.seen == []


# Signatures.

CLAIMS = {
    "iss": ISSUER,
    "sub": "user-1",
    "aud": CLIENT,
    "iat": NOW,
    "exp": NOW + 300,
    "nonce": NONCE,
}
PEM = RSA.as_pem(private=False)
JWK = json.dumps(public(RSA)).encode()
WHOLE = signed()
HEAD, BODY, SIGNATURE = WHOLE.split(".")

FORGED: list[tuple[str, str]] = [
    ("not signed", by_hand({"alg": "none"}, CLAIMS, None)),
    ("not signed, in capitals", by_hand({"alg": "NONE", "kid": "k1"}, CLAIMS, None)),
    ("public key as a secret", by_hand({"alg": "HS256", "kid": "k1"}, CLAIMS, PEM)),
    ("public JWK as a secret", by_hand({"alg": "HS256", "kid": "k1"}, CLAIMS, JWK)),
    ("another key under the kid", signed(OTHER_RSA)),
    ("an algorithm that was not agreed", signed(alg="RS384")),
    ("no algorithm", by_hand({"kid": "k1"}, CLAIMS, PEM)),
    ("algorithms in a list", by_hand({"alg": ["RS256"], "kid": "k1"}, CLAIMS, PEM)),
    ("kid is a number", by_hand({"alg": "RS256", "kid": 1}, CLAIMS, PEM)),
    ("unknown kid", signed(header={"kid": "canary"})),
    ("signature taken off", f"{HEAD}.{BODY}."),
    ("signature of another", f"{HEAD}.{BODY}.{signed(sub='x').split('.')[2]}"),
    ("claims replaced", f"{HEAD}.{signed(sub='x').split('.')[1]}.{SIGNATURE}"),
    (
        "a critical member",
        by_hand({"alg": "RS256", "kid": "k1", "crit": ["x"], "x": 1}, CLAIMS, PEM),
    ),
    ("five parts", f"{WHOLE}.a.b"),
    ("one part", "canary"),
    ("nothing in it", ".."),
    ("no JSON", "bm8.bm8.bm8"),
    ("too large a header", signed(header={"x": "y" * 2000})),
    ("too much content", signed(note="y" * 200_000)),
]


@pytest.mark.req("SL-070", "SL-075", "T-25")
@pytest.mark.parametrize("token", [each for _, each in FORGED], ids=[name for name, _ in FORGED])
def test_a_forged_id_token_is_refused(token: str, verifier: Verifier) -> None:
    assert verifier.refused(token).kind == "not-verified"


@pytest.mark.req("SL-070", "T-25")
def test_what_the_record_should_not_list_is_not_taken_either(verifier: Verifier) -> None:
    lax = record(id_token_algorithms=("none", "HS256", "RS256"))
    for _, token in FORGED[:4]:
        assert verifier.refused(token, lax).kind == "not-verified"
    assert verifier.verify(WHOLE, lax)


def test_no_algorithm_at_all_is_none_and_not_all(verifier: Verifier) -> None:
    assert verifier.refused(WHOLE, record(id_token_algorithms=())).kind == "not-verified"


@pytest.mark.req("SL-070")
@pytest.mark.parametrize(("alg", "key"), [("RS384", RSA), ("ES384", EC)])
def test_another_algorithm_is_taken_where_it_was_agreed(
    alg: str, key: RSAKey | ECKey, verifier: Verifier
) -> None:
    verifier.server.at["/jwks"] = {"keys": [public(key)]}
    half = hashlib.sha384(ACCESS.encode()).digest()[:24]
    at_hash = urlsafe_b64encode(half).rstrip(b"=").decode()
    token = signed(key, alg, at_hash=at_hash)
    assert verifier.verify(token, record(id_token_algorithms=(alg,)))


@pytest.mark.req("T-03", "T-25")
@pytest.mark.parametrize("member", ["jku", "x5u", "iss"])
def test_no_address_in_a_token_is_ever_asked(member: str, verifier: Verifier) -> None:
    with Documents() as attacker:
        attacker.at["/jwks"] = {"keys": [public(OTHER_RSA)]}
        token = signed(OTHER_RSA, header={member: f"{attacker.origin}/jwks"})
        assert verifier.refused(token).kind == "not-verified"
        assert attacker.seen == []


@pytest.mark.req("T-25")
def test_a_key_in_the_header_is_of_no_use(verifier: Verifier) -> None:
    key = {name: value for name, value in public(OTHER_RSA).items() if name in ("kty", "n", "e")}
    assert verifier.refused(signed(OTHER_RSA, header={"jwk": key})).kind == "not-verified"


# Keys.

OTHERS = public(OTHER_RSA, "k2")
SHORT = urlsafe_b64encode(b"\xff" * 128).decode().rstrip("=")
ODD: list[Any] = [
    1,
    None,
    {},
    {"kty": "RSA"},
    {"kty": "oct", "k": "a", "kid": "k1"},
    {"kty": "RSA", "n": "!", "e": "AQAB", "kid": "k1"},
    {"kty": "EC", "crv": "P-384", "x": "a", "y": "b", "kid": "k1"},
    {"kty": "OKP", "crv": "Ed25519", "x": "a", "kid": "k1"},
]
SETS: list[tuple[str, list[Any], str | None, bool]] = [
    # What is published, the kid of the token, whether it is believed.
    ("one key, no kid", [public(RSA)], None, True),
    ("one key without kid, no kid", [public(RSA, None)], None, True),
    ("one key without kid, a kid", [public(RSA, None)], "k1", False),
    ("two keys, no kid", [public(RSA), OTHERS], None, False),
    ("two keys, its kid", [OTHERS, public(RSA)], "k1", True),
    ("two keys, the other kid", [OTHERS, public(RSA)], "k2", False),
    ("one that fits, no kid", [public(RSA), public(EC, "k3")], None, True),
    ("two of the same kid", [public(RSA), public(OTHER_RSA, "k1")], "k1", False),
    ("the same kid, another kind", [public(RSA), public(EC, "k1")], "k1", True),
    ("for encryption", [public(RSA, use="enc")], "k1", False),
    ("use unsaid", [public(RSA, use=None)], "k1", True),
    ("not to verify", [public(RSA, key_ops=["encrypt"])], "k1", False),
    ("to verify", [public(RSA, key_ops=["verify"])], "k1", True),
    ("for another algorithm", [public(RSA, alg="RS512")], "k1", False),
    ("for its algorithm", [public(RSA, alg="RS256")], "k1", True),
    ("a private key", [{**RSA.as_dict(private=True), "kid": "k1"}], "k1", False),
    ("too short a key", [{"kty": "RSA", "n": SHORT, "e": "AQAB", "kid": "k1"}], "k1", False),
    (
        "odd entries",
        [*ODD, public(RSA)],
        "k1",
        True,
    ),
    ("a huge key", [{"kty": "RSA", "n": "_" * 20_000, "e": "AQAB", "kid": "k1"}], "k1", False),
    ("no keys", [], "k1", False),
]


@pytest.mark.req("SL-074")
@pytest.mark.parametrize(
    ("keys", "kid", "believed"), [each[1:] for each in SETS], ids=[each[0] for each in SETS]
)
def test_exactly_one_published_key_must_fit(
    keys: list[Any], kid: str | None, believed: bool, verifier: Verifier
) -> None:
    verifier.server.at["/jwks"] = {"keys": keys}
    token = signed(header={"kid": ABSENT if kid is None else kid})
    if believed:
        assert verifier.verify(token)
    else:
        assert verifier.refused(token).kind == "not-verified"


@pytest.mark.req("SL-074", "SL-027")
def test_keys_are_kept_for_an_hour(verifier: Verifier, clock: Clock) -> None:
    for ahead, times in ((0, 1), (KEPT - 1, 1), (KEPT, 2)):
        clock.now = NOW + ahead
        verifier.verify(signed(iat=clock.now, exp=clock.now + 300))
        assert len(verifier.server.seen) == times


@pytest.mark.req("SL-074")
@pytest.mark.parametrize("kid", ["k2", ABSENT])
def test_a_new_key_is_found_at_once(kid: Any, verifier: Verifier, clock: Clock) -> None:
    verifier.verify(signed())
    verifier.server.at["/jwks"] = {"keys": [OTHERS]}
    clock.now += 1
    assert verifier.verify(signed(OTHER_RSA, header={"kid": kid}))
    assert len(verifier.server.seen) == 2


@pytest.mark.req("SL-074")
def test_an_unknown_kid_is_looked_for_once_a_minute(verifier: Verifier, clock: Clock) -> None:
    unknown = signed(OTHER_RSA, header={"kid": "unknown"})
    for seconds, times in ((0, 1), (1, 2), (2, 2), (ASKED_AGAIN, 2), (ASKED_AGAIN + 1, 3)):
        clock.now = NOW + seconds
        verifier.refused(unknown)
        assert len(verifier.server.seen) == times, seconds
    verifier.verify(signed())
    assert len(verifier.server.seen) == 3


@pytest.mark.req("SL-027")
def test_records_share_no_keys(verifier: Verifier) -> None:
    verifier.verify(signed())
    verifier.verify(signed(), record("south"))
    assert len(verifier.server.seen) == 2


FAULTS: list[tuple[Fault, str]] = [
    (Status(500), "ehr-unavailable"),
    (Status(404), "ehr-unavailable"),
    (HungUp(), "ehr-unavailable"),
    (NotJson(), "ehr-setup"),
    (Redirect("http://a.test/jwks"), "ehr-setup"),
    (Huge(1 << 20), "ehr-setup"),
]


@pytest.mark.req("SL-074", "T-27")
@pytest.mark.parametrize(("fault", "kind"), FAULTS)
def test_keys_that_cannot_be_had_are_told_and_not_asked_for_at_once(
    fault: Fault, kind: str, verifier: Verifier, clock: Clock
) -> None:
    verifier.server.fault = fault
    with capture_logs() as lines:
        assert verifier.refused(signed()).kind == kind
    assert [(each["event"], each["ehr"]) for each in lines] == [("keys not fetched", "north")]
    verifier.server.fault = Fault()
    verifier.server.seen.clear()
    clock.now += FAILURE_KEPT - 1
    assert verifier.refused(signed()).kind == kind
    assert verifier.server.seen == []
    clock.now += 1
    assert verifier.verify(signed())


def test_known_keys_outlive_a_failure_for_a_while(verifier: Verifier, clock: Clock) -> None:
    verifier.verify(signed())
    verifier.server.fault = Status(503)
    clock.now = NOW + KEPT + 1
    assert verifier.verify(signed(iat=clock.now, exp=clock.now + 300))
    clock.now = NOW + 2 * KEPT + 1
    late = signed(iat=clock.now, exp=clock.now + 300)
    assert verifier.refused(late).kind == "ehr-unavailable"


@pytest.mark.parametrize("body", ["[]", "{}", '{"keys": {}}', '{"keys": null}', "[" * 30_000])
def test_what_is_no_key_set_is_told(body: str, verifier: Verifier) -> None:
    verifier.server.at["/jwks"] = body
    assert verifier.refused(signed()).kind == "ehr-setup"


@pytest.mark.req("T-03")
def test_keys_at_an_inner_address_are_not_asked_for(verifier: Verifier) -> None:
    error = verifier.refused(signed(), jwks="https://169.254.169.254/jwks")
    assert error.kind == "ehr-setup"


def test_without_an_address_of_keys_nobody_can_sign_in(verifier: Verifier) -> None:
    assert verifier.refused(signed(), jwks=None).kind == "ehr-setup"


def test_an_issuer_that_is_not_told_is_the_fhir_server(verifier: Verifier) -> None:
    assert verifier.refused(signed(), issuer=None).kind == "not-verified"
    assert verifier.verify(signed(iss=ISS), issuer=None).issuer == ISS


def test_many_at_once_ask_for_keys_once(verifier: Verifier) -> None:
    found: list[Identity] = []
    token = signed()
    threads = [
        threading.Thread(target=lambda: found.append(verifier.verify(token))) for _ in range(10)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 10
    assert len(verifier.server.seen) == 1


# fhirUser.

USERS: list[tuple[Any, tuple[str, str] | str | None]] = [
    (f"{ISS}/Practitioner/ada", ("Practitioner", "ada")),
    ("HTTPS://EHR.example:443/fhir/r4/Practitioner/ada", ("Practitioner", "ada")),
    ("Practitioner/ada", ("Practitioner", "ada")),
    ("PractitionerRole/1", ("PractitionerRole", "1")),
    ("Patient/1", ("Patient", "1")),
    ("RelatedPerson/1", ("RelatedPerson", "1")),
    ("Person/1", ("Person", "1")),
    (
        "https://elsewhere.example/fhir/Practitioner/1",
        "https://elsewhere.example/fhir/Practitioner/1",
    ),
    (
        "https://ehr.example/fhir/r4evil/Practitioner/1",
        "https://ehr.example/fhir/r4evil/Practitioner/1",
    ),
    ("http://ehr.example/fhir/r4/Practitioner/1", "http://ehr.example/fhir/r4/Practitioner/1"),
    (ABSENT, None),
    (None, None),
]


@pytest.mark.req("SL-076")
@pytest.mark.parametrize(("given", "user"), USERS)
def test_a_user_is_a_record_of_this_server_or_a_name_of_another(
    given: Any, user: tuple[str, str] | str | None, verifier: Verifier
) -> None:
    assert verifier.verify(signed(fhirUser=given)).fhir_user == user


@pytest.mark.req("SL-076")
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_base_may_end_with_a_slash(slash: str, verifier: Verifier) -> None:
    found = verifier.verify(signed(), iss=ISS + slash)
    assert found.fhir_user == ("Practitioner", "ada")


@pytest.mark.req("SL-076")
@pytest.mark.parametrize(
    "given",
    [
        "Organization/1",
        f"{ISS}/Organization/1",
        f"{ISS}/Practitioner",
        f"{ISS}/Practitioner/a/b",
        f"{ISS}/../Practitioner/1",
        f"{ISS}//Practitioner/1",
        f"{ISS}/Practitioner/1?x=1",
        "Practitioner/..",
        "Practitioner/a b",
        "//elsewhere.example/Practitioner/1",
        "javascript:alert(1)",
        "practitioner/1",
        "",
        "Practitioner/" + "a" * 65,
        "https://elsewhere.example/" + "a" * 300,
        1,
        ["Practitioner/1"],
    ],
)
def test_any_other_user_is_refused(given: Any, verifier: Verifier) -> None:
    assert verifier.refused(signed(fhirUser=given)).kind == "not-verified"


@pytest.mark.req("SL-076")
def test_an_older_claim_is_not_read_unless_agreed(verifier: Verifier) -> None:
    token = signed(fhirUser=ABSENT, profile=f"{ISS}/Practitioner/ada")
    assert verifier.verify(token).fhir_user is None


@pytest.mark.req("SL-078")
def test_nothing_of_an_id_token_is_logged(
    verifier: Verifier, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with capture_logs() as lines:
        found = verifier.verify(signed(sub="canary-subject", email="canary@example.org"))
        verifier.refused(signed(sub="canary-subject", nonce="canary-nonce"))
    assert "canary" not in caplog.text + str(lines)
    assert "eyJ" not in repr(found)
