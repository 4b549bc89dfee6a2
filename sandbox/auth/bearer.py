"""Access tokens at the FHIR base. RFC 6750; SMART App Launch 2.2, "Access FHIR API"."""

from sandbox.auth.fhir_faults import fhir_fault
from sandbox.auth.site import Site
from sandbox.auth.vault import Token, Vault
from sandbox.fhir.access import Access
from sandbox.fhir.rest import NotAdmitted
from sandbox.fhir.scopes import resource_scope
from sandbox.http.answer import Answer, refused
from sandbox.http.faults import Fault
from sandbox.http.listener import Request


class Bearer:
    """Admits requests by their token; with `open_records`, those without one to everything."""

    def __init__(self, vault: Vault, site: Site, open_records: bool) -> None:
        self._vault = vault
        self._site = site
        self._open_records = open_records

    def admit(self, request: Request) -> tuple[Access | None, Fault | None]:
        """What the request may see, and the fault that its launch asks for."""
        if request.authorization is None and self._open_records:
            return None, None
        scheme, _, value = (request.authorization or "").partition(" ")
        token = self._vault.active_access(value) if scheme.lower() == "bearer" else None
        if token is None or _said_to_be_over(token):
            raise NotAdmitted(_unauthorized(request.authorization is not None))
        faults = token.grant.launch.faults
        scopes = tuple(scope for text in token.scopes if (scope := resource_scope(text)))
        access = Access(scopes, token.grant.patient, "fhir_empty_compartment" in faults)
        subject = request.path.removeprefix("/fhir").strip("/").partition("/")[0]
        return access, fhir_fault(faults, subject, self._site)


def _said_to_be_over(token: Token) -> bool:
    first = token.grant.has("request_expired_token") and token.number == 0
    return first or token.grant.has("request_invalid_token")


def _unauthorized(with_token: bool) -> Answer:
    challenge = 'Bearer error="invalid_token"' if with_token else "Bearer"
    headers = {"WWW-Authenticate": challenge}
    return refused(401, "login", "A good access token is missing.", headers)
