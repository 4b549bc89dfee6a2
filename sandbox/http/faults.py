"""What can go wrong with a FHIR server, one class a fault, for `FhirServer.plant`.

A fault changes the true answer (`change`), the way it is sent (`pieces`), or both. Where a fault
needs entries or a next page to spoil and the true answer has none, the answer stays as it is.
"""

import gzip
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from sandbox.http.answer import Answer, Resource, found, outcome, refused
from sandbox.http.listener import Piece


class Fault:
    """By itself none: the true answer, sent at once."""

    def change(self, answer: Answer) -> Answer:
        """The answer in place of the true one."""
        return answer

    def pieces(self, answer: Answer) -> Iterator[Piece]:
        """How the answer goes out."""
        yield 0.0, answer.head + answer.body


@dataclass(frozen=True)
class Slow(Fault):
    """Lets the client wait before it answers."""

    seconds: float

    def pieces(self, answer: Answer) -> Iterator[Piece]:
        yield self.seconds, answer.head + answer.body


@dataclass(frozen=True)
class Drip(Fault):
    """Sends the headers, then a byte of the body each interval."""

    seconds: float

    def pieces(self, answer: Answer) -> Iterator[Piece]:
        yield 0.0, answer.head
        yield from _dripping(answer.body, self.seconds)


@dataclass(frozen=True)
class DripHeaders(Fault):
    """Sends the status line and the headers a byte each interval, then the body."""

    seconds: float

    def pieces(self, answer: Answer) -> Iterator[Piece]:
        yield from _dripping(answer.head, self.seconds)
        yield 0.0, answer.body


