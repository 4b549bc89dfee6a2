"""Missing prefetch: six keys from a slow FHIR server, against its slowest single request.

Chartside asks for all keys at once, so a call should take little longer than the slowest of its
requests alone, made one at a time by a client that keeps its connection, in the same seconds.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from benchmarks import bodies, servers, services
from benchmarks.table import at_most, show
from sandbox.fhir.server import FhirServer

DELAY = 0.05
_TARGET = 1.3
_CONDITIONS, _LABS = 15, 100
_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def run(folder: Path, calls: int) -> None:
    """Make the calls and print how they compare."""
    with FhirServer([_chart()], delay=DELAY) as fhir:
        variables = {services.FHIR_BASE: fhir.base}
        with servers.granian("Chartside", "benchmarks.services:alone", folder, variables) as server:
            # The first calls open the connections.
            times = [(_whole(server, fhir.base), _slowest(fhir.base)) for _ in range(calls + 2)][2:]
    answered = [(whole, single) for whole, single in times if whole is not None]
    if not answered:
        raise RuntimeError("no call of six-keys was answered")
    ratios = [whole / single for whole, single in answered]
    show(
        "Six missing keys from a FHIR server that takes 50 ms for each request",
        f"{len(answered)} of {calls} calls answered within the deadline; milliseconds, medians",
        ("", "whole call", "slowest request", "ratio", "calls"),
        [
            (
                "six-keys",
                f"{median(whole for whole, _ in answered) * 1000:.1f}",
                f"{median(single for _, single in answered) * 1000:.1f}",
                at_most(median(ratios), _TARGET),
                f"{min(ratios):.2f}-{max(ratios):.2f}",
            )
        ],
    )


def _chart() -> bodies.Resource:
    chart = bodies.Chart()
    records = itertools.chain(
        [chart.patient()],
        itertools.islice(chart.conditions(), _CONDITIONS),
        itertools.islice(chart.observations(services.CHART["labs"]), _LABS),
    )
    entries = [{"resource": record} for record in records]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _whole(server: servers.Server, base: str) -> float | None:
    body = bodies.without_prefetch(base)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.connect()
    started = time.perf_counter()
    connection.request("POST", urlsplit(server.url("six-keys")).path, body, _JSON)
    answer = connection.getresponse()
    found = json.load(answer)
    lasted = time.perf_counter() - started
    connection.close()
    if answer.status == 412:  # a key did not come within the deadline, on a busy machine
        return None
    if found["cards"][0]["summary"] != f"{_CONDITIONS} conditions in the prefetch":
        raise RuntimeError(f"six-keys answers {answer.status} {found}")
    return lasted


def _slowest(base: str) -> float:
    address = urlsplit(base)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=10)
    connection.connect()
    lasted = []
    for method, path, form in _requests(address.path):
        started = time.perf_counter()
        connection.request(method, path, form, _FORM if form else {})
        answer = connection.getresponse()
        answer.read()
        lasted.append(time.perf_counter() - started)
        if answer.status != 200:
            raise RuntimeError(f"the FHIR server answers {path} with {answer.status}")
    connection.close()
    return max(lasted)


def _requests(path: str) -> Iterator[tuple[str, str, str | None]]:
    for template in services.SIX.values():
        filled = template.replace("{{context.patientId}}", bodies.PATIENT_ID)
        type_, _, query = filled.partition("?")
        yield (
            ("POST", f"{path}/{type_}/_search", query)
            if query
            else ("GET", f"{path}/{type_}", None)
        )
