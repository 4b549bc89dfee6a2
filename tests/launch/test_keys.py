"""The client keys: made, kept to ourselves, published, rotated, retired."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from datetime import UTC, datetime, tzinfo
from pathlib import Path

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from launch.commands import keys as commands
from launch.keys import AFTER_USE, ALGORITHMS, BEFORE_USE, MAX_AGE, Algorithm, KeyFolder
from tests.demo.server import ROOT, serving
from web.errors import StartError
from web.settings import Settings

PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self, zone: tzinfo) -> datetime:
        return self.now.astimezone(zone)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path, clock: Clock) -> KeyFolder:
    folder = KeyFolder(tmp_path / "keys", clock)
    folder.ensure()
    return folder


def assertion(folder: KeyFolder, algorithm: Algorithm) -> str:
    key = folder.signing(algorithm)
    return jwt.encode({"alg": algorithm, "kid": key.kid}, {"n": 1}, key, algorithms=[algorithm])


def verifies(token: str, published: dict[str, object]) -> bool:
    keys = KeySet.import_key_set(json.loads(json.dumps(published)))
    try:
        jwt.decode(token, keys, algorithms=list(ALGORITHMS))
    except (JoseError, ValueError):
        return False
    return True


@pytest.mark.req("SL-120", "SL-123", "T-28")
def test_a_key_of_each_kind_is_published_without_its_private_half(folder: KeyFolder) -> None:
    entries = folder.published()["keys"]
    assert sorted(each["alg"] for each in entries) == ["ES384", "RS384"]
    for entry in entries:
        kind = {"kty", "kid", "use", "alg"}
        kind |= {"crv", "x", "y"} if entry["kty"] == "EC" else {"n", "e"}
        assert entry.keys() == kind
        assert not PRIVATE & entry.keys()
        assert entry["use"] == "sig"
        read = (ECKey if entry["kty"] == "EC" else RSAKey).import_key(entry)
        assert entry["kid"] == read.thumbprint()
    rsa = next(RSAKey.import_key(each) for each in entries if each["kty"] == "RSA")
    assert rsa.public_key.key_size >= 2048


@pytest.mark.req("SL-120")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_both_sign(algorithm: Algorithm, folder: KeyFolder) -> None:
    assert verifies(assertion(folder, algorithm), folder.published())


@pytest.mark.req("SL-124")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_rotation_loses_no_assertion(
    algorithm: Algorithm, folder: KeyFolder, clock: Clock
) -> None:
    cached = folder.published()
    first = folder.signing(algorithm).kid
    folder.rotate()
    # Whoever fetched the set just before keeps it for as long as its header allows.
    clock.now += MAX_AGE
    assert verifies(assertion(folder, algorithm), cached)
    assert folder.signing(algorithm).kid == first
    clock.now += BEFORE_USE - MAX_AGE
    old_token, overlapping = assertion(folder, algorithm), folder.published()
    assert folder.signing(algorithm).kid != first
    assert verifies(old_token, overlapping)
    assert verifies(assertion(folder, algorithm), overlapping)
    assert len(overlapping["keys"]) == 4
    old = {stored.kid: until for stored, until in folder.superseded()}
    assert old[str(first)] == clock.now + AFTER_USE


@pytest.mark.req("SL-124")
def test_the_commands_rotate_and_retire(tmp_path: Path) -> None:
    app = Flask(__name__)
    app.cli.add_command(commands)
    app.extensions["chartside"] = Settings(mode="development", keys_folder=str(tmp_path / "keys"))

    def run(*words: str) -> str:
        done = app.test_cli_runner().invoke(args=["keys", *words])
        return done.output

    where = f"{tmp_path / 'keys'}:\n"
    assert run("list") == f"{where}no keys. Run: flask --app app keys rotate\n"
    assert run("rotate").count("  signs\n") == 2
    assert run("rotate").count("published, signs from") == 2
    told = run("list")
    assert told.startswith(where)
    assert (told.count("  signs\n"), told.count("published, signs from")) == (2, 2)
    kid = told.split()[1]
    assert run("retire") == ""
    told = run("retire", "--now", kid)
    assert f"{kid} is gone. EHRs that keep the key set accept what it signed for 5 more" in told
    assert "signs now" not in told
    assert "There is no key" in run("retire", "--now", kid)
    assert len(run("list").splitlines()) == 4


@pytest.mark.req("SL-124")
def test_the_list_says_which_key_signs_after_one_was_taken_away_at_once(tmp_path: Path) -> None:
    app = Flask(__name__)
    app.cli.add_command(commands)
    app.extensions["chartside"] = Settings(mode="development", keys_folder=str(tmp_path / "keys"))
    keys = KeyFolder(tmp_path / "keys")
    keys.ensure()
    first = str(keys.signing("ES384").kid)

    def run(*words: str) -> str:
        done = app.test_cli_runner().invoke(args=["keys", *words])
        return done.output + str(done.exception or "")

    assert f"{first} is the only key for ES384" in run("retire", "--now", first)
    assert keys.signing("ES384").kid == first
    keys.rotate()
    told = run("retire", "--now", first)
    second = keys.signing("ES384").kid
    assert f"{second} signs now. An EHR refuses launches until it has fetched that key." in told
    assert f"{second}  ES384  signs\n" in run("list")


@pytest.mark.req("SL-006", "T-21")
def test_a_key_file_is_for_its_owner_only(tmp_path: Path, folder: KeyFolder) -> None:
    files = [tmp_path / "keys", *(tmp_path / "keys").iterdir()]
    assert all(stat.S_IMODE(file.stat().st_mode) & 0o077 == 0 for file in files)
    assert "jwk" not in repr(folder.all())
    files[1].chmod(0o640)
    files[-1].chmod(0o644)
    with pytest.raises(StartError, match=r"can be read by others\. Run: chmod"):
        folder.published()


@pytest.mark.req("T-28")
def test_a_key_without_a_kid_or_that_is_none_is_refused(tmp_path: Path, folder: KeyFolder) -> None:
    file = next((tmp_path / "keys").glob("*.json"))
    stored = json.loads(file.read_text())
    file.write_text(json.dumps({**stored, "jwk": {**stored["jwk"], "kid": None}}))
    with pytest.raises(StartError, match="has no kid"):
        folder.published()
    file.write_text("{}")
    with pytest.raises(StartError, match="is no client key"):
        folder.signing("ES384")


@pytest.mark.req("SL-124")
def test_after_a_key_was_taken_away_at_once_the_next_one_signs(
    folder: KeyFolder, clock: Clock
) -> None:
    first = folder.signing("ES384").kid
    folder.rotate()
    folder.retire(str(first))
    assert folder.signing("ES384").kid not in (None, first)


@pytest.mark.req("SL-124")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_only_key_is_not_taken_away(algorithm: Algorithm, folder: KeyFolder) -> None:
    kid = str(folder.signing(algorithm).kid)
    with pytest.raises(StartError, match=r"First run: flask --app app keys rotate"):
        folder.retire(kid)
    assert folder.signing(algorithm).kid == kid


def test_without_a_key_the_command_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="flask --app app keys rotate"):
        KeyFolder(tmp_path / "none").signing("RS384")
    assert KeyFolder(tmp_path / "none").published() == {"keys": []}


def test_processes_that_start_at_once_make_one_pair(tmp_path: Path) -> None:
    place = str(tmp_path / "k")
    make = (
        "import sys; from pathlib import Path; from launch.keys import KeyFolder; "
        "KeyFolder(Path(sys.argv[1])).ensure()"
    )
    started = [subprocess.Popen([sys.executable, "-c", make, place], cwd=ROOT) for _ in range(3)]
    assert [each.wait(30) for each in started] == [0, 0, 0]
    assert len(KeyFolder(tmp_path / "k").all()) == 2


@pytest.mark.req("SL-123")
def test_the_key_set_is_served_to_everybody(tmp_path: Path) -> None:
    KeyFolder(tmp_path / "keys").ensure()
    with serving(keys_folder=str(tmp_path / "keys"), prefix="/cds") as client:
        answer = client.get("/.well-known/jwks.json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert "Set-Cookie" not in answer.headers
    entries = json.loads(answer.body)["keys"]
    assert len(entries) == 2
    assert not any(PRIVATE & entry.keys() for entry in entries)
