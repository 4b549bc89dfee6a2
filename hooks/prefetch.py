"""From what the EHR sent, and what must be fetched, to one Answer a prefetch key.

What was given is checked against its template; what is missing, is about somebody else or has
further pages is fetched with the call's own token, all keys in parallel, within one deadline. An
EHR that says it could not provide a key (OperationOutcome) is not asked again.
"""

from __future__ import annotations

from msgspec import Raw

from fhir.bundle import (
    Answer,
    Given,
    Missing,
    Page,
    Refused,
    Value,
    read_page,
    read_resource,
    searchset,
)
from fhir.owner import Owner
from fhir.records import Patient
from fhir.transport import NextPage, Query, Transport
from hooks.registry import Parameter, Service
from hooks.request import HookRequest
from web.trust import Ehr


def answers(
    service: Service,
    request: HookRequest,
    owner: Owner,
    ehr: Ehr,
    transport: Transport,
    seconds: float,
) -> dict[str, Answer]:
    """One Answer for each prefetch key of the service; `seconds` for all that is fetched."""
    found: dict[str, Answer] = {}
    answer: Answer | Page
    open_: list[tuple[Parameter, list[Page], Query | NextPage]] = []
    # The patient first: their own record says under which other ids they are known.
    for parameter in sorted(service.parameters, key=lambda each: each.type is not Patient):
        if parameter.key in request.prefetch:
            answer = _given(parameter, request.prefetch[parameter.key], owner)
        else:
            answer = Missing("was not sent")
        if isinstance(answer, Page):
            open_.append((parameter, [answer], NextPage(answer.next or "")))
            answer = _part(parameter, answer, Missing("holds only the first page"))
        elif isinstance(answer, Missing):
            query = parameter.template.fill(request.tokens)
            if query is not None:
                open_.append((parameter, [], query))
        found[parameter.key] = answer
        owner = _with_links(owner, answer)
    server, authorization = request.fhir_server, request.fhir_authorization
    why_not = _why_not(request, ehr, transport)
    if why_not:
        for parameter, _, _ in open_:
            answer = found[parameter.key]
            if isinstance(answer, Missing):
                found[parameter.key] = Refused(f"{answer.reason}, and {why_not}")
    elif open_ and server and (authorization or ehr.open_fhir):
        token = authorization.access_token if authorization else None
        asked = [ask for _, _, ask in open_]
        fetched = transport.fetch(server, token, asked, seconds)
        for (parameter, pages, _), bodies in zip(open_, fetched, strict=True):
            if isinstance(bodies, Refused):
                answer = _part(parameter, pages[0], bodies) if pages else bodies
            else:
                answer = _fetched(parameter, pages, bodies, owner)
            found[parameter.key] = answer
            owner = _with_links(owner, answer)
    return found


def _given(parameter: Parameter, value: Raw | Value, owner: Owner) -> Answer | Page:
    """What a prefetch value answers; a Page where further pages must be had."""
    if parameter.template.is_read:
        return read_resource(value, parameter.type, owner)
    page = read_page(value, parameter.type, owner)
    if not isinstance(page, Page) or (page.next is not None and not parameter.template.window):
        return page
    return searchset([page], parameter.type, parameter.template.window)


def _part(parameter: Parameter, first: Page, rest: Missing | Refused) -> Answer:
    """A first page without the others: good evidence, but never all of it."""
    if parameter.needed:
        return rest
    return searchset([first], parameter.type, rest=f"was not sent ({rest.reason})")


def _fetched(
    parameter: Parameter, pages: list[Page], bodies: list[bytes], owner: Owner
) -> Given | Refused:
    if parameter.template.is_read:
        answer = read_resource(bodies[0], parameter.type, owner)
        return Refused(f"the answer {answer.reason}") if isinstance(answer, Missing) else answer
    for body in bodies:
        page = read_page(body, parameter.type, owner)
        if isinstance(page, Refused):
            return page
        if isinstance(page, Missing):
            return Refused(f"the answer {page.reason}")
        pages.append(page)
    return searchset(pages, parameter.type, parameter.template.window)


def _with_links(owner: Owner, answer: Answer) -> Owner:
    if isinstance(answer, Given) and isinstance(answer.value, Patient):
        return owner.linked(answer.value)
    return owner


def _why_not(request: HookRequest, ehr: Ehr, transport: Transport) -> str | None:
    """What forbids to ask the FHIR server that this call names (CDS Hooks, FHIR Resource Access);
    None where nothing does, or where it names none.
    """
    authorization = request.fhir_authorization
    if request.fhir_server is None or (authorization is None and not ehr.open_fhir):
        return None
    if not transport.lists(request.fhir_server):
        return "fhirServer is not an address of this EHR's trust record"
    if authorization and authorization.expires_in <= 0:
        return "fhirAuthorization has expired"
    if authorization and authorization.patient not in (None, request.context.patient_id):
        return "fhirAuthorization is for another patient"
    return None
