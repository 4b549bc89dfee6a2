"""A PostgreSQL server of the tests' own, where one is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

USER = "postgres"  # the server refuses to run as root


@dataclass(frozen=True)
class Cluster:
    """A running server on 127.0.0.1. `folder` holds its log."""

    port: int
    folder: Path
    _numbers: Iterator[int] = field(default_factory=count)

    def database(self) -> str:
        """The URL of what is as good as an empty database: a schema, made in a hundredth of the
        time.
        """
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        options = f"options=-csearch_path%3D{name}"
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/postgres?{options}"

    @property
    def _conninfo(self) -> str:
        return f"host=127.0.0.1 port={self.port} user={USER} dbname=postgres"


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, if a server can be started. Debian keeps it off the path."""
    if os.geteuid() == 0 and not _is_user(USER):
        return None
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


@contextmanager
def cluster(folder_of_programs: Path) -> Iterator[Cluster]:
    """A server with an empty data folder; nothing of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="chartside-postgresql-"))
    is_root = os.geteuid() == 0
    if is_root:
        shutil.chown(folder, USER)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [folder_of_programs / program, "-D", folder / "data", *arguments],
            check=True,
            timeout=60,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            user=USER if is_root else None,
        )

    try:
        run("initdb", "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        run("pg_ctl", "start", "-w", "-l", str(folder / "log"), "-o", options)
        try:
            yield Cluster(port, folder)
        finally:
            run("pg_ctl", "stop", "-w", "-m", "immediate")  # nothing is to be kept
    finally:
        shutil.rmtree(folder)
