"""What this process logs, for tests that call a module without a server around it."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from tests.demo.bodies import Json


@contextmanager
def capture_logs() -> Iterator[list[Json]]:
    """The lines of the log, there once the block has ended: they go to standard error itself."""
    lines: list[Json] = []
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            lines += [json.loads(line) for line in file if line.startswith(b"{")]
