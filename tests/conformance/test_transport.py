"""CDS Hooks checklist A: HTTP and JSON, before anything is said about hooks (CH-003 to CH-011).

`Client` judges every answer of every test by CH-003, CH-005 and CH-115.
"""

import gzip
import http.client
import json
import re
from pathlib import Path

import pytest

from tests.demo.bodies import DROP, SERVICES, body, encoded, raw
from tests.demo.client import Client, Reply
from tests.demo.server import Granian, serving

GOOD = raw("patient-view")
ID = "demo-patient-view"
JSON = {"Content-Type": "application/json"}

ANSWERS: dict[str, tuple[int, str, str, dict[str, str], bytes]] = {
    "discovery": (200, "GET", "/cds-services", {}, b""),
    "good call": (200, "POST", f"/cds-services/{ID}", {}, GOOD),
    "bad call": (400, "POST", f"/cds-services/{ID}", {}, b"{"),
    "no such path": (404, "GET", "/cds-service", {}, b""),
    "no such service": (404, "POST", "/cds-services/no-such", {}, GOOD),
    "wrong method": (405, "DELETE", f"/cds-services/{ID}", {}, b""),
    "unknown method": (405, "BREW", "/cds-services", {}, b""),
    "data missing": (
        412,
        "POST",
        f"/cds-services/{ID}",
        {},
        encoded(body("patient-view", edits={"prefetch": DROP})),
    ),
    "other type": (415, "POST", f"/cds-services/{ID}", {"Content-Type": "text/xml"}, GOOD),
    "foreign host": (403, "GET", "/cds-services", {"Host": "cds.example"}, b""),
}


@pytest.mark.req("CH-003", "CH-011")
@pytest.mark.parametrize(
    ("status", "method", "path", "headers", "sent"), ANSWERS.values(), ids=ANSWERS
)
def test_every_answer_is_json_that_no_cache_keeps(
    demo: Client, status: int, method: str, path: str, headers: dict[str, str], sent: bytes
) -> None:
    reply = demo.request(method, path, sent, {**JSON, **headers})
    assert reply.status == status
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Cache-Control"] == "no-store"
    assert int(reply.headers["Content-Length"]) == len(reply.body) > 0


@pytest.mark.req("CH-004")
@pytest.mark.parametrize(
    "name",
    [
        "Žofie 李",
        "O\u2019Brien\u2013Ñandú",
        "\U0001d4b5oë \U0001f469\U0001f3fd\u200d\u2695\ufe0f",
        "Zoe\u0301",
        "اِسم",
        "\ufb01",
    ],
)
@pytest.mark.parametrize("escaped", [False, True], ids=["plain", "escaped"])
def test_a_name_comes_back_with_the_same_code_points(
    demo: Client, name: str, escaped: bool
) -> None:
    call = body("patient-view", edits={"prefetch.patient.name": [{"text": name}]})
    sent = json.dumps(call, ensure_ascii=escaped).encode()
    assert sent.isascii() == escaped
    reply = demo.call(ID, sent, {"Content-Type": "application/json; charset=utf-8"})
    seen = name.replace("\u200d", " ")  # a joiner is a format character, which a line does not keep
    assert seen in reply.card["summary"]
    assert seen in reply.card["detail"].replace("\\", "")


@pytest.mark.req("CH-005")
@pytest.mark.parametrize("name", SERVICES)
def test_a_valid_call_of_each_service_is_answered_without_empty_members(
    demo: Client, name: str
) -> None:
    # The client itself looks for null, "", [] and {} in every answer.
    assert demo.call(SERVICES[name], raw(name)).cards


BROKEN = {
    "ends early": GOOD[:-20],
    "trailing comma": GOOD.rstrip()[:-1] + b",}",
    "comment": b"/* hello */" + GOOD,
    "line comment": GOOD + b"// bye",
    "NaN": GOOD.replace(b"300,", b"NaN,"),
    "Infinity": GOOD.replace(b"300,", b"Infinity,"),
    "-Infinity deep in a resource": GOOD.replace(b"8.4", b"-Infinity"),
    "single quotes": GOOD.replace(b'"', b"'"),
    "bare names": GOOD.replace(b'"hook"', b"hook"),
    "leading zero": GOOD.replace(b"300,", b"0300,"),
    "leading plus": GOOD.replace(b"300,", b"+300,"),
    "hexadecimal": GOOD.replace(b"300,", b"0x1f,"),
    "raw line feed in a text": GOOD.replace(b"patient-view", b"patient-\nview", 1),
    "NUL in a text": GOOD.replace(b"patient-view", b"patient-\0view", 1),
    "NUL behind the value": GOOD + b"\0",
    "two values": GOOD + GOOD,
    "bad escape": GOOD.replace(b"patient-view", rb"patient\-view", 1),
    "array": b"[" + GOOD + b"]",
    "text": b'"patient-view"',
    "number": b"1",
    "null": b"null",
    "true": b"true",
    "empty body": b"",
    "blank body": b" \n",
    "web form": b"hook=patient-view&hookInstance=1",
    "object without members": b"{}",
}


