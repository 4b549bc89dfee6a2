"""Two server processes behind one address, on one PostgreSQL database, in production mode."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from store import tables
from tests.demo.bodies import Json, body, encoded, raw
from tests.demo.client import Client, Reply
from tests.demo.hospital import WATCHED, command, environment, running
from tests.demo.server import free_port, process
from tests.demo.signing import JSON, NORTH, SOUTH, Signer, stored
from tests.store import postgres

VIEW, SIGN = "demo-patient-view", "demo-order-sign"
PATH = f"/cds-services/{VIEW}"
MIGRATE = "flask --app app store migrate"


@pytest.fixture(scope="module")
def cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL server of these tests' own."""
    programs = postgres.programs()
    if programs is None:
        pytest.skip("no PostgreSQL here: no initdb was found, or no user to run it")
    with postgres.cluster(programs) as started:
        yield started


@dataclass(frozen=True)
class Pair:
    """Two processes that know of each other only by the database at `url`."""

    first: Client
    second: Client
    url: str
    variables: dict[str, str]

    def both(self, sent: bytes, *headers: dict[str, str]) -> list[tuple[Reply, Reply]]:
        """Each request to both at the same moment."""
        start = threading.Barrier(2)

        def post(client: Client, each: dict[str, str]) -> Reply:
            start.wait(20)
            return client.request("POST", PATH, sent, {**JSON, **each})

        with ThreadPoolExecutor(2) as threads:
            made = []
            for each in headers:
                first = threads.submit(post, self.first, each)
                second = threads.submit(post, self.second, each)
                made.append((first.result(), second.result()))
            return made


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, cluster: postgres.Cluster) -> Iterator[Pair]:
    """Both have the same files and the same database, which the command has made ready."""
    folder = tmp_path_factory.mktemp("two")
    url = cluster.database()
    variables = environment(folder, url, NORTH, SOUTH)
    done = command("store", "migrate", cwd=WATCHED, **variables)
    assert done.returncode == 0, done.stderr
    with (
        running(folder, "first", **variables) as first,
        running(folder, "second", **variables) as second,
    ):
        yield Pair(first.client, second.client, url, variables)


def opening(**edits: str) -> Json:
    """An order-sign call of its own."""
    return body("order-sign", edits={"hookInstance": str(uuid4()), **edits})


def overridden(card: Json) -> Json:
    return {
        "card": card["uuid"],
        "outcome": "overridden",
        # Long after it was shown by any clock; what counts then is when it came.
        "outcomeTimestamp": "2099-01-01T00:00:00Z",
    }


# --- before the first start --------------------------------------------------------------------


