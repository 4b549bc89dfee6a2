"""A whole launch at the development EHR, from its document to the records."""

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from sandbox.ehr import DevelopmentEhr
from tests.sandbox.apps import App, Clock, send


@pytest.mark.parametrize("client_id", ["asymmetric", "basic", "post", "public"])
@pytest.mark.req("SL-207", "SL-213")
def test_each_kind_of_client_gets_a_token_that_reads_the_patient(
    ehr: DevelopmentEhr, clock: Clock, client_id: str
) -> None:
    app = App(ehr, client_id, clock=clock)
    reply = app.opened(
        need_patient_banner=False,
        intent="reconcile",
        tenant="north",
        style=True,
        fhir_context=[{"reference": "ImagingStudy/1"}],
        app_context="card 1",
        encounter="e1",
    )
    assert (reply.status, reply.headers["Cache-Control"]) == (200, "no-store")
    members = reply.json
    token = members.pop("access_token")
    claims = jwt.decode(
        members.pop("id_token"), KeySet.import_key_set(send(f"{ehr.origin}/jwks.json").json)
    ).claims
    assert members == {
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": app.scope,
        "patient": "sandbox-renal",
        "encounter": "e1",
        "need_patient_banner": False,
        "intent": "reconcile",
        "tenant": "north",
        "smart_style_url": f"{ehr.origin}/style.json",
        "fhirContext": [{"reference": "ImagingStudy/1"}],
        "appContext": "card 1",
    }
    assert claims["fhirUser"] == f"{ehr.base}/Practitioner/sandbox-ada"
    assert claims["nonce"] == app.nonce
    assert app.fhir(token, "Patient/sandbox-renal").json["id"] == "sandbox-renal"
    assert token in ehr.active_tokens()
