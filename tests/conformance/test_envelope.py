"""CDS Hooks checklist C: the envelope of a service call (CH-031 to CH-047)."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from tests.demo.bodies import DROP, HOOKS, SERVICES, body, raw
from tests.demo.client import Client

ID = "demo-patient-view"
UUID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


def auth(**members: Any) -> dict[str, Any]:
    """Edits of the good fhirAuthorization."""
    return {f"fhirAuthorization.{name}": value for name, value in members.items()}


@pytest.mark.req("CH-031")
def test_a_good_call_is_answered_with_an_array_of_cards(demo: Client) -> None:
    reply = demo.call(ID, raw("patient-view"))
    assert reply.status == 200
    assert list(reply.json) == ["cards"]
    assert [card["indicator"] for card in reply.cards] == ["warning"]


@pytest.mark.req("CH-031")
@pytest.mark.parametrize("spacing", ["tabs", "none", "windows"])
def test_white_space_of_the_body_makes_no_difference(demo: Client, spacing: str) -> None:
    value = body("patient-view")
    sent = {
        "tabs": json.dumps(value, indent="\t").encode(),
        "none": json.dumps(value, separators=(",", ":")).encode(),
        "windows": b"\r\n " + json.dumps(value, indent=2).encode().replace(b"\n", b"\r\n"),
    }[spacing]
    assert demo.call(ID, sent).body == demo.call(ID, raw("patient-view")).body


UNKNOWN_IDS = [
    "no-such-service",
    "Demo-patient-view",
    "demo-patient-view%20",
    "demo-patient-view.json",
    "..%2fdemo-patient-view",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "a%00b",
    "%c0%ae",
    "%ff%fe",
    "a" * 4096,
    "demo-patient-view;x=1",
    "__class__",
    "{{context.patientId}}",
    "demo-patient-view/services",
]


@pytest.mark.req("CH-032")
@pytest.mark.parametrize("id", UNKNOWN_IDS, ids=lambda id: id[:30])
def test_an_unknown_id_is_not_found(demo: Client, id: str) -> None:
    reply = demo.call(id, raw("patient-view"))
    assert (reply.status, reply.issue["code"]) == (404, "not-found")
    assert id not in reply.body.decode()


METHODS = [
    ("GET", "/cds-services/demo-patient-view", {"POST", "OPTIONS"}),
    ("HEAD", "/cds-services/demo-patient-view", {"POST", "OPTIONS"}),
    ("PUT", "/cds-services/demo-patient-view", {"POST", "OPTIONS"}),
    ("PATCH", "/cds-services/demo-patient-view", {"POST", "OPTIONS"}),
    ("DELETE", "/cds-services/demo-patient-view", {"POST", "OPTIONS"}),
    ("TRACE", "/cds-services/demo-patient-view", {"POST", "OPTIONS"}),
    ("POST", "/cds-services", {"GET", "HEAD", "OPTIONS"}),
    ("PUT", "/cds-services", {"GET", "HEAD", "OPTIONS"}),
    ("DELETE", "/cds-services", {"GET", "HEAD", "OPTIONS"}),
]


@pytest.mark.req("CH-033")
@pytest.mark.parametrize(("method", "path", "allowed"), METHODS)
def test_a_wrong_method_is_told_the_right_ones(
    demo: Client, method: str, path: str, allowed: set[str]
) -> None:
    headers = {"Content-Type": "application/json"}
    reply = demo.request(method, path, raw("patient-view"), headers)
    assert reply.status == 405
    assert set(reply.headers["Allow"].split(", ")) == allowed


# What must be refused: requirement, edits of the good body, the field that the answer names.
Case = tuple[str, Mapping[str, Any], str]

ENVELOPE: dict[str, Case] = {
    "hook absent": ("CH-034", {"hook": DROP}, "hook"),
    "hook null": ("CH-034", {"hook": None}, "hook"),
    "hook empty": ("CH-034", {"hook": ""}, "hook"),
    "hook number": ("CH-034", {"hook": 1}, "hook"),
    "hook boolean": ("CH-047", {"hook": True}, "hook"),
    "hook array": ("CH-034", {"hook": ["patient-view"]}, "hook"),
    "hook object": ("CH-034", {"hook": {"hook": "patient-view"}}, "hook"),
    "hook in other case": ("CH-035", {"hook": "Patient-View"}, "hook"),
    "hook with blanks": ("CH-035", {"hook": " patient-view "}, "hook"),
    "hook with a line feed": ("CH-035", {"hook": "patient-view\n"}, "hook"),
    "hook of a longer name": ("CH-035", {"hook": "patient-view-2"}, "hook"),
    "hook of another service": ("CH-035", {"hook": "encounter-start"}, "hook"),
    "hook never published": ("CH-035", {"hook": "order-discontinue"}, "hook"),
    "instance absent": ("CH-036", {"hookInstance": DROP}, "hookInstance"),
    "instance null": ("CH-036", {"hookInstance": None}, "hookInstance"),
    "instance empty": ("CH-036", {"hookInstance": ""}, "hookInstance"),
    "instance word": ("CH-036", {"hookInstance": "instance-1"}, "hookInstance"),
    "instance with urn": ("CH-036", {"hookInstance": f"urn:uuid:{UUID}"}, "hookInstance"),
    "instance in braces": ("CH-036", {"hookInstance": f"{{{UUID}}}"}, "hookInstance"),
    "instance without dashes": ("CH-036", {"hookInstance": UUID.replace("-", "")}, "hookInstance"),
    "instance too long": ("CH-036", {"hookInstance": UUID + "0"}, "hookInstance"),
    "instance with a line feed": ("CH-036", {"hookInstance": UUID + "\n"}, "hookInstance"),
    "instance in other digits": (
        "CH-036",
        {"hookInstance": UUID.replace("5", "\N{ARABIC-INDIC DIGIT FIVE}")},
        "hookInstance",
    ),
    "instance number": ("CH-047", {"hookInstance": 3}, "hookInstance"),
    "instance array": ("CH-036", {"hookInstance": [UUID]}, "hookInstance"),
    "context absent": ("CH-039", {"context": DROP}, "context"),
    "context null": ("CH-039", {"context": None}, "context"),
    "context array": ("CH-039", {"context": [{"patientId": "a"}]}, "context"),
    "context empty": ("CH-039", {"context": {}}, "context"),
    "context text": ("CH-039", {"context": "patient"}, "context"),
    "context true": ("CH-047", {"context": True}, "context"),
    "authorization alone": ("CH-040", {"fhirServer": DROP}, "fhirServer"),
    "authorization, server null": ("CH-040", {"fhirServer": None}, "fhirServer"),
    "authorization array": ("CH-041", {"fhirAuthorization": []}, "fhirAuthorization"),
    "authorization text": ("CH-041", {"fhirAuthorization": "Bearer x"}, "fhirAuthorization"),
    "authorization empty": ("CH-041", {"fhirAuthorization": {}}, "fhirAuthorization.access_token"),
    "server relative": ("CH-043", {"fhirServer": "/fhir"}, "fhirServer"),
    "server without scheme": ("CH-043", {"fhirServer": "ehr.test/fhir"}, "fhirServer"),
    "server without host": ("CH-043", {"fhirServer": "https:///fhir"}, "fhirServer"),
    "server by another scheme": ("CH-043", {"fhirServer": "ftp://ehr.test/fhir"}, "fhirServer"),
    "server a file": ("CH-043", {"fhirServer": "file:///etc/passwd"}, "fhirServer"),
    "server a script": ("CH-043", {"fhirServer": "javascript:alert(1)"}, "fhirServer"),
    "server with a password": ("CH-043", {"fhirServer": "https://a:b@ehr.test/fhir"}, "fhirServer"),
    "server with a query": ("CH-043", {"fhirServer": "https://ehr.test/fhir?a=b"}, "fhirServer"),
    "server with a fragment": ("CH-043", {"fhirServer": "https://ehr.test/fhir#a"}, "fhirServer"),
    "server with a line feed": ("CH-043", {"fhirServer": "https://ehr.test/\nfhir"}, "fhirServer"),
    "server with a blank": ("CH-043", {"fhirServer": "https://ehr.test/a b"}, "fhirServer"),
    "server with a bad host": ("CH-043", {"fhirServer": "https://[::1/fhir"}, "fhirServer"),
    "server with a bad port": ("CH-043", {"fhirServer": "https://ehr.test:x/fhir"}, "fhirServer"),
    "server with a huge port": ("CH-043", {"fhirServer": "https://ehr.test:99999"}, "fhirServer"),
    "server empty": ("CH-043", {"fhirServer": ""}, "fhirServer"),
    "server number": ("CH-043", {"fhirServer": 1}, "fhirServer"),
    "server array": ("CH-043", {"fhirServer": ["https://ehr.test/fhir"]}, "fhirServer"),
    "prefetch array": ("CH-044", {"prefetch": []}, "prefetch"),
    "prefetch text": ("CH-044", {"prefetch": "none"}, "prefetch"),
    "prefetch value text": ("CH-044", {"prefetch.patient": "123"}, "prefetch"),
    "prefetch value number": ("CH-044", {"prefetch.patient": 1}, "prefetch"),
    "prefetch value boolean": ("CH-044", {"prefetch.patient": False}, "prefetch"),
    "prefetch value array": ("CH-044", {"prefetch.a1c": []}, "prefetch"),
    "unrequested prefetch value text": ("CH-044", {"prefetch.other": "x"}, "prefetch"),
    "extension text": ("CH-046", {"extension": "x"}, "extension"),
    "extension array": ("CH-046", {"extension": []}, "extension"),
    "extension number": ("CH-046", {"extension": 0}, "extension"),
}
AUTHORIZATION: dict[str, Case] = {
    f"{name} {what}": (requirement, auth(**{name: value}), f"fhirAuthorization.{name}")
    for requirement, name, what, value in [
        ("CH-041", "access_token", "absent", DROP),
        ("CH-041", "access_token", "null", None),
        ("CH-041", "access_token", "empty", ""),
        ("CH-041", "access_token", "with CR LF", "abc\r\nX-Evil: 1"),
        ("CH-041", "access_token", "with a last line feed", "abc\n"),
        ("CH-041", "access_token", "with a blank", "abc def"),
        ("CH-041", "access_token", "with a NUL", "abc\0"),
        ("CH-041", "access_token", "not ASCII", "äbc"),
        ("CH-041", "access_token", "of a megabyte", "a" * 1_000_000),
        ("CH-041", "access_token", "array", ["a"]),
        ("CH-047", "access_token", "number", 12345),
        ("CH-041", "token_type", "absent", DROP),
        ("CH-041", "token_type", "other", "mac"),
        ("CH-041", "token_type", "with a last line feed", "Bearer\n"),
        ("CH-041", "token_type", "with more", "Bearer x"),
        ("CH-041", "token_type", "null", None),
        ("CH-041", "expires_in", "absent", DROP),
        ("CH-041", "expires_in", "null", None),
        ("CH-047", "expires_in", "text", "300"),
        ("CH-047", "expires_in", "boolean", True),
        ("CH-041", "expires_in", "with a fraction", 0.5),
        ("CH-041", "expires_in", "array", [300]),
        ("CH-041", "scope", "absent", DROP),
        ("CH-047", "scope", "array", ["user/*.rs"]),
        ("CH-041", "scope", "null", None),
        ("CH-041", "subject", "absent", DROP),
        ("CH-047", "subject", "number", 1),
        ("CH-041", "patient", "object", {"reference": "Patient/a"}),
        ("CH-047", "patient", "number", 1957),
    ]
}


@pytest.mark.parametrize(
    ("edits", "field"),
    [
        pytest.param(edits, field, id=f"{requirement} {what}", marks=pytest.mark.req(requirement))
        for what, (requirement, edits, field) in (ENVELOPE | AUTHORIZATION).items()
    ],
)
def test_a_body_that_breaks_the_envelope_is_refused_by_the_name_of_the_field(
    demo: Client, edits: Mapping[str, Any], field: str
) -> None:
    reply = demo.call(ID, body("patient-view", edits=edits))
    assert (reply.status, reply.field) == (400, field)


@pytest.mark.req("CH-035")
@pytest.mark.parametrize("hook", HOOKS)
def test_a_service_answers_its_own_hook_only(demo: Client, hook: str) -> None:
    other = "demo-patient-view" if hook != "patient-view" else "demo-order-sign"
    reply = demo.call(other, raw(hook))
    assert (reply.status, reply.field) == (400, "hook")


@pytest.mark.req("CH-037")
@pytest.mark.parametrize(
    "instance",
    [
        "7c0b5a52-6f9e-11f0-9d3a-0242ac120002",
        "1ec9414c-232a-6b00-b3c8-9e6bdeced846",
        "3d813cbb-47fb-32ba-91df-831e1593ac29",
        "9b2f8a1e-0c1d-4f7a-8e21-6d1f1f0a9b11",
        "21f7f8de-8051-5b89-8680-0195ef798b6a",
        "018f2a3b-7c4d-7e5f-8a9b-0c1d2e3f4a5b",
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "9B2F8A1E-0C1D-4F7A-8E21-6D1F1F0A9B11",
        "9b2F8a1E-0c1D-4f7A-8e21-6D1f1F0a9B11",
    ],
)
def test_any_uuid_is_an_instance(demo: Client, instance: str) -> None:
    uuid.UUID(instance)
    assert demo.call(ID, body("patient-view", edits={"hookInstance": instance})).cards


@pytest.mark.req("CH-038")
@pytest.mark.parametrize("name", SERVICES)
def test_a_repeated_call_gets_the_same_answer(demo: Client, name: str) -> None:
    first, again = (demo.call(SERVICES[name], raw(name)) for _ in range(2))
    assert (again.status, again.body) == (first.status, first.body)


@pytest.mark.req("CH-038")
def test_the_letter_case_of_the_instance_does_not_make_another_card(demo: Client) -> None:
    upper = body("patient-view")
    upper["hookInstance"] = upper["hookInstance"].upper()
    assert demo.call(ID, upper).body == demo.call(ID, raw("patient-view")).body


@pytest.mark.req("CH-041")
@pytest.mark.parametrize("token_type", ["Bearer", "bearer"])
@pytest.mark.parametrize("seconds", [1, 300, 0, -1, 10**12])
def test_any_number_of_seconds_is_well_formed(demo: Client, token_type: str, seconds: int) -> None:
    edits = auth(token_type=token_type, expires_in=seconds)
    assert demo.call(ID, body("patient-view", edits=edits)).status == 200


@pytest.mark.req("CH-042")
@pytest.mark.parametrize(
    "scope",
    [
        "",
        "patient/*.read",
        "user/Observation.rs?category=laboratory",
        "Patient.Read (R4) Observation.Search (Labs) (R4)",
        "läuft\tauch\nso",
        "x" * 100_000,
    ],
    ids=lambda scope: repr(scope[:20]),
)
def test_a_scope_is_opaque(demo: Client, scope: str) -> None:
    assert demo.call(ID, body("patient-view", edits=auth(scope=scope))).status == 200


@pytest.mark.req("CH-043")
@pytest.mark.parametrize(
    "server",
    [
        "https://ehr.test",
        "https://ehr.test/",
        "https://ehr.test:8443/a/b/r4/",
        "http://ehr.test/fhir",
        "HTTPS://EHR.TEST/fhir",
        "https://[2001:db8::1]/fhir",
    ],
)
def test_an_absolute_server_is_accepted(demo: Client, server: str) -> None:
    assert demo.call(ID, body("patient-view", edits={"fhirServer": server})).status == 200


@pytest.mark.req("CH-044")
def test_prefetch_may_be_null_or_absent_where_none_is_needed(demo: Client) -> None:
    sent = body("shared-patient-view")
    assert "prefetch" not in sent
    assert demo.call("demo-shared", sent).status == 200
    assert demo.call("demo-shared", {**sent, "prefetch": None}).status == 200
    assert demo.call("demo-shared", {**sent, "prefetch": {}}).status == 200


def scattered(value: Any, extra: Mapping[str, Any]) -> Any:
    """The same value with `extra` members in every object of it."""
    if isinstance(value, dict):
        return {name: scattered(member, extra) for name, member in value.items()} | dict(extra)
    if isinstance(value, list):
        return [scattered(member, extra) for member in value]
    return value


@pytest.mark.req("CH-045")
@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize(
    "extra",
    [
        {"foo": None},
        {"foo": "", "bar": [], "Hook": "other", "patientid": "x"},
        {"foo": {"resourceType": "Patient", "id": "other"}},
        {"": 1, "__class__": "x", "$ref": "#", "\u0000": 0, "李": [[{}]]},
    ],
    ids=["null", "empty and similar", "resource", "odd names"],
)
def test_unknown_members_at_any_level_are_ignored(
    demo: Client, name: str, extra: Mapping[str, Any]
) -> None:
    call = body(name)
    expected = demo.call(SERVICES[name], call)
    for member, value in call.items():
        if member == "prefetch":
            # A prefetch key that was not asked for is tested with the others in group E.
            call[member] = {key: scattered(each, extra) for key, each in value.items()}
        elif member == "context":
            kept = value.pop("draftOrders", None)  # handed back whole by an update
            call[member] = scattered(value, extra)
            call[member] |= {} if kept is None else {"draftOrders": kept}
        else:
            call[member] = scattered(value, extra)
    call.update(extra)
    assert demo.call(SERVICES[name], call).body == expected.body


@pytest.mark.req("CH-046")
@pytest.mark.parametrize("name", SERVICES)
def test_an_extension_may_stand_on_any_object(demo: Client, name: str) -> None:
    vendor = {
        "com.epic.cdshooks.request.bpa-trigger-action": "60",
        "com.epic.cdshooks.request.cds-hooks-specification-version": "1.1",
        "org.example.nested": {"values": [1, {"a": None}]},
    }
    call = body(name)
    call["extension"] = vendor
    call["context"]["extension"] = vendor
    if "fhirAuthorization" in call:
        call["fhirAuthorization"]["extension"] = vendor
    assert demo.call(SERVICES[name], call).body == demo.call(SERVICES[name], body(name)).body


@pytest.mark.req("CH-046")
@pytest.mark.parametrize("value", [{}, None])
def test_an_empty_extension_is_tolerated(demo: Client, value: Any) -> None:
    assert demo.call(ID, body("patient-view", edits={"extension": value})).status == 200
