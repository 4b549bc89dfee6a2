"""The SMART side of trust records: which issuer is whose, and what stops the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from web.errors import StartError
from web.trust import SCOPES, SCOPES_V1, Ehr, Smart, Trust
from web.trust_file import load

ISS = "https://fhir.hospital.example/r4"
GOOD = """\
[ehr.hospital]
time_zone = "Europe/Oslo"
label = "Hospital"
fhir_bases = ["https://fhir.hospital.example/r4"]

[ehr.hospital.smart]
client_id = "chartside"
frame_ancestors = ["https://ehr.hospital.example"]
"""
SECRET = "Vq7-eR2.tY9_uK4~pL6wZ3-mB8.xC1_sD5"


def written(folder: Path, text: str) -> Path:
    path = folder / "trust.toml"
    path.write_text(text, encoding="utf-8")
    return path


def trust_of(*issuers: str) -> Trust:
    return Trust((Ehr(id="hospital", smart=Smart(client_id="c", issuers=issuers)),))


@pytest.mark.req("SL-001", "SL-008")
def test_a_record_says_what_was_agreed(tmp_path: Path) -> None:
    ehr = load(written(tmp_path, GOOD)).smart("hospital")
    assert ehr is not None
    assert ehr.smart is not None
    assert (ehr.name, ehr.smart.client_id, ehr.smart.issuers) == ("Hospital", "chartside", (ISS,))
    assert (ehr.smart.auth, ehr.smart.algorithm) == ("private_key_jwt", "ES384")
    assert (ehr.smart.nonce, ehr.smart.id_token_algorithms) == ("require", ("RS256",))
    # What is asked for by default is no more than what the page shows.
    assert (ehr.smart.scopes, ehr.smart.scopes_v1) == (SCOPES, SCOPES_V1)
    assert not any("*" in scope for scope in (*SCOPES, *SCOPES_V1))


WRONG = [
    ("SL-001", 'frame = "x"', "smart.frame: is not known here. Is it misspelt?"),
    ("SL-001", "client_id = ''", "client_id: is no client id. Write the one"),
    ("SL-001", 'refresh = "always"', "There are: none, online, offline."),
    ("SL-001", 'issuers = ["fhir.example"]', "issuers: is no address. Write it like https://"),
    ("SL-001", 'scopes = ["openid fhirUser"]', "scopes: is no list of scopes. Write each"),
    ("SL-001", 'scopes_v1 = [""]', "scopes_v1: is no list of scopes. Write each"),
    ("SL-001", 'scopes = "openid"', "Write a list, as in"),
    ("SL-001", 'issuers = ["https://other.example/r4"]', "is not one of fhir_bases"),
    ("SL-001", f'issuers = ["{ISS}", "{ISS}/"]', "has one twice"),
    ("SL-001", 'endpoint_hosts = ["https://x"]', "endpoint_hosts: is no host. Write it like login"),
    ("SL-002", 'oidc_issuer = "http://login.example"', "oidc_issuer: is not https"),
    ("SL-002", 'oidc_issuer = "login.example"', "oidc_issuer: is no address"),
    ("SL-002", 'frame_ancestors = ["http://ehr.example"]', "is not https"),
    ("SL-002", 'frame_ancestors = ["https://*"]', "frame_ancestors: is no web origin. Write"),
    ("SL-002", 'frame_ancestors = ["https://a;sandbox"]', "frame_ancestors: is no web origin"),
    ("SL-002", 'frame_ancestors = ["https://a.example/x"]', "frame_ancestors: is no web origin"),
    ("SL-002", 'frame_ancestors = ["https://A.example"]', "frame_ancestors: is no web origin"),
    ("SL-034", 'scopes = ["openid", "fhirUser", "patient/Patient.read"]', "is no scope of that"),
    ("SL-034", 'scopes_v1 = ["openid", "fhirUser", "patient/Patient.rs"]', "is no scope of that"),
    ("SL-034", 'scopes = ["openid", "fhirUser", "patient/Patient.sr"]', "is no scope of that"),
    ("SL-008", 'scopes = ["openid", "fhirUser", "patient/*.rs"]', "asks for more"),
    ("SL-008", 'scopes = ["openid", "fhirUser", "system/Patient.r"]', "asks for more"),
    ("SL-008", 'scopes = ["openid", "fhirUser", "patient/Patient.cruds"]', "asks to write"),
    ("SL-008", 'scopes = ["openid", "fhirUser", "patient/Patient.ru?a=b"]', "asks to write"),
    ("SL-008", 'scopes_v1 = ["openid", "fhirUser", "patient/Patient.*"]', "asks to write"),
    ("SL-008", 'scopes_v1 = ["openid", "fhirUser", "patient/Patient.write"]', "asks to write"),
    ("SL-034", 'scopes = ["openid", "fhirUser"]', "scopes: lacks patient/Patient.r,"),
    ("SL-034", 'scopes = ["openid", "fhirUser", "patient/Patient.s"]', "lacks patient/Patient.r,"),
    ("SL-034", 'scopes = ["openid", "fhirUser", "patient/Patient.r?a=b"]', "lacks patient/Patient"),
    ("SL-034", 'scopes_v1 = ["openid", "fhirUser"]', "scopes_v1: lacks patient/Patient.read,"),
    ("SL-033", 'scopes = ["launch", "patient/Patient.r"]', "launch: take it away."),
    ("SL-033", 'scopes = ["launch/patient", "patient/Patient.r"]', "launch/patient: take it away."),
    ("SL-033", 'scopes_v1 = ["online_access"]', 'take it away, and write refresh = "online"'),
    ("SL-033", 'scopes = ["offline_access"]', 'take it away, and write refresh = "offline"'),
    ("SL-033", 'scopes = ["openid", "patient/Patient.r"]', "without the other"),
    ("SL-073", 'scopes = ["patient/Patient.r"]', "scopes: lacks openid and fhirUser, and needs"),
    ("SL-073", 'scopes_v1 = ["patient/Patient.read"]', "scopes_v1: lacks openid and fhirUser"),
    ("SL-070", 'id_token_algorithms = ["none"]', "There are: RS256, RS384, RS512, ES256, ES384."),
    ("SL-070", 'id_token_algorithms = ["HS256"]', "There are: RS256, RS384, RS512, ES256, ES384."),
    ("SL-070", "id_token_algorithms = []", "id_token_algorithms"),
    ("SL-125", 'algorithm = "RS256"', "algorithm"),
    ("SL-006", 'auth = "client_secret_basic"', "needs secret_variable or secret_file"),
    ("SL-006", 'secret_file = "secret"', "has no secret"),
    ("SL-006", 'auth = "client_secret_post"\nsecret_variable = "NO_SUCH"', "holds no secret"),
    ("SL-006", 'auth = "client_secret_post"\nsecret_file = "no-such"', "FileNotFoundError"),
    ("SL-006", 'auth = "client_secret_post"\nsecret_file = "sample"', "can be guessed"),
    ("SL-006", 'auth = "client_secret_post"\nsecret_file = "short"', "can be guessed"),
    ("SL-006", 'secret = "in the file itself"', "smart.secret: is not known here"),
]


@pytest.mark.parametrize(("number", "line", "reason"), WRONG)
def test_a_wrong_record_stops_the_start(
    number: str, line: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "sample").write_text("my-client-secret")
    (tmp_path / "short").write_text("abcdefg")
    key = line.partition(" ")[0]
    text = "\n".join(each for each in GOOD.splitlines() if not each.startswith(key)) + f"\n{line}\n"
    with pytest.raises(StartError) as error:
        load(written(tmp_path, text))
    assert str(tmp_path / "trust.toml") in error.value.text
    assert "line " in error.value.text
    assert reason in error.value.text
    assert "regex" not in error.value.text


@pytest.mark.req("SL-008", "SL-034")
def test_a_record_may_ask_for_less_than_the_page_shows(tmp_path: Path) -> None:
    lists = 'scopes = ["patient/Patient.r"]\nscopes_v1 = ["user/Patient.read"]\n'
    ehr = load(written(tmp_path, f"{GOOD}needs_user = false\n{lists}")).smart("hospital")
    assert ehr is not None
    assert ehr.smart is not None
    assert ehr.smart.scopes == ("patient/Patient.r",)
    assert ehr.smart.scopes_v1 == ("user/Patient.read",)


@pytest.mark.req("SL-001")
def test_a_client_id_is_needed(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="client_id: is required"):
        load(written(tmp_path, GOOD.replace('client_id = "chartside"\n', "")))


@pytest.mark.req("SL-001", "SL-002")
def test_two_records_cannot_launch_with_one_issuer(tmp_path: Path) -> None:
    second = GOOD.replace("ehr.hospital", "ehr.clinic").replace("example/r4", "EXAMPLE:443/r4/")
    with pytest.raises(StartError, match=r"ehr\.clinic\.smart\.issuers: has one of hospital too"):
        load(written(tmp_path, GOOD + second))
    plain = GOOD.replace("https://fhir", "http://fhir")
    with pytest.raises(StartError, match="is not https"):
        load(written(tmp_path, plain))


@pytest.mark.req("SL-006")
def test_a_secret_comes_from_a_file_or_the_environment_and_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    monkeypatch.setenv("CLIENT_SECRET", SECRET)
    for named in ('secret_file = "secret"', 'secret_variable = "CLIENT_SECRET"'):
        text = GOOD + f'auth = "client_secret_basic"\n{named}\n'
        ehr = load(written(tmp_path, text)).smart("hospital")
        assert ehr is not None
        assert ehr.smart is not None
        assert ehr.smart.secret == SECRET
        assert SECRET not in repr(ehr)


SAME = [ISS, ISS + "/", "HTTPS://FHIR.hospital.EXAMPLE/r4", "https://fhir.hospital.example:443/r4"]
OTHER = [
    ISS + "@evil.example",
    "https://fhir.hospital.example@evil.example/r4",
    "https://user@fhir.hospital.example/r4",
    "https://fhir.hospital.example.evil.example/r4",
    ISS + "/../r4",
    ISS + "/./",
    ISS + "%2f..",
    ISS + "/%2e%2e/r4",
    ISS + "?x",
    ISS + "#x",
    ISS + "//",
    ISS + "\\",
    ISS + " ",
    ISS + "\n",
    ISS + "\x00",
    "https://fhir.hospital.example:8443/r4",
    "https://fhir.hospital.example:99999/r4",
    "http://fhir.hospital.example/r4",
    "https://fhir.hospitål.example/r4",
    "https://fhir.hospital.example/R4",
    "https://fhir.hospital.example",
    "//fhir.hospital.example/r4",
    "https://[fhir.hospital.example/r4",
    "javascript:alert(1)",
    "",
    "a" * 5000,
]


@pytest.mark.req("SL-011", "T-02")
@pytest.mark.parametrize("iss", SAME)
def test_an_issuer_is_found_however_its_host_is_written(iss: str) -> None:
    found = trust_of(ISS).of_smart_issuer(iss)
    assert found is not None
    assert found.id == "hospital"
    assert trust_of(ISS + "/").of_smart_issuer(iss) is not None


@pytest.mark.req("SL-009", "SL-011", "T-01", "T-02")
@pytest.mark.parametrize("iss", OTHER)
def test_what_only_looks_like_an_issuer_is_nobody(iss: str) -> None:
    assert trust_of(ISS).of_smart_issuer(iss) is None