@pytest.mark.req("CH-006")
@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
def test_what_is_not_a_json_object_is_refused(demo: Client, sent: bytes) -> None:
    assert sent != GOOD
    assert demo.call(ID, sent).status == 400


def deep(opening: bytes, closing: bytes, depth: int) -> bytes:
    """The good body with a nested value beside its members."""
    return GOOD.rstrip()[:-1] + b',"deep":' + opening * depth + b"1" + closing * depth + b"}"


CONTEXT_ID = b'"patientId": "zofie-1957"'
HOSTILE = {
    "20,000 arrays": deep(b"[", b"]", 20_000),
    "20,000 objects": deep(b'{"a":', b"}", 20_000),
    "20,000 arrays that never end": b'{"hook":' + b"[" * 20_000,
    "a million arrays that never end": b"[" * 1_000_000,
    "number of 5,000 digits for a text": GOOD.replace(b'"patient-view"', b"1" * 5000, 1),
    "number of 5,000 digits for seconds": GOOD.replace(b"300,", b"1" * 5000 + b","),
    "number beyond all floats for a text": GOOD.replace(b'"patient-view"', b"1e999", 1),
    "number beyond all floats for seconds": GOOD.replace(b"300,", b"1e999,"),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-16 without a mark": GOOD.decode().encode("utf-16-le"),
    "UTF-32": GOOD.decode().encode("utf-32"),
    "Latin-1": GOOD.decode().replace("Ž", "ü").encode("latin-1", "replace"),
    "overlong UTF-8": GOOD.replace(b"patient-view", b"patient\xc0\xadview", 1),
    "surrogate as UTF-8": GOOD.replace("李".encode(), b"\xed\xa0\x80"),
    "lone surrogate in a text": GOOD.replace(b"patient-view", rb"patient-\ud800view", 1),
    "lone surrogate in an id": GOOD.replace(b"zofie-1957", rb"zofie-\udfff", 1),
    "byte that is none of UTF-8, in a resource": GOOD.replace(b"HbA1c", b"Hb\xffA1c"),
    "top member twice": GOOD.replace(b'"hook":', b'"hook": "order-sign", "hook":', 1),
    "top member twice, the second escaped": GOOD.replace(
        b'"hook":', rb'"hook": "patient-view", "\u0068ook":', 1
    ),
    "context twice": GOOD.replace(b'"context":', b'"context": {"patientId": "b"}, "context":', 1),
    "patientId twice": GOOD.replace(CONTEXT_ID, b'"patientId": "b", ' + CONTEXT_ID),
    "patientId twice, the first escaped": GOOD.replace(
        CONTEXT_ID, rb'"pati\u0065ntId": "b", ' + CONTEXT_ID
    ),
    "patientId twice, equal": GOOD.replace(CONTEXT_ID, CONTEXT_ID + b", " + CONTEXT_ID),
    "access_token twice": GOOD.replace(
        b'"access_token":', b'"access_token": "other", "access_token":'
    ),
    "prefetch key twice": GOOD.replace(b'"patient": {', b'"patient": null, "patient": {', 1),
    "unknown member twice": GOOD.rstrip()[:-1] + b',"foo":1,"foo":2}',
    "member without a name twice": GOOD.rstrip()[:-1] + b',"":1,"":2}',
}


@pytest.mark.req("CH-007")
@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE)
def test_hostile_json_is_refused_and_never_a_server_error(demo: Client, sent: bytes) -> None:
    assert sent != GOOD
    assert demo.call(ID, sent).status == 400


@pytest.mark.req("CH-007")
@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("patient-view", b'"resourceType": "Patient"'),
        ("patient-view", b'"resourceType": "Observation"'),
        ("order-sign", b'"resourceType": "MedicationRequest"'),
        ("order-sign", b'"resourceType": "NutritionOrder"'),
        ("order-dispatch", b'"resourceType": "Task"'),
        ("medication-verify", b'"resourceType": "MedicationRequest"'),
    ],
    ids=lambda value: value if isinstance(value, str) else value[17:-1].decode(),
)
def test_no_depth_of_nesting_is_a_server_error(demo: Client, name: str, place: bytes) -> None:
    # A resource is decoded deeper in our own code than the body around it, so a body that is just
    # shallow enough for the first decoder may be too deep for the next one.
    sent = raw(name)
    assert place in sent

    def status(depth: int) -> int:
        nested = b', "deep": ' + b"[" * depth + b"1" + b"]" * depth
        deep = sent.replace(place, place + nested, 1)
        # An update hands the order back, as deep as it came: too deep for the judge.
        return demo.unjudged("POST", f"/cds-services/{SERVICES[name]}", deep, JSON).status

    assert status(20) == 200
    low, high = 20, 5000
    while high - low > 1:  # the deepest that is still accepted
        middle = (low + high) // 2
        low, high = (middle, high) if status(middle) == 200 else (low, middle)
    assert {status(depth) for depth in range(low - 15, low + 25)} <= {200, 400, 412}


