"""A CDS server that says what a test wants, however wrong, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from uuid import uuid4

Json = dict[str, Any]


@dataclass(frozen=True)
class Raw:
    """An answer byte by byte, if need be: each piece is sent after a pause of so many seconds."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    location: str = ""
    pause: float = 0.0
    piece: int = 1 << 20


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: Json
    body: Any


class Scripted:
    """At `url`; `says` has for each service id what it answers, or a function of the body."""

    def __init__(self) -> None:
        self.services: list[Json] = []
        self.discovery: Raw | None = None
        self.says: dict[str, Any] = {}
        self.feedback: Raw = Raw(200)
        self.asked: list[Asked] = []
        self.ended = threading.Event()
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                body = None
                with suppress(ValueError):  # a lint sends what is not JSON
                    body = json.loads(self.rfile.read(length))
                headers = {name.lower(): value for name, value in self.headers.items()}
                scripted.asked.append(Asked(self.command, self.path, headers, body))
                answer = scripted.answer(self.path, body)
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.kind)
                if answer.location:
                    self.send_header("Location", answer.location)
                self.end_headers()
                with suppress(OSError):
                    for start in range(0, len(answer.body), answer.piece):
                        if scripted.ended.wait(answer.pause):
                            return
                        self.wfile.write(answer.body[start : start + answer.piece])

            do_POST = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def offer(self, id: str, hook: str, says: Any, **members: Any) -> str:
        """One more service; its id."""
        entry = {"id": id, "hook": hook, "description": "Says what it is told to say.", **members}
        self.services.append(entry)
        self.says[id] = says
        return id

    def answer(self, path: str, body: Any) -> Raw:
        if path == "/cds-services":
            return self.discovery or Raw(body=json.dumps({"services": self.services}).encode())
        if path.endswith("/feedback"):
            return self.feedback
        says = self.says.get(path.rpartition("/")[2], Raw(404))
        if callable(says):
            says = says(body)
        return says if isinstance(says, Raw) else Raw(body=json.dumps(says).encode())

    def calls(self, id: str) -> list[Asked]:
        """The calls of a service, the feedback not."""
        return [each for each in self.asked if each.path == f"/cds-services/{id}"]

    def reports(self) -> list[Json]:
        """The items of all feedback."""
        bodies = [each.body for each in self.asked if each.path.endswith("/feedback")]
        return [item for body in bodies for item in body["feedback"]]

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


Says = Callable[[Any], Any]


def card(summary: str = "Think again", indicator: str = "warning", **members: Any) -> Json:
    """A card that is in order; None takes a member away."""
    made = {
        "uuid": str(uuid4()),
        "summary": summary,
        "indicator": indicator,
        "source": {"label": "A test"},
        **members,
    }
    return {name: value for name, value in made.items() if value is not None}


def suggestion(*actions: Json, label: str = "Do it", **members: Any) -> Json:
    return {"label": label, "uuid": str(uuid4()), "actions": list(actions), **members}


def suggesting(*suggestions: Json, behaviour: str = "at-most-one", **members: Any) -> Json:
    """A card with suggestions."""
    return card(suggestions=list(suggestions), selectionBehavior=behaviour, **members)


def cards(*each: Json, **members: Any) -> Json:
    return {"cards": list(each), **members}


def create(resource: Json) -> Json:
    return {"type": "create", "description": "Create it", "resource": resource}


def update(resource: Json) -> Json:
    return {"type": "update", "description": "Change it", "resource": resource}


def delete(place: str) -> Json:
    return {"type": "delete", "description": "Delete it", "resourceId": place}
