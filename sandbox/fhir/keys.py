"""What a resource is found by: the codes, references and URIs it has, its dates and its texts.

FHIR R4, "Search", headings "token", "reference", "uri", "date" and "string".
"""

import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from sys import intern
from typing import Any

from sandbox.fhir.dates import Span, span
from sandbox.fhir.parameters import parameters
from sandbox.http.answer import Resource

Value = Span | str


def keys(resource: Resource) -> frozenset[str]:
    """What a resource is found by: `name=value` for all that tokens, references and URIs ask."""
    return frozenset(
        intern(f"{name}={key}")
        for name, parameter in parameters(resource["resourceType"]).items()
        if parameter.kind in _KEYS
        for value in parameter.values(resource)
        for key in _KEYS[parameter.kind](name, value)
    )


def values(resource: Resource, name: str) -> tuple[Value, ...]:
    """The dates or the folded texts that a parameter looks at; a malformed one is none."""
    parameter = parameters(resource["resourceType"])[name]
    found: list[Value] = []
    for element in parameter.values(resource):
        with suppress(ValueError):
            found.append(span(element) if parameter.kind == "date" else folded(str(element)))
    return tuple(found)


def _token_keys(name: str, element: Any) -> Iterator[str]:
    if isinstance(element, bool):
        element = str(element).lower()
    if not isinstance(element, dict):
        # A `code` or an `id`: its system, if any, is implied by the element's definition.
        yield f"{element}"
        yield f"*|{element}"
        return
    codings = element.get("coding", [element])
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict):
            system, code = coding.get("system", ""), coding.get("code", coding.get("value"))
            yield f"{system}|"
            if code is not None:
                yield f"{code}"
                yield f"{system}|{code}"


def asked_tokens(text: str) -> Iterator[str]:
    """The keys, one of which a resource has that a token in a search is for."""
    yield text
    if "|" in text:
        yield "*|" + text.rpartition("|")[2]


def _reference_keys(name: str, element: Any) -> Iterator[str]:
    reference = element.get("reference") if isinstance(element, dict) else None
    if isinstance(reference, str):
        resource_type, _, resource_id = reference.partition("/_history/")[0].rpartition("/")
        resource_type = resource_type.rpartition("/")[2]
        if resource_type == "Patient" or name != "patient":
            yield resource_id
            yield f"{resource_type}/{resource_id}"


def _uri_keys(name: str, element: Any) -> Iterator[str]:
    yield f"{element}"
    yield f"{element}".partition("|")[0]


_KEYS = {"token": _token_keys, "reference": _reference_keys, "uri": _uri_keys}


def folded(text: str) -> str:
    """Without case and accents, as FHIR compares strings."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in parts if not unicodedata.combining(c))
