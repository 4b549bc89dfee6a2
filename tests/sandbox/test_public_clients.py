"""Two public clients as they were seen on the wire, against what `make run` starts.

The CDS Hooks sandbox (github.com/cds-hooks/sandbox, commit 3b7e255) runs in a browser at an origin
of its own; the SMART launcher (github.com/smart-on-fhir/smart-launcher-v2, commit 6437425) reads a
FHIR server to list patients. Every call of theirs succeeds. The sandbox signs with a key of these
tests instead of its own.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

import msgspec
import pytest

from app import create_app
from sandbox.auth.clients import shipped_clients
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles
from tests.demo.server import free_port, keys_folder, new_database
from tests.demo.tokens import pair, token
from tests.launch.browser import Browser
from tests.launch.stage import serving
from tests.sandbox.apps import Reply, send
from web.settings import Settings
from web.trust import SANDBOX, Trust, development

Json = dict[str, Any]

ORIGIN = "https://sandbox.cds-hooks.org"
KEY = pair("44823f3d-0b01-4a6c-a80e-b9d3e8a7226f")
USER = "Practitioner/COREPRACTITIONER1"
DIABETES, RENAL = "sandbox-diabetes", "sandbox-renal"


@dataclass
class Site:
    """The development EHR and the app, each knowing where the other is."""

    ehr: DevelopmentEhr
    app: str

    def browser(self, method: str, url: str, body: Json | None = None, bearer: str = "") -> Reply:
        """What a page at the sandbox's origin gets to read; asks for leave where browsers do."""
        headers = {"Origin": ORIGIN, "Accept": "application/json+fhir"}
        asked = []
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
            asked.append("authorization")
        if body is not None:
            headers["Content-Type"] = "application/json"
            asked.append("content-type")
        if asked:
            self._preflight(method, url, asked)
        sent = None if body is None else json.dumps(body).encode()
        reply = send(url, headers=headers, method=method, body=sent)
        assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert reply.status == 200, reply.text
        return reply

    def _preflight(self, method: str, url: str, headers: list[str]) -> None:
        asked = {
            "Origin": ORIGIN,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": ",".join(headers),
        }
        reply = send(url, headers=asked, method="OPTIONS")
        assert 200 <= reply.status < 300
        assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert method in reply.headers["Access-Control-Allow-Methods"]
        allowed = reply.headers["Access-Control-Allow-Headers"].lower()
        assert all(name in allowed for name in headers)
        # Without it the question comes again every few seconds.
        assert int(reply.headers["Access-Control-Max-Age"]) >= 300

    def search(self, resource_type: str, query: str) -> Json:
        """A prefetch search by POST: parameters sorted, one that is given twice merged."""
        merged: dict[str, str] = {}
        for name, value in sorted(parse_qsl(query)):
            merged[name] = f"{merged[name]},{value}" if name in merged else value
        reply = send(
            f"{self.ehr.base}/{resource_type}/_search",
            merged,
            {"Origin": ORIGIN, "Accept": "application/json+fhir"},
        )
        assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert reply.status == 200, reply.text
        bundle: Json = reply.json
        return bundle

    def prefetched(self, templates: dict[str, str], patient: str) -> Json:
        """What the templates of a service bring."""
        filled = {
            key: template.replace("{{context.patientId}}", patient)
            for key, template in templates.items()
        }
        return {
            key: self.search(*query.split("?"))
            if "?" in query
            else self.browser("GET", f"{self.ehr.base}/{query}").json
            for key, query in filled.items()
        }

    def cds(self, method: str, path: str, body: Json | None = None) -> Reply:
        """A signed request to the app; `aud` is the exact URL."""
        url = self.app + path
        claims = {"iss": ORIGIN, "aud": url}
        header = {"jku": f"{ORIGIN}/.well-known/jwks.json"}
        return self.browser(method, url, body, token(KEY, header, claims, now=time.time()))

    def service(self, service_id: str, hook: str) -> Json:
        services = self.cds("GET", "/cds-services").json["services"]
        (found,) = (s for s in services if (s["id"], s["hook"]) == (service_id, hook))
        entry: Json = found
        return entry

    def call(self, service_id: str, hook: str, patient: str, **context: Any) -> list[Json]:
        """The cards of one firing."""
        service = self.service(service_id, hook)
        body = {
            "hookInstance": str(uuid4()),
            "hook": hook,
            "fhirServer": self.ehr.base,
            "context": {"userId": USER, "patientId": patient, **context},
            "prefetch": self.prefetched(service["prefetch"], patient),
        }
        cards: list[Json] = self.cds("POST", f"/cds-services/{service_id}", body).json["cards"]
        return cards


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    port = free_port()
    origin = f"http://localhost:{port}"
    ehr = DevelopmentEhr(
        shipped_bundles(), shipped_clients(origin), open_records=True, refetch_keys=True
    )
    shipped = development(int(ehr.origin.rpartition(":")[2]))
    assert SANDBOX.cds is not None
    cds = msgspec.structs.replace(SANDBOX.cds, keys=(KEY.jwk(alg="ES384"),))
    sandbox = msgspec.structs.replace(SANDBOX, cds=cds, fhir_bases=(ehr.base,))
    settings = Settings(
        mode="development",
        public_url=origin,
        database=new_database(),
        keys_folder=keys_folder(),
        trust=Trust((*(each for each in shipped.ehrs if each.id != SANDBOX.id), sandbox)),
    )
    with ExitStack() as stack:
        stack.enter_context(ehr)
        stack.enter_context(serving(create_app(settings), port))
        yield Site(ehr, origin)


