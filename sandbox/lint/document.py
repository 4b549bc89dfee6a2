"""`python -m sandbox.lint.document`: what the numbers of the rules mean, for whoever is told one.

Numbers and severities are read from the rules, and a number without a row is an error. `make docs`
writes it to `docs/lint.md`.
"""

import sys
from collections.abc import Iterator

from sandbox.lint import OF_ANSWERS, OF_DISCOVERY
from sandbox.lint.rule import Rule
from sandbox.lint.site import SITE

RULES: tuple[Rule, ...] = (
    *(rule for rules in (*OF_DISCOVERY.values(), *OF_ANSWERS.values()) for rule in rules),
    *SITE,
)

_OURS = "none: ours"
_NUMBERS = {
    "CH-001": ("Use of JSON", "What is about patients goes over https."),
    "CH-003": ("Use of JSON", "JSON is sent, and the Content-Type says so."),
    "CH-004": ("Use of JSON", "JSON is UTF-8 that every client can read (RFC 8259, 8.1)."),
    "CH-005": ("Use of JSON", "Nothing is null or empty but the arrays cards and services."),
    "CH-006": (_OURS, "A call that is no JSON is answered with 400."),
    "CH-010": ("Action", "A resource is FHIR JSON with its resourceType."),
    "CH-011": (_OURS, "Answers about patients are not cached."),
    "CH-012": (
        "Discovery",
        "GET {base}/cds-services answers 200 and an object that holds services.",
    ),
    "CH-016": ("Discovery", "A service has hook, id and description; its hook is a known one."),
    "CH-017": ("Discovery", "A service has a title."),
    "CH-018": ("Discovery", "prefetch is an object of plainly named queries, each a text."),
    "CH-019": ("Discovery", "An id is one segment of the path that the service is called at."),
    "CH-020": ("Discovery", "A service has one entry for a hook; only other hooks share its id."),
    "CH-022": ("Prefetch tokens", "A token is a field of the context or an id of the user."),
    "CH-023": ("Prefetch tokens", "A field is one that its hook lets stand in a token."),
    "CH-024": (
        "Prefetch query restrictions",
        "A template is a read or search that any server has.",
    ),
    "CH-025": ("Prefetch query restrictions", "Sorting and counting are written as in FHIR R4."),
    "CH-026": (
        "3.0, Simpler FHIRPath support for Querystring Syntax",
        "A key that needs the result of another stands after it.",
    ),
    "CH-027": ("3.0, Discovery", "The version of a service is a semantic version."),
    "CH-028": ("3.0, Discovery", "The hookVersion is a published version of the hook."),
    "CH-030": ("Extensions", "What is added to discovery stands in extension, by a unique name."),
    "CH-031": ("CDS Service Response", "A call is answered with 200 and an object with cards."),
    "CH-032": (_OURS, "A service that there is not is answered with 404."),
    "CH-033": (_OURS, "A wrong method is answered with 405, and Allow names the right ones."),
    "CH-034": (_OURS, "A call without a hook and a context is answered with 400."),
    "CH-046": ("Extensions", "What is added to an answer stands in extension, by a unique name."),
    "CH-065": ("Hook library", "New services are for hooks that are not deprecated."),
    "CH-070": ("Prefetch Template", "412 is for data that the service needs and cannot get."),
    "CH-077": (_OURS, "What is asked and proposed is about the patient of the call."),
    "CH-089": ("HTTP Response", "Nothing to say is 200 and an empty array of cards."),
    "CH-090": ("Card Attributes", "A summary is a plain sentence of fewer than 140 characters."),
    "CH-091": ("Card Attributes", "An indicator is info, warning or critical."),
    "CH-092": ("Source", "A card has a source with a label."),
    "CH-093": ("Source", "The url and the icon of a source are absolute."),
    "CH-094": ("Source", "A topic is a code of a system, by which EHRs remember an override."),
    "CH-095": ("Card Attributes", "A detail is GitHub Markdown, and nothing in it runs."),
    "CH-096": ("Card Attributes", "A uuid names one card or suggestion, for feedback."),
    "CH-097": ("Card Attributes", "A card with suggestions has a selectionBehavior."),
    "CH-098": ("Card Attributes", "A selectionBehavior is at-most-one or any."),
    "CH-099": ("Suggestion", "Of suggestions that exclude each other, one is recommended."),
    "CH-100": ("Suggestion", "A suggestion has a label."),
    "CH-101": ("Action", "An action has a description, and creates, updates or deletes."),
    "CH-102": ("Action", "A create has the new resource."),
    "CH-103": ("Action", "An update has the whole resource, by the id that the client gave it."),
    "CH-104": ("Action", "A delete says in resourceId what is deleted."),
    "CH-105": (_OURS, "Orders that are changed or deleted are drafts of the call."),
    "CH-107": ("3.0, Suggestion", "An actionSelectionBehavior is all, any or at-most-one."),
    "CH-108": (
        "Reasons for rejecting a card",
        "A reason has a code of its own, a system and words.",
    ),
    "CH-109": ("Link", "A link has a label, a type, absolute or smart, and a url that is http(s)."),
    "CH-110": ("Link", "Only a link to a SMART app has an appContext, a text."),
    "CH-111": ("Link", "A link that starts by itself leaves nothing on its card unseen."),
    "CH-112": ("HTTP Response", "Without system actions, there is no systemActions."),
    "CH-113": ("System Action", "System actions are about what the hook was fired for."),
    "CH-114": ("System Action", "A system action has a description."),
    "CH-115": (
        "3.0, Returning OperationOutcome",
        "An error has an OperationOutcome, no traceback.",
    ),
    "CH-127": ("Trusting CDS Clients", "A caller that is not known is told how to be admitted."),
    "CH-142": ("Cross-Origin Resource Sharing", "Pages of the given origin can call the service."),
    "CH-143": (
        "Providing FHIR Resources to a CDS Service",
        "What is sent is small, so that it is fast.",
    ),
}

_HEAD = """\
# The rules of the lint

Generated by `make docs` from the rules: do not edit it here. An **error** breaks a MUST of CDS
Hooks; a **warning** breaks a SHOULD, or troubles clients that are in use. A finding says besides
what is wrong in this place.

The sections are those of [CDS Hooks 2.0](https://cds-hooks.hl7.org/2.0/) where no version is named;
3.0 is the ballot. "Ours" is a rule that no section demands.

| rule | finds | what it asks | section |
|---|---|---|---|
"""


def document() -> str:
    """The whole text."""
    return _HEAD + "".join(_rows())


def _rows() -> Iterator[str]:
    for number in sorted({rule.number for rule in RULES}):
        section, asks = _NUMBERS[number]
        finds = sorted({rule.severity for rule in RULES if rule.number == number})
        yield f"| {number} | {', '.join(finds)} | {asks} | {section} |\n"


if __name__ == "__main__":
    sys.stdout.write(document())
