"""CDS Hooks checklist B: the discovery document (CH-012 to CH-030).

Rules about what is published are held against the demo services and against the shipped ones.
"""

import re
from itertools import combinations
from typing import Any
from urllib.parse import parse_qsl

import pytest

from hooks.registry import ServiceError
from tests.demo.bodies import HOOKS, SERVICES, Json, raw
from tests.demo.client import Client
from tests.demo.server import serving
from tests.demo.services import DEMO, demo_patient_view, demo_shared

# Checklist section 3: the context fields that a hook marks as prefetch tokens, and its version.
TOKENS: dict[str, tuple[str, set[str]]] = {
    "patient-view": ("1.0", {"patientId", "userId", "encounterId"}),
    "order-select": ("1.0", {"patientId", "userId", "encounterId"}),
    "order-sign": ("1.0", {"patientId", "userId", "encounterId"}),
    "order-dispatch": ("1.1", {"patientId", "dispatchedOrders", "performer"}),
    "appointment-book": ("1.0", {"patientId", "userId", "encounterId"}),
    "encounter-start": ("1.0", {"patientId", "userId", "encounterId"}),
    "encounter-discharge": ("1.0", {"patientId", "userId", "encounterId"}),
    "medication-refill": ("0.1.0", {"patientId", "userId", "encounterId"}),
    "problem-list-item-create": ("0.1.0", {"patientId", "userId", "encounterId"}),
    "allergyintolerance-create": ("0.1.0", {"patientId", "userId", "encounterId"}),
    "medication-verify": ("0.1.0", {"patientId", "userId", "encounterId"}),
    "medication-prescribe": ("1.0", {"patientId", "userId", "encounterId"}),
    "order-review": ("1.0", {"patientId", "userId", "encounterId"}),
}
USER_TOKENS = {
    "userPractitionerId",
    "userPractitionerRoleId",
    "userPatientId",
    "userRelatedPersonId",
}
TOKEN = re.compile(r"\{\{(.*?)\}\}")
MEMBERS = {
    "hook",
    "id",
    "title",
    "description",
    "prefetch",
    "usageRequirements",
    "version",
    "hookVersion",
    "extension",
}


@pytest.fixture(params=["demo", "shipped"])
def services(request: pytest.FixtureRequest) -> list[Json]:
    """What a server publishes."""
    server: Any = request.getfixturevalue(request.param)
    client: Client = server if isinstance(server, Client) else server.client
    return client.discovery()


def templates(services: list[Json]) -> list[tuple[str, str]]:
    """Each published template with the hook it is for."""
    return [
        (service["hook"], template)
        for service in services
        for template in service.get("prefetch", {}).values()
    ]


@pytest.mark.req("CH-012")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_discovery_is_an_object_that_holds_an_array(demo: Client, method: str) -> None:
    reply = demo.request(method, "/cds-services")
    assert reply.status == 200
    if method == "GET":
        assert list(reply.json) == ["services"]
        assert len(reply.json["services"]) == len(SERVICES)


@pytest.mark.req("CH-012")
@pytest.mark.parametrize("query", ["?hook=patient-view", "?x=%00", "?" + "a=1&" * 500])
def test_discovery_ignores_a_query(demo: Client, query: str) -> None:
    assert demo.get("/cds-services" + query).body == demo.get("/cds-services").body


@pytest.mark.req("CH-013")
@pytest.mark.parametrize("prefix", ["/x/y", "/cds-services", "/x.y~z"])
def test_discovery_and_services_work_below_a_path(prefix: str) -> None:
    with serving(prefix=prefix) as client:
        for service in client.discovery():
            if service["id"] == "demo-shared":
                reply = client.call(service["id"], raw(f"shared-{service['hook']}"))
                assert reply.status == 200
        outside = Client(f"http://127.0.0.1:{client.port}")
        assert outside.call("demo-shared", raw("shared-patient-view")).status == 404


@pytest.mark.req("CH-014")
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        "/cds-services/",
        "/cds-services/demo-shared/",
        "/cds-services//demo-shared",
        "/cds-services/demo-shared//",
        "//cds-services/demo-shared",
        "/./cds-services/demo-shared",
        "/cds-services/../cds-services/demo-shared",
        "/cds-services//",
    ],
)
def test_no_spelling_of_a_path_redirects(demo: Client, method: str, path: str) -> None:
    # Client.request fails on 3xx and 5xx.
    json = {"Content-Type": "application/json"}
    reply = demo.request(method, path, raw("shared-patient-view"), json)
    assert reply.status in (200, 403, 404, 405)
    assert "Location" not in reply.headers


@pytest.mark.req("CH-014")
def test_a_trailing_slash_makes_no_difference(demo: Client) -> None:
    assert demo.get("/cds-services/").body == demo.get("/cds-services").body
    plain = demo.call("demo-shared", raw("shared-patient-view"))
    assert demo.call("demo-shared/", raw("shared-patient-view")).body == plain.body


@pytest.mark.req("CH-015")
def test_a_server_without_services_publishes_an_empty_array() -> None:
    with serving(services=()) as client:
        assert client.get("/cds-services").body == b'{"services":[]}'