@pytest.mark.req("CH-007")
@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"1" * 5000, b"1e-999", b"0.1e+400"])
def test_a_number_beyond_all_floats_does_not_reach_a_card(demo: Client, number: bytes) -> None:
    reply = demo.call(ID, GOOD.replace(b"8.4", number))
    assert reply.status in (200, 400, 412)
    assert not re.search(rb"inf|nan", reply.body, re.IGNORECASE)


@pytest.mark.req("CH-007")
def test_a_body_of_very_many_members_is_answered(demo: Client) -> None:
    many = b",".join(b'"key%d":null' % number for number in range(50_000))
    sent = GOOD.replace(b'"prefetch": {', b'"prefetch": {' + many + b",", 1)
    assert demo.call(ID, sent).status == 200


# --- sizes -------------------------------------------------------------------------------------


@pytest.mark.req("CH-008")
@pytest.mark.parametrize(("size", "status"), [(1999, 200), (2001, 413), (9000, 413)])
@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_a_body_over_the_limit_is_refused(size: int, status: int, chunked: bool) -> None:
    sent = raw("shared-patient-view").rstrip()
    sent += b" " * (size - len(sent))
    with serving(body_limit=2000) as client:
        reply = chunks(client, sent) if chunked else client.call("demo-shared", sent)
    assert reply.status == status


@pytest.mark.req("CH-008")
def test_a_body_that_is_announced_too_large_is_refused_before_it_comes(demo: Client) -> None:
    head = (
        f"POST /cds-services/{ID} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000000000000\r\n\r\n"
    )
    assert demo.send(head.encode()).startswith(b"HTTP/1.1 413 ")


@pytest.mark.req("CH-008")
def test_the_limit_of_the_shipped_server_is_eight_megabytes(granian: Granian) -> None:
    sent = raw("shared-patient-view").rstrip()
    before = memory(granian.pid)
    for size, status in ((8_000_000, 200), (8_000_001, 413), (30_000_000, 413), (30_000_000, 413)):
        assert granian.client.call("demo-shared", sent.ljust(size)).status == status
    assert memory(granian.pid) - before < 100_000_000


