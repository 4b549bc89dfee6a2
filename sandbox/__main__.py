"""`python -m sandbox`: serves the development EHR's own synthetic patients until stopped.

The port is EHR_PORT, else 5001. The app is at EHR_APP, else http://localhost:5000: the EHR opens it
and calls its CDS services. FHIR requests without a token see everything, for CDS services without
one, unless EHR_TOKENS is "required"; with a token they see what it is good for.
"""

import errno
import os
import re
import signal
import sys

from sandbox.auth.clients import shipped_clients
from sandbox.cds.settings import CdsSettings
from sandbox.ehr import DevelopmentEhr
from sandbox.fhir.bundles import shipped_bundles

_STOP = {signal.SIGINT, signal.SIGTERM}


def main() -> int:
    """Serves until SIGINT or SIGTERM; the exit code."""
    if os.environ.get("CHARTSIDE_MODE") == "production":
        return _complain("The development EHR does not run beside CHARTSIDE_MODE=production.")
    port = os.environ.get("EHR_PORT", "5001")
    if not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        return _complain(f"EHR_PORT must be a port number, not {port!r}.")
    tokens = os.environ.get("EHR_TOKENS", "optional")
    if tokens not in ("optional", "required"):
        return _complain(f"EHR_TOKENS must be optional or required, not {tokens!r}.")
    app = os.environ.get("EHR_APP", "http://localhost:5000")
    try:
        clients = shipped_clients(app)
    except ValueError as error:
        return _complain(f"EHR_APP must be an https or loopback origin: {error}.")
    try:
        server = DevelopmentEhr(
            shipped_bundles(),
            clients,
            port=int(port),
            open_records=tokens == "optional",
            # An app in development changes its keys as it likes.
            refetch_keys=True,
            cds=CdsSettings(servers=(app,)),
        )
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return _complain(
            f"Port {port} is taken. Stop the process that listens there, "
            "or choose another port with EHR_PORT.",
            1,
        )
    # Blocked before any thread starts, so that the signals wait for sigwait in this one.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
    with server:
        patients = ", ".join(patient["id"] for patient in server.fhir.store.all("Patient"))
        print(f"FHIR server: {server.base}\nPatients: {patients}")
        print(f"Charts: {server.origin}\nLauncher: {server.origin}/launcher", flush=True)
        signal.sigwait(_STOP)
    return 0


def _complain(reason: str, code: int = 2) -> int:
    print(reason, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
