"""What goes wrong with the FHIR answers to the tokens of one launch."""

from collections.abc import Collection
from urllib.parse import urlsplit

from sandbox.auth.site import Site
from sandbox.http import faults
from sandbox.http.faults import Fault


def fhir_fault(names: Collection[str], resource_type: str, site: Site) -> Fault | None:
    """The fault for answers about a type, if one of these names is for it."""
    for name in names:
        fault, _, only = name.partition(":")
        if only in ("", resource_type) and fault in _FAULTS:
            return _FAULTS[fault]
    for name in names:
        fault, _, only = name.partition(":")
        if only in ("", resource_type) and fault in _PLACED:
            return _placed(fault, site)
    return None


_FAULTS: dict[str, Fault] = {
    "fhir_403": faults.Status(403),
    "fhir_404": faults.Status(404),
    "fhir_410": faults.Status(410),
    "fhir_429": faults.Throttled(1),
    "fhir_500": faults.Status(500),
    "fhir_503": faults.Status(503),
    "fhir_truncated": faults.Truncated(),
    "fhir_html": faults.NotJson(),
    "fhir_outcome": faults.Outcome(),
    "fhir_wrong_patient": faults.OtherPatient(),
    "fhir_wrong_id": faults.WrongId(),
    "fhir_wrong_type": faults.WrongType(),
    "fhir_unreadable": faults.Unreadable(),
    "fhir_endless": faults.Endless(),
    "fhir_partial_bundle": faults.Partial(),
}
_PLACED = ("fhir_slow", "fhir_foreign_next", "fhir_redirect", "fhir_scheme_relative_ref")


def _placed(fault: str, site: Site) -> Fault:
    if fault == "fhir_slow":
        return faults.Slow(site.slow)
    if fault == "fhir_foreign_next":
        return faults.ForeignNext(f"{site.elsewhere}/fhir/Observation?_page=2")
    if fault == "fhir_redirect":
        return faults.Redirect(f"{site.elsewhere}/fhir")
    return faults.ForeignReferences(urlsplit(site.elsewhere).netloc)
