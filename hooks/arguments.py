"""From one Answer a prefetch key to the arguments of a service.

A needed key without data is a 412 (CDS Hooks, HTTP status codes); an optional one is None, and a
Gap that the cards tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clinical.finding import Gap
from clinical.text import markdown
from fhir.bundle import Answer, Given, Missing, Refused
from hooks.registry import Service
from web.errors import Problem


def arguments(
    service: Service, found: Mapping[str, Answer], extras: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Gap]]:
    """The service's arguments, and what of the data it will not see."""
    values = {name: extras[name] for name in service.extras}
    gaps: list[Gap] = []
    for parameter in service.parameters:
        key, answer = parameter.key, found[parameter.key]
        if isinstance(answer, Given):
            values[key] = answer.value
            gaps += [Gap(key, markdown("{text}", text=text)) for text in answer.gaps]
        elif parameter.needed:
            raise Problem(
                412,
                answer.code if isinstance(answer, Refused) else "required",
                f"This key is needed and {answer.reason}.{_remedy(answer)}",
                f"prefetch.{key}",
            )
        else:
            values[key] = None
            name = key.replace("_", " ")
            told = markdown("{name}: {reason}", name=name, reason=answer.reason)
            gaps.append(Gap(key, told))
    return values, gaps


def _remedy(answer: Answer) -> str:
    if isinstance(answer, Missing):
        return " Send it as prefetch, or allow us to read it with fhirAuthorization."
    return ""
