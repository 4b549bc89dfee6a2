"""Creates and updates. FHIR R4, "RESTful API", headings "create", "update" and "Managing Resource
Contention".

A write is planned first, with all that can be wrong with it, and done afterwards: a transaction
plans all of its writes before it does any.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from sandbox.fhir.access import Access
from sandbox.fhir.checks import ID, check
from sandbox.fhir.errors import Refused, out_of_scope
from sandbox.fhir.index import Kept
from sandbox.fhir.parameters import WRITES
from sandbox.fhir.search import query
from sandbox.fhir.store import Store
from sandbox.http.answer import Resource

_ETAG = re.compile(r'(?:W/)?"([^"]+)"')


@dataclass(frozen=True)
class Planned:
    """A write that may be done. `there`: what is there instead, so that nothing is to be done."""

    resource: Resource
    new: bool
    there: Kept | None = None


def planned_create(
    store: Store,
    resource_type: str,
    resource_id: str,
    resource: Resource,
    access: Access | None,
) -> Planned:
    """A create under an id that is not taken."""
    _permit(store, resource_type, "c", access)
    check(resource, resource_type)
    created = {**resource, "id": resource_id}
    if access and not access.sees(Kept(created), "c"):
        raise out_of_scope()
    return Planned(created, new=True)


def planned_update(
    store: Store,
    resource_type: str,
    resource_id: str,
    resource: Resource,
    access: Access | None,
    if_match: str | None = None,
) -> Planned:
    """An update; of what is not there yet, a create under an id that the client has chosen."""
    _permit(store, resource_type, "u", access)
    if not ID.fullmatch(resource_id):
        raise Refused(400, "value", "The id in the address is not one of FHIR.")
    check(resource, resource_type)
    if resource.get("id") != resource_id:
        text = f"The id must be that of the address, {resource_id}."
        raise Refused(400, "invalid", text, f"{resource_type}.id")
    current = store.kept(resource_type, resource_id)
    if if_match is not None and _version(if_match) != (current and current.version):
        now = f"The newest version is {current.version}." if current else "It is not there."
        raise Refused(412, "conflict", f"{now} Read it again before you change it.")
    if current is None:
        return planned_create(store, resource_type, resource_id, resource, access)
    changed = Kept(resource)
    if access and not (access.sees(current, "u") and access.sees(changed, "u")):
        raise out_of_scope()
    if changed.patients != current.patients:
        raise Refused(422, "business-rule", "A record stays with the patient whose it is.")
    return Planned(resource, new=False)


def existing(store: Store, resource_type: str, terms: str, access: Access | None) -> Kept | None:
    """What a conditional create, or a conditional reference, finds; Refused if it is several."""
    if not store.knows(resource_type):
        raise _unknown(resource_type)
    if access and not access.may(resource_type, "s"):
        raise out_of_scope()
    try:
        asked = query(resource_type, parse_qsl(terms.partition("?")[2] or terms))
    except ValueError as error:
        raise Refused(400, "invalid", str(error)) from None
    if not asked.criteria or asked.ignored:
        raise Refused(412, "not-supported", f"{terms!r} says not clearly what to look for.")
    found = store.find(asked, access.limits(resource_type, "s") if access else [()])
    if len(found) > 1:
        raise Refused(412, "multiple-matches", f"There are {len(found)} of {terms!r}.")
    return found[0] if found else None


def done(store: Store, planned: Planned) -> Kept:
    """Does it; what is there then."""
    if planned.there:
        return planned.there
    kept = (store.create if planned.new else store.update)(planned.resource)
    found = store.kept(kept["resourceType"], kept["id"])
    assert found
    return found


def _permit(store: Store, resource_type: str, interaction: str, access: Access | None) -> None:
    if not store.knows(resource_type):
        raise _unknown(resource_type)
    if access and interaction not in WRITES.get(resource_type, ""):
        text = f"Apps do not {'create' if interaction == 'c' else 'update'} a {resource_type} here."
        raise Refused(405, "not-supported", text, headers={"Allow": "GET"})
    if access and not access.may(resource_type, interaction):
        raise out_of_scope()


def _version(if_match: str) -> str:
    etag = _ETAG.fullmatch(if_match.strip())
    if etag is None:
        raise Refused(400, "value", 'If-Match must be an ETag, such as W/"1".')
    return etag[1]


def _unknown(resource_type: str) -> Refused:
    return Refused(404, "not-supported", f"There is no resource type {resource_type!r} here.")
