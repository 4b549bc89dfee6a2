"""Rules about a discovery document. CDS Hooks 1.0, 2.0 and 3.0, "Discovery"."""

import re
from collections import Counter

from sandbox.lint.hooks import HOOKS
from sandbox.lint.nodes import Node, type_of
from sandbox.lint.rule import Broken, quoted, rule, step
from sandbox.lint.shape import member_rules


@rule("CH-020", "error", "A service has one entry for a hook.")
def entries_once(document: Node) -> Broken:
    times: Counter[tuple[str, str]] = Counter()
    for each in document.objects("services"):
        id_, hook = each.get("id"), each.get("hook")
        if isinstance(id_, str) and isinstance(hook, str):
            times[id_, hook] += 1
    for (id_, hook), count in times.items():
        if count > 1:
            yield "services", f"{quoted(id_)} has {count} entries for {quoted(hook)}."


@rule("CH-019", "error", "An id is one segment of a path: it is called at cds-services/{id}.")
def id_is_a_segment(service: Node) -> Broken:
    id_ = service.text("id")
    if id_ and (id_ in (".", "..") or not _SEGMENT.fullmatch(id_)):
        yield "id", f"{quoted(id_)} cannot stand in a path as it is."


@rule("CH-016", "warning", "A hook is a published one, in its spelling, or reverse-domain.name.")
def hook_is_known(service: Node) -> Broken:
    hook = service.text("hook")
    if hook and hook not in HOOKS and not _OWN_HOOK.fullmatch(hook):
        folded = hook.strip().lower().replace("_", "-")
        hint = f" The published one is {folded}." if folded in HOOKS else ""
        yield "hook", f"No client fires {quoted(hook)}.{hint}"


@rule("CH-065", "warning", "New services are for the hooks that took the place of deprecated ones.")
def hook_is_current(service: Node) -> Broken:
    hook = HOOKS.get(service.text("hook") or "")
    if hook and hook.instead:
        yield "hook", f"It was replaced by {hook.instead}."


@rule("CH-018", "error", "Each value in prefetch is text: a FHIR read or search.")
def templates_are_text(service: Node) -> Broken:
    prefetch = service.value.get("prefetch")
    for key, template in prefetch.items() if isinstance(prefetch, dict) else ():
        if not isinstance(template, str) or not template.strip():
            yield f"prefetch.{step(key)}", f"It is {type_of(template)} without a query."


@rule("CH-018", "warning", "A prefetch key is a plain name, which clients can show and configure.")
def keys_are_names(service: Node) -> Broken:
    prefetch = service.value.get("prefetch")
    for key in prefetch if isinstance(prefetch, dict) else ():
        if not _KEY.fullmatch(key):
            yield "prefetch", f"{quoted(key)} is not."


@rule("CH-027", "warning", "A version is a semantic version: 1.0.0.")
def version_is_semantic(service: Node) -> Broken:
    version = service.text("version")
    if version and not _SEMANTIC.fullmatch(version):
        yield "version", f"It is {quoted(version)}."


@rule("CH-028", "error", "The hookVersion is a published version of the hook.")
def hook_version_is_published(service: Node) -> Broken:
    version, hook = service.text("hookVersion"), HOOKS.get(service.text("hook") or "")
    if version and hook and version not in hook.versions:
        published = " or ".join(hook.versions)
        yield "hookVersion", f"It is {quoted(version)}; there is {published}."


DISCOVERY = {
    "discovery document": (*member_rules("discovery document"), entries_once),
    "service": (
        *member_rules("service"),
        id_is_a_segment,
        hook_is_known,
        hook_is_current,
        templates_are_text,
        keys_are_names,
        version_is_semantic,
        hook_version_is_published,
    ),
}

# What RFC 3986 lets stand in a segment without an escape.
_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]+")
_OWN_HOOK = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_KEY = re.compile(r"[A-Za-z0-9_.-]+")
_SEMANTIC = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
