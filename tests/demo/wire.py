"""A server that answers every connection with the same bytes, HTTP or not."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """The base of a FHIR server that says `answer` to whatever it is asked, and hangs up."""

    class Connection(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                while self.rfile.readline().strip():
                    pass  # the head of the request
                self.wfile.write(answer)

    with _Server(("127.0.0.1", 0), Connection) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/fhir"
        finally:
            server.shutdown()
            thread.join()