def test_without_its_tables_it_does_not_start_and_says_what_to_do(
    cluster: postgres.Cluster, tmp_path: Path
) -> None:
    variables = environment(tmp_path, cluster.database(), NORTH, SOUTH)
    log = tmp_path / "log"
    with process("--port", str(free_port()), cwd=WATCHED, log=log, **variables) as refusing:
        assert refusing.wait(20) != 0
    told = log.read_text()
    assert told.count("\n") == 1
    assert told.startswith("Error: ")
    assert MIGRATE in told
    assert "Traceback" not in told
    done = command("store", "migrate", cwd=WATCHED, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    with running(tmp_path, "after", **variables) as started:
        assert NORTH.call(started.client, VIEW, body("patient-view")).card


def test_the_command_may_run_again_while_the_servers_run(pair: Pair) -> None:
    done = command("store", "migrate", cwd=WATCHED, **pair.variables)
    assert done.returncode == 0, done.stderr
    assert NORTH.call(pair.first, VIEW, body("patient-view")).card


def test_the_check_of_the_records_tells_both_of_them(pair: Pair) -> None:
    done = command("ehrs", "check", cwd=WATCHED, **pair.variables)
    assert done.returncode == 0, done.stderr
    for ehr in (NORTH, SOUTH):
        assert ehr.issuer in done.stdout


def test_a_database_that_cannot_be_reached_stops_the_start(
    tmp_path: Path, cluster: postgres.Cluster
) -> None:
    url = f"postgresql+psycopg://who:swordfish@127.0.0.1:{free_port()}/none"
    variables = environment(tmp_path, url, NORTH, SOUTH)
    log = tmp_path / "log"
    with process("--port", str(free_port()), cwd=WATCHED, log=log, **variables) as refusing:
        assert refusing.wait(30) != 0
    told = log.read_text()
    assert told.startswith("Error: ")
    assert "swordfish" not in told
    assert "Traceback" not in told


# --- tokens ------------------------------------------------------------------------------------


@pytest.mark.req("CH-136")
@pytest.mark.parametrize("order", [("first", "second"), ("second", "first")])
def test_a_token_that_one_has_seen_the_other_refuses(pair: Pair, order: tuple[str, str]) -> None:
    one, other = (getattr(pair, name) for name in order)
    sent = {**JSON, **NORTH.bearer(PATH)}
    assert one.request("POST", PATH, raw("patient-view"), sent).status == 200
    assert other.request("POST", PATH, raw("patient-view"), sent).status == 401
    assert one.request("POST", PATH, raw("patient-view"), sent).status == 401
    assert NORTH.call(other, VIEW, body("patient-view")).status == 200


@pytest.mark.req("CH-136")
def test_of_two_that_get_a_token_at_the_same_moment_one_takes_it(pair: Pair) -> None:
    tokens = [NORTH.bearer(PATH) for _ in range(20)]
    for replies in pair.both(raw("patient-view"), *tokens):
        assert sorted(reply.status for reply in replies) == [200, 401]


@pytest.mark.req("CH-136")
def test_the_jti_of_one_ehr_is_not_that_of_another(pair: Pair) -> None:
    jti = str(uuid4())
    assert NORTH.call(pair.first, VIEW, body("patient-view"), jti=jti).status == 200
    assert SOUTH.call(pair.second, VIEW, body("patient-view"), jti=jti).status == 200
    assert NORTH.call(pair.second, VIEW, body("patient-view"), jti=jti).status == 401


# --- cards and feedback ------------------------------------------------------------------------


@pytest.mark.req("CH-096")
def test_both_give_the_same_card_for_the_same_call(pair: Pair) -> None:
    sent = opening()
    assert NORTH.call(pair.first, SIGN, sent).cards == NORTH.call(pair.second, SIGN, sent).cards
    calls = [call for call in stored(pair.url, tables.calls) if call.ehr == "north"]
    assert [call.hook_instance for call in calls].count(sent["hookInstance"]) == 1


@pytest.mark.req("CH-118", "CH-121", "CH-126")
def test_feedback_that_one_got_the_other_heeds(pair: Pair) -> None:
    user = {"context.userId": f"Practitioner/{uuid4()}"}
    card = NORTH.call(pair.first, SIGN, opening(**user)).card
    # The other EHR says so too, and does not count.
    assert SOUTH.feedback(pair.second, SIGN, overridden(card)).status == 200
    assert len(NORTH.call(pair.first, SIGN, opening(**user)).cards) == 1
    for client in (pair.second, pair.first, pair.second):
        assert NORTH.feedback(client, SIGN, overridden(card)).status == 200
    rows = [row for row in stored(pair.url, tables.feedback) if row.card == card["uuid"]]
    assert [row.ehr for row in rows] == ["north"]
    for client in (pair.first, pair.second):
        assert NORTH.call(client, SIGN, opening(**user)).cards == []
        assert len(NORTH.call(client, SIGN, opening()).cards) == 1
        assert len(SOUTH.call(client, SIGN, opening(**user)).cards) == 1


@pytest.mark.req("CH-121")
def test_a_batch_that_both_get_at_once_is_kept_once(pair: Pair) -> None:
    cards = [NORTH.call(pair.first, SIGN, opening()).card for _ in range(5)]
    items = [overridden(card) for card in cards]

    def give(client: Client, order: int) -> int:
        return NORTH.feedback(client, SIGN, *items[::order]).status

    with ThreadPoolExecutor(4) as threads:
        clients = [pair.first, pair.second] * 2
        assert list(threads.map(give, clients, [1, -1, -1, 1])) == [200] * 4
    ids = {card["uuid"] for card in cards}
    kept = [row.card for row in stored(pair.url, tables.feedback) if row.card in ids]
    assert sorted(kept) == sorted(ids)


# --- what production refuses -------------------------------------------------------------------


@pytest.mark.req("CH-127")
@pytest.mark.parametrize("name", ["first", "second"])
def test_it_refuses_who_it_does_not_know(pair: Pair, name: str) -> None:
    client: Client = getattr(pair, name)
    assert client.call(VIEW, body("patient-view")).status == 401
    assert Signer("east").call(client, VIEW, body("patient-view")).status == 401
    assert NORTH.call(client, VIEW, body("patient-view"), iss=SOUTH.issuer).status == 401
    assert NORTH.call(client, "demo-order-review", body("order-review")).status == 403
    assert client.get("/cds-services").status == 200


@pytest.mark.req("CH-142")
def test_a_proxy_in_front_is_no_reason_to_refuse(pair: Pair) -> None:
    sent = {
        **JSON,
        **NORTH.bearer(PATH),
        "Host": "cds.test",
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Proto": "https",
        "Via": "1.1 proxy",
    }
    reply = pair.first.request("POST", PATH, encoded(body("patient-view")), sent)
    assert reply.status == 200
