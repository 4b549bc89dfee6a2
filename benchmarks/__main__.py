"""`python -m benchmarks`: measures Chartside on this machine and prints what it found.

Everything is compared side by side in one run, since figures of two runs or machines say little.
Nothing is written but benchmarks/.peer (the peer's environment) and a temporary folder. The exit
code is 1 only where a server answers wrongly or not at all; a missed aim is printed.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import (
    charts,
    content,
    everything,
    footprint,
    installation,
    launch,
    load,
    throughput,
    waits,
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of every cell (default 3)")
    parser.add_argument("--seconds", type=float, default=1.0, help="of a cell (default 1)")
    parser.add_argument("--quick", action="store_true", help="one short round")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 0.6
    # Whoever ends this lets it end its servers.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    started = time.monotonic()
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} processors, "
        f"load {os.getloadavg()[0]:.1f} before the start, client: {load.CLIENT}"
    )
    peer_python = installation.peer_python()
    with tempfile.TemporaryDirectory(prefix="chartside-bench-") as name:
        folder = Path(name)
        try:
            content.run()
            throughput.run(folder, peer_python, options.rounds, options.seconds)
            everything.run(folder, options.rounds, options.seconds)
            waits.run(folder, calls=8 if options.quick else 25)
            charts.run(times=8 if options.quick else 25)
            launch.run(folder, launches=8 if options.quick else 25)
            footprint.run(folder, *((1_000, 3_000) if options.quick else (2_000, 10_000)))
        except RuntimeError as error:
            print(f"benchmarks: {error}", file=sys.stderr)
            return 1
    print(f"\nTook {time.monotonic() - started:.0f} s; load {os.getloadavg()[0]:.1f} at the end.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
