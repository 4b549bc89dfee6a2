"""The rules about the members of each kind of object. CDS Hooks 2.0, "Use of JSON", "Extensions".

What is empty where nothing is required is left to one rule about whole documents.
"""

from typing import Any

from sandbox.lint.members import KINDS, Member
from sandbox.lint.nodes import Node, a, type_of
from sandbox.lint.rule import Broken, Rule, joined, quoted, step

# Codings of FHIR have more than CDS Hooks needs.
_ALSO = {
    "action": {"resource"},
    "system action": {"resource"},
    "topic": {"version", "userSelected", "id", "extension"},
    "override reason": {"version", "userSelected", "id", "extension"},
}


def member_rules(kind: str) -> tuple[Rule, ...]:
    """The rules about the members of a kind of object."""
    table = KINDS[kind]
    own = [_member_rule(kind, name, member) for name, member in table.items()]
    return (*own, _others_rule(kind), *([_extension_rule(kind)] if "extension" in table else []))


def _member_rule(kind: str, name: str, member: Member) -> Rule:
    what = {"text": "text", "boolean": "true or false"}.get(member.type, f"an {member.type}")
    if member.type == "array" and member.of:
        what = f"an array of {member.of}s, each an object"
    wants = f"The {name} of {a(kind)} is {what}"
    if member.required:
        wants += " and required" if member.severity == "error" else " and should be there"
    wants = f"{wants}. {member.why}".rstrip()

    def broken(node: Node) -> Broken:
        value = node.value.get(name)
        if _is_empty(value) and not (value == [] and member.may_be_empty):
            if member.required:
                yield (name if name in node.value else ""), _missing(name, name in node.value)
        elif type_of(value) != member.type:
            yield name, f"The {name} is {a(type_of(value))}."
        elif member.type == "array" and member.of:
            for number, item in enumerate(value or ()):
                if not isinstance(item, dict):
                    yield f"{name}[{number}]", f"It is {a(type_of(item))}."

    return Rule(f"{kind}.{name}", member.number, member.severity, wants, broken)


def _missing(name: str, there: bool) -> str:
    return f"The {name} is empty." if there else f"There is no {name}."


def _others_rule(kind: str) -> Rule:
    known = {*KINDS[kind], *_ALSO.get(kind, ())}
    spelt = {_folded(name): name for name in known}
    number = "CH-030" if kind in ("discovery document", "service") else "CH-046"

    def broken(node: Node) -> Broken:
        for key in node.value:
            if key not in known:
                meant = spelt.get(_folded(key))
                hint = f" The specification writes {meant}." if meant else ""
                yield step(key), f"{quoted(key)} is no member of {a(kind)}.{hint}"

    wants = "What the specification does not name belongs into extension."
    return Rule(f"{kind}, others", number, "warning", wants, broken)


def _extension_rule(kind: str) -> Rule:
    number = KINDS[kind]["extension"].number

    def broken(node: Node) -> Broken:
        extension = node.value.get("extension")
        for key in extension if isinstance(extension, dict) else ():
            if "." not in key:
                yield joined("extension", step(key)), f"The key {quoted(key)} has no owner."

    wants = "The keys of an extension begin with a domain turned round: com.example.name."
    return Rule(f"{kind}, extension keys", number, "warning", wants, broken)


def _folded(name: str) -> str:
    return name.replace("-", "").replace("_", "").casefold()


def _is_empty(value: Any) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())
