"""Rules about prefetch templates. CDS Hooks 2.0 and 3.0, "Prefetch Template"."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sandbox.lint.hooks import HOOKS
from sandbox.lint.nodes import Node
from sandbox.lint.rule import Broken, quoted, rule, step

_MOST = 200  # templates of a service

USER_TOKENS = frozenset(
    {"userPractitionerId", "userPractitionerRoleId", "userPatientId", "userRelatedPersonId"}
)


@dataclass(frozen=True)
class Template:
    """A template of a service. `keys` are the numbers of all its keys, `number` is its own."""

    text: str
    path: str
    hook: str
    keys: Mapping[str, int]
    number: int

    @property
    def tokens(self) -> list[str]:
        return _TOKEN.findall(self.text)

    @property
    def alternatives(self) -> list[str]:
        """What tokens name, one by one; several in a token are joined by `|`."""
        return [part.strip() for token in self.tokens for part in token.split("|")]

    @property
    def plain(self) -> str:
        """The template with an id in the place of each token."""
        return _TOKEN.sub("x", self.text)

    @property
    def type(self) -> str:
        return re.split(r"[/?]", self.text, maxsplit=1)[0]

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """Names and values of its query."""
        query = self.plain.partition("?")[2]
        pairs = (part.partition("=") for part in query.split("&") if part)
        return [(name, value) for name, _, value in pairs]


def templates(service: Node) -> Iterator[Template]:
    """The templates of a service that can be judged."""
    prefetch = service.value.get("prefetch")
    if not isinstance(prefetch, dict):
        return
    keys = {key: number for number, key in enumerate(prefetch)}
    for key, text in list(prefetch.items())[:_MOST]:
        if isinstance(text, str) and text.strip():
            path = f"{service.path}.prefetch.{step(key)}".replace(".[", "[")
            yield Template(text, path, service.text("hook") or "", keys, keys[key])


@rule("CH-022", "error", "A token is {{context.field}} or one of the four ids of the user.")
def tokens_are_tokens(template: Template) -> Broken:
    if "{" in template.plain or "}" in template.plain:
        yield "", "It has braces that are no token."
    for token in template.tokens:
        parts = [part.strip() for part in token.split("|")]
        if not all(_is_simple(part) or _is_newer(part) for part in parts):
            yield "", f"{quoted('{{' + token + '}}')} is none."


@rule("CH-022", "warning", "What 3.0 has added, clients of 2.0 do not fill: the key stays absent.")
def tokens_are_of_2_0(template: Template) -> Broken:
    for token in template.tokens:
        parts = [part.strip() for part in token.split("|")]
        if all(_is_simple(part) or _is_newer(part) for part in parts) and not (
            len(parts) == 1 and _is_simple(parts[0])
        ):
            yield "", f"{quoted('{{' + token + '}}')} is newer than 2.0."


@rule("CH-022", "warning", "A token has no blanks, which not every client skips.")
def tokens_are_tight(template: Template) -> Broken:
    for token in template.tokens:
        if _is_simple(token.strip()) and token != token.strip():
            yield "", f"{quoted('{{' + token + '}}')} has."


@rule("CH-023", "error", "A token is a field that the hook marks as one; a path may enter others.")
def fields_are_tokens(template: Template) -> Broken:
    hook = HOOKS.get(template.hook)
    for each in template.alternatives if hook else ():
        root, _, field = each.partition(".")
        if root != "context" or hook is None:
            continue
        name = field.partition(".")[0]
        if name not in hook.tokens and not (name in hook.fields and name != field):
            yield "", f"{template.hook} has no token {quoted(each)}."


@rule("CH-026", "error", "A key that needs another stands after it.")
def sources_come_first(template: Template) -> Broken:
    for each in template.alternatives:
        if each.startswith("%"):
            key = re.split(r"\.", each[1:], maxsplit=1)[0]
            if key not in template.keys:
                yield "", f"There is no key {quoted(key)}."
            elif template.keys[key] >= template.number:
                yield "", f"The key {quoted(key)} does not stand before it."


@rule("CH-024", "error", "A template is a FHIR read or search, relative to the FHIR server.")
def is_a_query(template: Template) -> Broken:
    if _TOKEN.fullmatch(template.text):
        return
    if _ABSOLUTE.match(template.text):
        yield "", "It is an address that is not relative to the FHIR server."
    elif re.search(r"\s", template.plain):
        yield "", "It has blanks."
    elif not _QUERY.fullmatch(template.plain):
        yield "", "It does not begin with a resource type."


@rule("CH-024", "warning", "Not every server has more than: reads, and searches of one type.")
def is_a_plain_interaction(template: Template) -> Broken:
    path = template.plain.partition("?")[0]
    if _QUERY.fullmatch(template.plain) and (path.count("/") > 1 or "$" in path):
        yield "", "It is another interaction."


@rule(
    "CH-024",
    "warning",
    "Not every server has more than: tokens by equality or :in, references, dates with eq, lt, "
    "gt, ge or le, _count and _sort.",
)
def is_a_plain_search(template: Template) -> Broken:
    for name, value in template.parameters:
        bare, _, modifier = name.partition(":")
        if bare in _SPECIAL or "." in bare:
            yield "", f"It asks for {quoted(name)}."
        elif modifier and modifier != "in" and bare != "_maxresults" and bare != "sort":
            yield "", f"It has the modifier :{modifier[:40]}."
        if _PREFIX.match(value):
            yield "", f"It has the prefix {value[:2]}."


@rule("CH-024", "warning", "A parameter stands once: a known client joins repeated ones with 'or'.")
def parameters_stand_once(template: Template) -> Broken:
    for name, count in Counter(name for name, _ in template.parameters).items():
        if count > 1:
            yield "", f"{quoted(name)} stands {count} times."


@rule("CH-025", "warning", "FHIR writes _sort=-date and _count, whatever samples show.")
def is_fhir(template: Template) -> Broken:
    for name, _ in template.parameters:
        if name in ("_maxresults", "sort") or name.startswith(("sort:", "_sort:")):
            yield "", f"{quoted(name)} is no parameter of FHIR."


@rule(
    "CH-077", "warning", "What is prefetched is about the patient: patient={{context.patientId}}."
)
def is_about_somebody(template: Template) -> Broken:
    if template.type in _OF_PATIENTS and "{" not in template.text:
        yield "", f"It asks for {template.type}s of anybody."


TEMPLATE = (
    tokens_are_tokens,
    tokens_are_of_2_0,
    tokens_are_tight,
    fields_are_tokens,
    sources_come_first,
    is_a_query,
    is_a_plain_interaction,
    is_a_plain_search,
    parameters_stand_once,
    is_fhir,
    is_about_somebody,
)

_TOKEN = re.compile(r"\{\{([^{}]*)\}\}")
_SIMPLE = re.compile(r"context\.\w+")
_PATH = re.compile(r"(context|%[\w-]+)(\.\w+(\(\w*\))?)+")
_TODAY = re.compile(r"today\(\)(\s*[+-]\s*\d+\s*'?(day|week|month|year)s?'?)?")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|/")
_QUERY = re.compile(r"[A-Z][A-Za-z]+(/[^?\s]+)?(\?\S*)?")
_PREFIX = re.compile(r"(ne|sa|eb|ap)\d{4}")
_SPECIAL = frozenset(
    {"_include", "_revinclude", "_has", "_filter", "_query", "_text", "_content", "_list"}
)
_TYPES = (
    "AllergyIntolerance Appointment CarePlan Claim Condition Coverage DiagnosticReport "
    "DocumentReference Encounter Goal ImagingStudy Immunization MedicationAdministration "
    "MedicationDispense MedicationOrder MedicationRequest MedicationStatement Observation "
    "Patient Procedure QuestionnaireResponse RelatedPerson ServiceRequest"
)
_OF_PATIENTS = frozenset(_TYPES.split())


def _is_simple(token: str) -> bool:
    return token in USER_TOKENS or bool(_SIMPLE.fullmatch(token))


def _is_newer(token: str) -> bool:
    return bool(_PATH.fullmatch(token) or _TODAY.fullmatch(token))
