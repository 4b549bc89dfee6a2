"""What Chartside is measured against: a Flask view that does the least a typed service can do.

It decodes the whole body at once into the same structs (fhir/records.py) and returns an answer
that was fixed before, of the same size as Chartside's. It checks nothing: not whose records they
are, not whether a member stands twice.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path

import msgspec
from flask import Flask, Response, request
from msgspec import Struct

from fhir.records import OperationOutcome, Record

ANSWERS = "BENCHMARK_ANSWERS"


class Entry(Struct, gc=False):
    resource: Record | OperationOutcome | None = None


class Bundle(Struct, gc=False, tag_field="resourceType", tag="Bundle"):
    entry: list[Entry] = []


class Context(Struct, rename="camel"):
    user_id: str
    patient_id: str
    encounter_id: str | None = None


class Call(Struct, rename="camel"):
    hook: str
    hook_instance: str
    context: Context
    prefetch: dict[str, Record | Bundle | None]
    fhir_server: str | None = None


def serve() -> Flask:
    """What granian starts; the environment names the folder of the fixed answers, by service."""
    app = Flask(__name__)
    decode = msgspec.json.Decoder(Call).decode
    answers = {file.stem: file.read_bytes() for file in Path(os.environ[ANSWERS]).glob("*.json")}

    @app.get("/cds-services")
    def discover() -> Response:
        return Response(b"{}", mimetype="application/json")

    @app.post("/cds-services/<id>")
    def call(id: str) -> Response:
        decode(request.get_data(cache=False))
        return Response(answers[id], mimetype="application/json")

    gc.collect()
    gc.freeze()
    return app
