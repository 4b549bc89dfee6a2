"""`python -m sandbox`: serves the development EHR's own synthetic patients until stopped.

The port is SANDBOX_PORT, else 5001.
"""

import errno
import os
import signal
import sys

from sandbox.fhir import FhirServer
from sandbox.records import shipped_bundles

_STOP = {signal.SIGINT, signal.SIGTERM}


def main() -> int:
    """Serves until SIGINT or SIGTERM; the exit code."""
    port = os.environ.get("SANDBOX_PORT", "5001")
    if not port.isdecimal() or int(port) > 65535:
        print(f"SANDBOX_PORT must be a port number, not {port!r}.", file=sys.stderr)
        return 2
    try:
        server = FhirServer(shipped_bundles(), port=int(port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        print(
            f"Port {port} is taken. Stop the process that listens there, "
            "or choose another port with SANDBOX_PORT.",
            file=sys.stderr,
        )
        return 1
    # Blocked before any thread starts, so that the signals wait for sigwait in this one.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
    with server:
        patients = ", ".join(patient["id"] for patient in server.store.all("Patient"))
        print(f"FHIR server: {server.base}\nPatients: {patients}", flush=True)
        signal.sigwait(_STOP)
    return 0


if __name__ == "__main__":
    sys.exit(main())
