"""The client keys: by them an EHR's authorization server knows our app (`private_key_jwt`).

SMART App Launch 2.2, Client Authentication: Asymmetric; RFC 7517, 7523, 7638. One folder of one
file a key, readable by its owner only, outside the repository. A key is published first, signs once
every cache of the key set has it, is then superseded by the next one, and goes when nothing that it
signed can still be checked.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeyParameters, KeySet, RSAKey
from msgspec import Struct

from web.errors import StartError

Algorithm = Literal["ES384", "RS384"]
Key = ECKey | RSAKey
Clock = Callable[[tzinfo], datetime]
# Of a file: which one it is, and as of when.
_Version = tuple[int, int]

ALGORITHMS: tuple[Algorithm, ...] = ("ES384", "RS384")

# How long the key set may be kept by whoever fetched it, as its Cache-Control says.
MAX_AGE = timedelta(minutes=5)
# A new key signs when every cache has it, with a margin for clocks and for the fetch itself.
BEFORE_USE = MAX_AGE + timedelta(minutes=10)
# A superseded key stays for the life of its last assertion and for caches that keep longer.
AFTER_USE = timedelta(minutes=5) + timedelta(hours=24)

_COMMAND = "flask --app app keys rotate"
ROTATE = f"Run: {_COMMAND}"


class Stored(Struct, frozen=True, kw_only=True, dict=True):
    """One key as its file holds it. `jwk` is private."""

    jwk: dict[str, Any]
    alg: Algorithm
    created: datetime
    signs_from: datetime

    @property
    def kid(self) -> str:
        return str(self.jwk["kid"])

    def __repr__(self) -> str:
        return f"Stored({self.kid!r}, {self.alg!r})"  # never the key itself

    @cached_property
    def key(self) -> Key:
        # A private key is proved as it is imported, which takes a twentieth of a second.
        kind = ECKey if self.alg == "ES384" else RSAKey
        return kind.import_key(self.jwk)


class KeyFolder:
    """The keys in a folder, looked at each time: another process may have rotated them."""

    def __init__(self, folder: Path, clock: Clock = datetime.now) -> None:
        self.path = folder.absolute()
        self._clock = clock
        self._known: dict[Path, tuple[_Version, Stored]] = {}

    def all(self) -> list[Stored]:
        """Every key, the newest first. Raises StartError for one that others may read."""
        if not self.path.is_dir():
            return []
        _check_private(self.path)
        known = {}
        for file in self.path.glob("*.json"):
            version = _check_private(file)
            before = self._known.get(file)
            known[file] = before if before and before[0] == version else (version, _read(file))
        self._known = known
        found = [stored for _, stored in known.values()]
        return sorted(found, key=lambda each: (each.signs_from, each.created), reverse=True)

    def published(self) -> dict[str, Any]:
        """The key set for everybody: public halves only (RFC 7517)."""
        keys = [each.key for each in self.all()]
        return dict(KeySet(list(keys)).as_dict(private=False)) if keys else {"keys": []}

    def signing(self, algorithm: Algorithm) -> Key:
        """The key that signs now. Raises StartError where there is none."""
        in_use = self._in_use(algorithm)
        if not in_use:
            raise StartError(f"{self.path}: there is no key for {algorithm}. {ROTATE}")
        return in_use[0].key

    def signers(self) -> set[str]:
        """The ids of the keys that sign now."""
        return {each.kid for algorithm in ALGORITHMS for each in self._in_use(algorithm)[:1]}

    def rotate(self) -> list[Stored]:
        """Make a new key for each algorithm. It signs at once where it is the first one."""
        with self._alone():
            return self._add()

    def ensure(self) -> None:
        """Make the first keys if there are none."""
        with self._alone():
            if not self.all():
                self._add()

    def superseded(self) -> list[tuple[Stored, datetime]]:
        """The keys that sign no more, and from when on each may be taken away."""
        return [
            (old, newer.signs_from + AFTER_USE)
            for algorithm in ALGORITHMS
            for newer, old in pairwise(self._in_use(algorithm))
        ]

    def retire(self, kid: str) -> None:
        """Take a key away; what it signed is refused once no cache has it any more. Raises
        StartError for the only one of its algorithm.
        """
        with self._alone():
            known = {each.kid: each.alg for each in self.all()}
            if kid in known and list(known.values()).count(known[kid]) == 1:
                raise StartError(
                    f"{kid} is the only key for {known[kid]}, and launches need one. "
                    f"First run: {_COMMAND}"
                )
            (self.path / f"{kid}.json").unlink(missing_ok=True)

    def _in_use(self, algorithm: Algorithm) -> list[Stored]:
        """The keys whose time to sign has come, the newest first: it is the one that signs."""
        now = self._clock(UTC)
        fitting = [each for each in self.all() if each.alg == algorithm]
        # Where the one before was taken away at once: better too early than not at all.
        return [each for each in fitting if each.signs_from <= now] or fitting[-1:]

    def _add(self) -> list[Stored]:
        now, known = self._clock(UTC), {each.alg for each in self.all()}
        made = [_made(each, now, now + BEFORE_USE if each in known else now) for each in ALGORITHMS]
        for each in made:
            self._write(each)
        return made

    def _write(self, stored: Stored) -> None:
        file = self.path / f"{stored.kid}.json"
        draft = file.with_suffix(".new")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(msgspec.json.encode(stored))
            out.flush()
            os.fsync(out.fileno())
        draft.rename(file)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time changes the folder."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path / "lock", os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError as error:
            raise StartError(f"{self.path}: {error.strerror}.") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _made(algorithm: Algorithm, created: datetime, signs_from: datetime) -> Stored:
    parameters: KeyParameters = {"use": "sig", "alg": algorithm}
    key: Key
    if algorithm == "ES384":
        key = ECKey.generate_key("P-384", parameters, private=True)
    else:
        key = RSAKey.generate_key(2048, parameters, private=True)
    key.ensure_kid()
    return Stored(
        jwk=dict(key.as_dict(private=True)), alg=algorithm, created=created, signs_from=signs_from
    )


def _read(file: Path) -> Stored:
    try:
        stored = msgspec.json.decode(file.read_bytes(), type=Stored)
    except OSError as error:
        raise StartError(f"{file}: {error.strerror}.") from None
    except msgspec.MsgspecError:
        raise StartError(f"{file} is no client key. Take it away, and: {ROTATE}") from None
    if stored.jwk.get("kid") != file.stem:
        raise StartError(f"{file}: its key has no kid, or another one. {ROTATE}")
    try:
        _ = stored.key
    except (JoseError, ValueError):
        raise StartError(f"{file} is no client key. Take it away, and: {ROTATE}") from None
    return stored


def _check_private(path: Path) -> _Version:
    found = path.stat()
    if found.st_mode & 0o077:
        raise StartError(f"{path} can be read by others. Run: chmod -R go= {path}")
    return found.st_ino, found.st_mtime_ns