@pytest.mark.req("CH-016", "CH-017", "CH-018", "CH-027", "CH-028", "CH-030")
def test_each_entry_has_what_the_specification_asks_for(services: list[Json]) -> None:
    for service in services:
        assert set(service) <= MEMBERS
        for name in ("hook", "id", "description", "title", "version"):
            assert isinstance(service[name], str)
            assert service[name].strip() == service[name] != ""
        assert service["hook"] in TOKENS
        assert re.fullmatch(r"[A-Za-z0-9._~-]+", service["id"])
        assert re.fullmatch(r"\d+\.\d+\.\d+", service["version"])
        assert service.get("hookVersion", TOKENS[service["hook"]][0]) == TOKENS[service["hook"]][0]
        for key, template in service.get("prefetch", {"none": ""}).items():
            assert key
            assert isinstance(template, str)
        for key, value in service.get("extension", {}).items():
            assert re.fullmatch(r"[a-z]+(\.[a-z0-9-]+)+", key)
            assert value


@pytest.mark.req("CH-018")
def test_a_service_that_needs_no_data_has_no_prefetch_member(demo: Client) -> None:
    assert ["prefetch" in each for each in demo.discovery() if each["id"] == "demo-shared"] == [
        False,
        False,
    ]


@pytest.mark.req("CH-019")
@pytest.mark.parametrize("server", ["demo", "shipped"])
def test_each_entry_is_callable(request: pytest.FixtureRequest, server: str) -> None:
    running: Any = request.getfixturevalue(server)
    client: Client = running if isinstance(running, Client) else running.client
    for service in client.discovery():
        reply = client.call(service["id"], raw(service["hook"]))
        assert reply.status in (200, 412), service
        assert reply.status == 200 or (reply.field or "").startswith("prefetch."), service


@pytest.mark.req("CH-019")
@pytest.mark.parametrize("name", SERVICES)
def test_each_demo_service_answers_its_own_body(demo: Client, name: str) -> None:
    assert demo.call(SERVICES[name], raw(name)).status == 200


@pytest.mark.req("CH-020")
def test_an_id_stands_once_for_a_hook(services: list[Json]) -> None:
    for one, other in combinations(services, 2):
        assert (one["id"], one["hook"]) != (other["id"], other["hook"])


@pytest.mark.req("CH-020")
def test_two_services_for_one_id_and_hook_stop_the_start() -> None:
    with (
        pytest.raises(ServiceError, match=r"services\.py: 'demo-shared' on patient-view"),
        serving(services=(demo_shared, demo_patient_view, demo_shared)),
    ):
        pass


@pytest.mark.req("CH-021")
def test_one_id_on_several_hooks_is_chosen_by_the_hook_of_the_body(demo: Client) -> None:
    listed = [each["hook"] for each in demo.discovery() if each["id"] == "demo-shared"]
    assert listed == ["patient-view", "order-sign"]
    assert "Nothing" in demo.call("demo-shared", raw("shared-patient-view")).card["summary"]
    assert "to sign" in demo.call("demo-shared", raw("shared-order-sign")).card["summary"]


@pytest.mark.req("CH-022", "CH-023", "CH-026")
def test_templates_hold_only_tokens_that_their_hook_fills(services: list[Json]) -> None:
    for hook, template in templates(services):
        for token in TOKEN.findall(template):
            name = token.removeprefix("context.")
            assert name in (TOKENS[hook][1] if name != token else USER_TOKENS), template
        rest = TOKEN.sub("", template)
        # Newer syntax (FHIRPath, %key, today()) goes out literally from clients of 2.0.
        assert not set("{}%()") & set(rest), template


READ = re.compile(r"[A-Z][A-Za-z]+/\{\{[A-Za-z.]+\}\}")
SEARCH = re.compile(r"[A-Z][A-Za-z]+\?\S+")


@pytest.mark.req("CH-024", "CH-025")
def test_templates_keep_to_the_queries_that_clients_are_asked_to_run(services: list[Json]) -> None:
    for _, template in templates(services):
        assert READ.fullmatch(template) or SEARCH.fullmatch(template), template
        query = template.partition("?")[2]
        params = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        names = [name for name, _ in params]
        assert len(names) == len(set(names)), template
        for name, value in params:
            assert re.fullmatch(r"_id|_count|_sort|[a-z][a-z-]*(:in)?", name), template
            assert value, template
            assert name != "_sort" or value == "-date", template
            assert name != "_count" or value.isdigit(), template
            assert name != "date" or re.match(r"(eq|lt|gt|ge|le)?\d{4}", value), template
        # One answer about one patient: a search that names none returns everybody.
        if query:
            assert "{{context.patientId}}" in (
                dict(params).get("patient"),
                dict(params).get("subject"),
            )


@pytest.mark.req("CH-029")
@pytest.mark.parametrize("authorization", ["Bearer a.b.c", "Bearer", "Basic eDp5", "x", ""])
def test_open_discovery_tolerates_any_token(demo: Client, authorization: str) -> None:
    reply = demo.get("/cds-services", Authorization=authorization)
    assert (reply.status, reply.body) == (200, demo.get("/cds-services").body)


def test_the_demo_services_cover_the_whole_hook_library(demo: Client) -> None:
    assert {service["hook"] for service in demo.discovery()} == set(TOKENS) == set(HOOKS)
    assert len(DEMO) == len(TOKENS) + 1


def test_discovery_does_not_depend_on_the_order_of_calls(demo: Client) -> None:
    before = demo.get("/cds-services").body
    demo.call("demo-shared", raw("shared-order-sign"))
    assert demo.get("/cds-services").body == before
