"""What development mode trusts: the development EHR by its signature, and whoever has none."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.bodies import body
from tests.demo.client import Client
from tests.demo.key_host import KeyHost
from tests.demo.server import free_port, process, serving, wait_until_ready
from tests.demo.signing import production
from tests.demo.tokens import Pair, pair, token
from web.errors import StartError
from web.settings import from_environment
from web.trust import DEVELOPMENT, Trust, development

SERVICE = "demo-patient-view"
KEY = pair("development-ehr")


@pytest.fixture(scope="module")
def keys() -> Iterator[KeyHost]:
    """The development EHR as far as it publishes keys."""
    with KeyHost(KEY.jwk(alg="ES384")) as running:
        yield running


@pytest.fixture(scope="module")
def trust(keys: KeyHost) -> Trust:
    return development(int(keys.address.rpartition(":")[2]))


@pytest.fixture(scope="module")
def served(trust: Trust) -> Iterator[Client]:
    with serving(trust=trust) as client:
        yield client


def signed(
    keys: KeyHost, by: Pair = KEY, app: str = "http://localhost:5000", jku: str = "/cds/jwks.json"
) -> dict[str, str]:
    """The headers of a call to the service, as the development EHR signs it."""
    origin = f"http://{keys.address}"
    claims = {"iss": origin, "aud": f"{app}/cds-services/{SERVICE}"}
    sent = token(by, {"jku": origin + jku}, claims, now=time.time())
    return {"Authorization": "Bearer " + sent}


@pytest.mark.req("CH-127", "CH-131")
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_the_signature_of_the_development_ehr_is_checked(
    served: Client, keys: KeyHost, name: str
) -> None:
    keys.seen.clear()
    good = signed(keys, app=f"http://{name}:5000")
    assert served.call(SERVICE, body("patient-view"), good).status == 200
    assert {request.path for request in keys.seen} <= {"/cds/jwks.json"}
    # Its record is the one of callers without a token, and yet nobody can sign for it.
    assert served.call(SERVICE, body("patient-view"), good).status == 401
    forged = signed(keys, pair("somebody-else"))
    assert served.call(SERVICE, body("patient-view"), forged).status == 401
    for_another = signed(keys, app="http://localhost:5999")
    assert served.call(SERVICE, body("patient-view"), for_another).status == 401
    elsewhere = signed(keys, jku="/jwks.json")
    assert served.call(SERVICE, body("patient-view"), elsewhere).status == 401


def test_a_call_without_a_token_is_taken_as_before(served: Client) -> None:
    assert served.call(SERVICE, body("patient-view")).status == 200


@pytest.mark.req("CH-127")
def test_production_takes_neither(keys: KeyHost) -> None:
    with production() as client:
        for headers in (None, signed(keys, app="https://cds.test")):
            assert client.call(SERVICE, body("patient-view"), headers).status == 401


def test_the_record_is_for_the_port_of_the_development_ehr() -> None:
    environment = {"CHARTSIDE_MODE": "development", "EHR_PORT": "5901"}
    (record,) = (ehr for ehr in from_environment(environment).trust.ehrs if ehr.smart)
    assert record.fhir_bases == ("http://127.0.0.1:5901/fhir",)
    assert record.cds is not None
    assert record.smart is not None
    assert (record.cds.issuer, record.cds.jku) == (
        "http://127.0.0.1:5901",
        "http://127.0.0.1:5901/cds/jwks.json",
    )
    assert record.smart.issuers == record.fhir_bases
    assert record.smart.frame_ancestors == ("http://127.0.0.1:5901",)
    assert from_environment({"CHARTSIDE_MODE": "development"}).trust is DEVELOPMENT


@pytest.mark.parametrize("port", ["", "0", "abc", "65536"])
def test_a_port_that_is_none_stops_the_start(port: str) -> None:
    with pytest.raises(StartError, match="EHR_PORT must be a port number"):
        from_environment({"CHARTSIDE_MODE": "development", "EHR_PORT": port})


def test_keys_are_not_asked_for_before_the_ehr_calls(keys: KeyHost, tmp_path: Path) -> None:
    """It may start later: a fetch that failed at the start would have its calls refused."""
    keys.seen.clear()
    log, port = tmp_path / "log", free_port()
    variables = {"CHARTSIDE_MODE": "development", "EHR_PORT": keys.address.rpartition(":")[2]}
    with process("--port", str(port), "--workers", "1", log=log, **variables) as running:
        wait_until_ready(running, port, log)
        client = Client(f"http://127.0.0.1:{port}")
        assert client.discovery()
        assert keys.seen == []
        headers = signed(keys, app=f"http://localhost:{port}")
        assert client.call(SERVICE, {}, headers).status == 404
    assert "Traceback" not in log.read_text()