# --- the CDS Hooks sandbox -----------------------------------------------------------------------


def test_the_sandbox_reads_the_fhir_server(site: Site) -> None:
    base = site.ehr.base
    assert site.browser("GET", f"{base}/metadata").json["fhirVersion"] == "4.0.1"
    patients = site.browser("GET", f"{base}/Patient").json
    assert len(patients["entry"]) == patients["total"] > 12
    assert site.browser("GET", f"{base}/Patient/{DIABETES}").json["name"][0]["given"]
    # Its list of problems stays empty unless total is above 0.
    conditions = site.browser("GET", f"{base}/Condition?patient={DIABETES}").json
    assert conditions["total"] == len(conditions["entry"]) > 0
    # A prefetch search goes by POST, and by GET if that fails.
    query = f"code=http://loinc.org|4548-4&patient={DIABETES}"
    by_post = site.search("Observation", query)
    by_get = site.browser("GET", f"{base}/Observation?{query}").json
    assert by_post["total"] == by_get["total"] > 0
    # A parameter that is given twice comes once, with a comma: one of the two.
    twice = site.search("Observation", f"patient={DIABETES}&date=ge2020-01-01&date=le2035-01-01")
    assert twice["total"] > 0
    # A token that it cannot fill goes out as it is.
    assert site.search("Observation", "patient={{context.nothing}}")["total"] == 0


def test_the_sandbox_opens_a_patient_and_the_app_from_a_card(site: Site) -> None:
    (card,) = site.call("care-gaps", "patient-view", DIABETES)
    assert card["uuid"]
    # Its own record has no app. The EHR whose FHIR server it uses has one, so that one's link is
    # taken: it comes with cards for callers without a token.
    service = site.service("care-gaps", "patient-view")
    body = {
        "hookInstance": str(uuid4()),
        "hook": "patient-view",
        "context": {"userId": USER, "patientId": DIABETES},
        "prefetch": site.prefetched(service["prefetch"], DIABETES),
    }
    sent, kind = json.dumps(body).encode(), {"Content-Type": "application/json"}
    (card,) = send(f"{site.app}/cds-services/care-gaps", headers=kind, body=sent).json["cards"]
    (link,) = (each for each in card["links"] if each["type"] == "smart")
    parameters = {"patient": DIABETES, "smart_messaging_origin": ORIGIN}
    parameters["appContext"] = link["appContext"]
    launch = site.browser(
        "POST",
        f"{site.ehr.base}/_services/smart/Launch",
        {"launchUrl": link["url"], "parameters": parameters},
    ).json["launch_id"]
    # It does not encode the iss.
    page = Browser().follow(f"{link['url']}?launch={launch}&iss={site.ehr.base}")
    assert page.status == 200, page.text
    assert "/app/" in page.url
    assert "Sandbox" in page.text


@pytest.mark.parametrize(
    "told",
    [
        {"outcome": "accepted", "acceptedSuggestions": [{"id": "{suggestion}"}]},
        {"outcome": "overridden"},
        {"outcome": "overridden", "overrideReason": {"reason": {"code": "c", "system": "s"}}},
    ],
    ids=["accepted", "dismissed", "overridden"],
)
def test_the_sandbox_tells_what_was_done_with_a_card(site: Site, told: Json) -> None:
    draft = ordered(RENAL, METFORMIN)
    card = site.call("medication-safety", "order-sign", RENAL, draftOrders=draft)[0]
    text = json.dumps(told).replace("{suggestion}", str(uuid4()))
    if card.get("suggestions"):
        text = json.dumps(told).replace("{suggestion}", card["suggestions"][0]["uuid"])
    item = {"card": card["uuid"], "outcomeTimestamp": "2026-11-24T11:58:30.123Z"}
    body = {"feedback": [{**item, **json.loads(text)}]}
    site.cds("POST", "/cds-services/medication-safety/feedback", body)


