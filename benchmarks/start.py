"""`python -m benchmarks.start TARGET PORT WORKERS`: another application, started as ours is.

Runs web/server.py itself and lets granian load TARGET instead, so that both sides of a comparison
have the same server, threads and settings, whatever those are.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from granian import Granian

from web import server


def main(target: str, port: str, workers: str) -> None:
    def start(_: str, **options: Any) -> Any:
        return Granian(target, **options)

    # The server tries Chartside before a worker starts: with the services of TARGET's module.
    import_module(target.partition(":")[0])
    setattr(server, "Granian", start)  # noqa: B010
    server.main(["--port", port, "--workers", workers])


if __name__ == "__main__":
    main(*sys.argv[1:])
