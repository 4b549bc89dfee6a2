"""`python -m benchmarks.start TARGET PORT`: another application, started as ours is.

Runs web/server.py itself with one worker and lets granian load TARGET instead, so that both sides
of a comparison have the same server, threads and settings, whatever those are.
"""

from __future__ import annotations

import sys
from typing import Any

from granian import Granian

from web import server


def main(target: str, port: str) -> None:
    def start(_: str, **options: Any) -> Any:
        return Granian(target, **options)

    setattr(server, "Granian", start)  # noqa: B010
    server.main(["--port", port, "--workers", "1"])


if __name__ == "__main__":
    main(*sys.argv[1:])