@dataclass(frozen=True)
class Truncated(Fault):
    """Sends half of the body it announced and hangs up."""

    def pieces(self, answer: Answer) -> Iterator[Piece]:
        yield 0.0, answer.head + answer.body[: len(answer.body) // 2]
        raise ConnectionAbortedError


@dataclass(frozen=True)
class Huge(Fault):
    """Sends the true answer and white space up to so many bytes, their number not announced."""

    n_bytes: int

    def pieces(self, answer: Answer) -> Iterator[Piece]:
        yield 0.0, answer.headed({"Transfer-Encoding": "chunked"}) + _chunk(answer.body)
        missing = self.n_bytes - len(answer.body)
        while missing > 0:
            blank = b" " * min(missing, 1 << 16)
            yield 0.0, _chunk(blank)
            missing -= len(blank)
        yield 0.0, _chunk(b"")


@dataclass(frozen=True)
class GzipBomb(Fault):
    """Sends, compressed and unasked, the true answer and white space up to so many bytes."""

    n_bytes: int

    def change(self, answer: Answer) -> Answer:
        body = gzip.compress(answer.body.ljust(self.n_bytes))
        return replace(answer, body=body, headers={"Content-Encoding": "gzip"})


@dataclass(frozen=True)
class Status(Fault):
    """Answers with an error status and an OperationOutcome."""

    code: int

    def change(self, answer: Answer) -> Answer:
        return refused(self.code, "exception", "A planted fault.")


@dataclass(frozen=True)
class Throttled(Fault):
    """Answers 429 and says when to come again."""

    seconds: int

    def change(self, answer: Answer) -> Answer:
        headers = {"Retry-After": str(self.seconds)}
        return refused(429, "throttled", "A planted fault.", headers)


@dataclass(frozen=True)
class Redirect(Fault):
    """Sends the client to another address."""

    url: str

    def change(self, answer: Answer) -> Answer:
        return Answer(302, b"", {"Location": self.url})


@dataclass(frozen=True)
class NotJson(Fault):
    """Answers with a web page that calls itself FHIR JSON."""

    def change(self, answer: Answer) -> Answer:
        return replace(answer, body=b"<!doctype html><title>Down for maintenance</title>")


@dataclass(frozen=True)
class Outcome(Fault):
    """Answers 200 with an OperationOutcome that tells of an error."""

    def change(self, answer: Answer) -> Answer:
        return found(outcome("error", "exception", "A planted fault."))


@dataclass(frozen=True)
class WrongType(Fault):
    """Answers with a resource of another type, in place of a Bundle too."""

    def change(self, answer: Answer) -> Answer:
        return found(
            {"resourceType": "Basic", "id": "planted", "code": {"text": "A planted fault"}}
        )


@dataclass(frozen=True)
class Endless(Fault):
    """Links each page of a search to a next one, with the same entries under a new address."""

    numbers: Iterator[int] = field(default_factory=lambda: count(2))

    def change(self, answer: Answer) -> Answer:
        def page(bundle: Resource) -> Resource:
            return _linked(bundle, f"{bundle['link'][0]['url']}&_page={next(self.numbers)}")

        return _paged(answer, page)


@dataclass(frozen=True)
class ForeignNext(Fault):
    """Links each page of a search to a next one elsewhere."""

    url: str

    def change(self, answer: Answer) -> Answer:
        return _paged(answer, lambda bundle: _linked(bundle, self.url))


@dataclass(frozen=True)
class OutcomeEntry(Fault):
    """Finds nothing and says so in an entry: a warning with `search.mode` "outcome"."""

    def change(self, answer: Answer) -> Answer:
        warning = outcome("warning", "not-found", "A planted fault.")
        entry = [{"resource": warning, "search": {"mode": "outcome"}}]

        def page(bundle: Resource) -> Resource:
            return {**bundle, "total": 0, "link": bundle["link"][:1], "entry": entry}

        return _paged(answer, page)


@dataclass(frozen=True)
class OtherPatient(Fault):
    """Answers with records of another patient."""

    patient_id: str = "another-patient"

    def change(self, answer: Answer) -> Answer:
        def moved(resource: Resource) -> Resource:
            if resource["resourceType"] == "Patient":
                return {**resource, "id": self.patient_id}
            patient = {"reference": f"Patient/{self.patient_id}"}
            return {n: patient if n in ("subject", "patient") else v for n, v in resource.items()}

        return _edited(answer, moved)


@dataclass(frozen=True)
class WrongId(Fault):
    """Answers a read with a resource of another id."""

    def change(self, answer: Answer) -> Answer:
        unfit = answer.status != 200 or not answer.body
        if unfit or answer.resource["resourceType"] == "Bundle":
            return answer
        return answer.carrying({**answer.resource, "id": "another-id"})


@dataclass(frozen=True)
class ForeignReferences(Fault):
    """Writes the references to patients with two slashes and a host before them."""

    host: str

    def change(self, answer: Answer) -> Answer:
        def moved(resource: Resource) -> Resource:
            return {
                name: {"reference": f"//{self.host}/{value['reference']}"}
                if name in ("subject", "patient") and isinstance(value, dict)
                else value
                for name, value in resource.items()
            }

        return _edited(answer, moved)


@dataclass(frozen=True)
class Partial(Fault):
    """Leaves out half of the matches, and says so in an entry with `search.mode` "outcome"."""

    def change(self, answer: Answer) -> Answer:
        warning = outcome("warning", "incomplete", "A planted fault.")
        said = {"resource": warning, "search": {"mode": "outcome"}}

        def page(bundle: Resource) -> Resource:
            entries = bundle.get("entry", [])
            return {**bundle, "entry": [*entries[: len(entries) // 2], said]}

        return _paged(answer, page)


@dataclass(frozen=True)
class Unreadable(Fault):
    """Gives the first entry strings where its type has objects, lists, numbers and booleans.

    Type, id and whose record it is stay readable.
    """

    def change(self, answer: Answer) -> Answer:
        def spoilt(resource: Resource) -> Resource:
            return {
                name: value
                if isinstance(value, str) or name in ("subject", "patient")
                else json.dumps(value)
                for name, value in resource.items()
            }

        return _edited(answer, spoilt, most=1)


def _dripping(content: bytes, seconds: float) -> Iterator[Piece]:
    for position, byte in enumerate(content):
        yield (seconds if position else 0.0), bytes([byte])


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


def _linked(bundle: Resource, url: str) -> Resource:
    return {**bundle, "link": [bundle["link"][0], {"relation": "next", "url": url}]}


def _paged(answer: Answer, page: Callable[[Resource], Resource]) -> Answer:
    if not answer.body:
        return answer
    resource = answer.resource
    return answer.carrying(page(resource)) if resource.get("type") == "searchset" else answer


def _edited(
    answer: Answer, edit: Callable[[Resource], Resource], most: int = sys.maxsize
) -> Answer:
    if answer.status != 200 or not answer.body:
        return answer
    resource = answer.resource
    if resource["resourceType"] != "Bundle":
        return answer.carrying(edit(resource))
    if "entry" not in resource:
        return answer
    entries = resource["entry"]
    edited = [
        {**entry, "resource": edit(entry["resource"])} if "resource" in entry else entry
        for entry in entries[:most]
    ]
    return answer.carrying({**resource, "entry": edited + entries[most:]})