def memory(pid: int) -> int:
    """Resident bytes of a process and its children."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text()
        except OSError:
            continue
        if folder.name == str(pid) or f"PPid:\t{pid}\n" in status:
            found = re.search(r"VmRSS:\s+(\d+) kB", status)
            total += int(found[1]) * 1024 if found else 0
    assert total
    return total


def chunks(client: Client, sent: bytes, path: str = "/cds-services/demo-shared") -> Reply:
    """The body in chunks of odd sizes, its length not announced."""
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=20)
    pieces = (sent[start : start + 701] for start in range(0, len(sent), 701))
    try:
        connection.request("POST", path, pieces, JSON, encode_chunked=True)
        answer = connection.getresponse()
        return Reply(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


# --- media types -------------------------------------------------------------------------------

TYPES = {
    "application/json": 200,
    "application/json; charset=utf-8": 200,
    "application/json;charset=UTF-8": 200,
    "Application/JSON": 200,
    "application/fhir+json": 200,
    "application/fhir+json; fhirVersion=4.0": 200,
    "application/vnd.example.cds+json": 200,
    "text/plain": 415,
    "text/json": 415,
    "application/xml": 415,
    "application/jsonp": 415,
    "application/x-www-form-urlencoded": 415,
    "multipart/form-data; boundary=x": 415,
    "text/html+json": 415,
    "json": 415,
    "": 415,
    ";": 415,
}


@pytest.mark.req("CH-009")
@pytest.mark.parametrize(("media_type", "status"), TYPES.items())
def test_a_body_is_json_by_its_media_type(demo: Client, media_type: str, status: int) -> None:
    assert demo.call(ID, GOOD, {"Content-Type": media_type}).status == status


@pytest.mark.req("CH-009")
def test_a_body_without_a_media_type_is_refused(demo: Client) -> None:
    assert demo.request("POST", f"/cds-services/{ID}", GOOD).status == 415


@pytest.mark.req("CH-009")
@pytest.mark.parametrize(
    "accept", ["application/xml", "text/html", "application/json;q=0", "*/*", "", "nonsense;;=,"]
)
def test_accept_never_matters(demo: Client, accept: str) -> None:
    assert demo.call(ID, GOOD, {"Accept": accept}).body == demo.call(ID, GOOD).body
    assert demo.get("/cds-services", Accept=accept).status == 200


@pytest.mark.req("CH-009")
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, identity", "x"])
def test_a_compressed_body_is_refused(demo: Client, coding: str) -> None:
    sent = gzip.compress(GOOD) if "gzip" in coding else GOOD
    assert demo.call(ID, sent, {"Content-Encoding": coding}).status == 415


@pytest.mark.req("CH-009")
@pytest.mark.parametrize("coding", ["identity", "Identity", "IDENTITY"])
def test_identity_is_no_compression(demo: Client, coding: str) -> None:
    assert demo.call(ID, GOOD, {"Content-Encoding": coding}).status == 200


@pytest.mark.req("CH-008", "CH-009")
def test_a_gzip_bomb_is_not_opened(granian: Granian) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    before = memory(granian.pid)
    assert granian.client.call("demo-shared", bomb, {"Content-Encoding": "gzip"}).status == 415
    assert memory(granian.pid) - before < 20_000_000


# --- FHIR inside answers -----------------------------------------------------------------------


@pytest.mark.req("CH-010")
def test_what_an_action_carries_is_a_fhir_resource(demo: Client) -> None:
    card = demo.call("demo-order-sign", raw("order-sign")).card
    actions = [action for each in card["suggestions"] for action in each["actions"]]
    carried = [action["resource"]["resourceType"] for action in actions if "resource" in action]
    assert sorted(carried) == ["MedicationRequest", "ServiceRequest", "ServiceRequest"]


@pytest.mark.req("CH-010")
def test_numbers_of_a_carried_resource_keep_their_precision(demo: Client) -> None:
    sent = raw("order-sign")
    assert b"1.10" in sent
    assert b'"valueDecimal": 1.10' in demo.call("demo-order-sign", sent).body


# --- HTTP as clients, proxies and attackers speak it: under the server that is shipped ----------

REQUEST = (
    f"POST /cds-services/demo-shared HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    f"Content-Type: application/json\r\nContent-Length: {len(raw('shared-patient-view'))}\r\n"
)


@pytest.mark.req("CH-003", "CH-009")
def test_a_body_in_chunks_is_read(granian: Granian) -> None:
    whole = granian.client.call("demo-shared", raw("shared-patient-view"))
    assert chunks(granian.client, raw("shared-patient-view")).body == whole.body


@pytest.mark.req("CH-003")
def test_a_client_that_expects_100_continue_is_answered(granian: Granian) -> None:
    sent = REQUEST + "Expect: 100-continue\r\n\r\n"
    got = granian.client.send(sent.encode() + raw("shared-patient-view"))
    assert b"HTTP/1.1 200 OK" in got


NOT_HTTP = {
    "no HTTP": b"hello\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(200),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "body shorter than announced": REQUEST.encode() + b"\r\n{",
    "length and chunks": REQUEST.encode() + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": REQUEST.encode() + b"Content-Length: 3\r\n\r\n{}}",
    "negative length": REQUEST.encode().replace(b"Length: ", b"Length: -") + b"\r\n{}",
    "length in words": REQUEST.encode().replace(b"Length: ", b"Length: ten") + b"\r\n{}",
    "bad chunk": (
        REQUEST.encode().split(b"Content-Length")[0]
        + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
    ),
    "chunk of a terabyte": (
        REQUEST.encode().split(b"Content-Length")[0]
        + b"Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n{}"
    ),
    "blank in a header name": b"GET /cds-services HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "folded header": b"GET /cds-services HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n",
    "two hosts": b"GET /cds-services HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    "target with a line feed": b"GET /cds-services\nX: y HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a megabyte of headers": (
        b"GET /cds-services HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 170_000 + b"\r\n"
    ),
    "a header of a megabyte": (
        b"GET /cds-services HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n"
    ),
    "a target of 100,000 letters": (
        b"POST /cds-services/" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n"
        b"Connection: close\r\nContent-Length: 0\r\n\r\n"
    ),
}


@pytest.mark.req("CH-003", "CH-007")
@pytest.mark.parametrize("sent", NOT_HTTP.values(), ids=NOT_HTTP)
def test_broken_http_is_no_server_error_and_the_next_call_is_answered(
    granian: Granian, sent: bytes
) -> None:
    got = granian.client.send(sent, half_close=True)
    assert not re.match(rb"HTTP/1.1 (2|5)", got), got[:200]
    assert granian.client.call("demo-shared", raw("shared-patient-view")).status == 200


@pytest.mark.req("CH-003")
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_http_1_0_is_answered_too(granian: Granian, version: bytes) -> None:
    sent = REQUEST.encode().replace(b"HTTP/1.1", b"HTTP/" + version) + b"\r\n"
    assert b" 200 OK" in granian.client.send(sent + raw("shared-patient-view"))