METFORMIN = {
    "text": "metformin hydrochloride 500 MG Oral Tablet",
    "coding": [
        {
            "system": "http://www.nlm.nih.gov/research/umls/rxnorm",
            "code": "861007",
            "display": "metformin hydrochloride 500 MG Oral Tablet",
        }
    ],
}


def ordered(patient: str, medication: Json | None = None, **members: Any) -> Json:
    """The draft of its Rx tab: always this id, no intent, objects where FHIR has lists."""
    draft: Json = {
        "resourceType": "MedicationRequest",
        "id": "request-123",
        "status": "draft",
        "category": {"coding": [{"code": "outpatient"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "reasonCode": {},
        "dosageInstruction": [
            {"doseAndRate": [{"doseQuantity": {"value": 1}}], "timing": {"repeat": {}}}
        ],
        **({"medicationCodeableConcept": medication} if medication else {}),
        **members,
    }
    return {"resourceType": "Bundle", "entry": [{"resource": draft}]}


def test_the_sandbox_orders_a_medicine_step_by_step(site: Site) -> None:
    chosen = {"selections": ["MedicationRequest/request-123"]}
    empty = site.call(
        "medication-safety", "order-select", RENAL, draftOrders=ordered(RENAL), **chosen
    )
    # Nothing to judge yet is nothing to say.
    assert [card["indicator"] for card in empty if card["indicator"] == "critical"] == []
    draft = ordered(RENAL, METFORMIN)
    for hook, more in (("order-select", chosen), ("order-sign", {})):
        cards = site.call("medication-safety", hook, RENAL, draftOrders=draft, **more)
        assert cards[0]["indicator"] in ("critical", "warning")


def test_the_sandbox_orders_an_examination(site: Site) -> None:
    """Its PAMA tab, before something is chosen and after."""
    for coding in ({}, {"system": "http://www.ama-assn.org/go/cpt", "code": "72133"}):
        order = {
            "resourceType": "ServiceRequest",
            "id": "example-request-id",
            "status": "draft",
            "intent": "plan",
            "code": {"coding": [coding]},
            "subject": {"reference": f"Patient/{RENAL}"},
            "reasonCode": [],
        }
        bundle = {"resourceType": "Bundle", "entry": [{"resource": order}]}
        context = {"draftOrders": bundle, "selections": ["ServiceRequest/example-request-id"]}
        for hook in ("order-select", "order-sign"):
            site.call("medication-safety", hook, RENAL, **context)


# --- the SMART launcher --------------------------------------------------------------------------

LISTS = {
    "capabilities": "/fhir/metadata",
    "practitioners": "/fhir/Practitioner",
    "patients": "/fhir/Patient?_count=10&_summary=true&_sort:asc=family",
    "encounters": f"/fhir/Encounter?_count=10&patient={RENAL}&_sort:desc=date",
    "encounters with a slash": f"/fhir/Encounter/?_count=10&patient={RENAL}&_sort:desc=date",
    "one patient": f"/fhir/Patient/{RENAL}",
}


@pytest.mark.parametrize("address", LISTS.values(), ids=LISTS)
def test_the_launcher_reads_the_fhir_server(site: Site, address: str) -> None:
    reply = send(site.ehr.origin + address, headers={"Accept": "application/json+fhir"})
    assert reply.status == 200, reply.text
    if reply.json["resourceType"] == "Bundle":
        assert reply.json["entry"]


def test_the_launcher_lists_patients_by_name_and_encounters_by_date(site: Site) -> None:
    patients = send(site.ehr.origin + LISTS["patients"]).json["entry"]
    names = [entry["resource"]["name"][0]["family"].lower() for entry in patients]
    assert names == sorted(names)
    assert len(names) == 10
    encounters = send(site.ehr.origin + LISTS["encounters"]).json["entry"]
    starts = [entry["resource"]["period"]["start"] for entry in encounters]
    assert starts == sorted(starts, reverse=True)


def test_the_launcher_finds_the_latest_encounter_beside_the_base(site: Site) -> None:
    query = urlencode({"_count": "1", "patient": RENAL, "_sort:desc": "date"})
    reply = send(f"{site.ehr.origin}/Encounter/?{query}")
    assert reply.status == 303
    assert send(reply.headers["Location"]).json["entry"]
