"""Whose record is it: the patient of a chart, and every way in which a reference can name them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from urllib.parse import urlsplit

from fhir.records import Patient, Reference


@lru_cache(maxsize=128)
def normal(url: str) -> str:
    """A base URL as it compares: scheme and host in lower case, no default port, no last slash
    (RFC 3986, 6.2.2). Raises ValueError for a port that is none.
    """
    parts = urlsplit(url)
    port = parts.port
    host = (parts.hostname or "") if ":" not in (parts.hostname or "") else f"[{parts.hostname}]"
    if port is not None and port != {"http": 80, "https": 443}.get(parts.scheme):
        host += f":{port}"
    return f"{parts.scheme}://{host}{parts.path}".rstrip("/")


class Owner:
    """The patient of this chart, and every way a reference can name them.

    An id is theirs when it is the chart's patient id or when their own Patient record links to it
    (merged records). An absolute reference is theirs only under a base of this EHR.
    """

    def __init__(self, patient_id: str, bases: Iterable[str], links: Iterable[str] = ()) -> None:
        self.patient_id = patient_id
        self._bases = tuple(map(normal, bases))
        ids = {patient_id, *links}
        self.references = frozenset(
            f"{base}Patient/{id}" for id in ids for base in ("", *(f"{b}/" for b in self._bases))
        )

    def owns(self, subject: Reference | None) -> bool:
        if subject is None or subject.reference is None:
            return False
        return (
            subject.reference in self.references
            or self._plain(subject.reference) in self.references
        )

    def _plain(self, reference: str) -> str:
        """A reference without its version, its base spelled as ours are."""
        plain = reference.partition("/_history/")[0]
        if "://" in plain:
            with suppress(ValueError):
                return normal(plain)
        return plain

    def linked(self, patient: Patient) -> Owner:
        """The same owner, with the other ids that this patient's own record names."""
        ids = [
            self._id(link.other.reference)
            for link in patient.link
            if link.other and link.other.reference
        ]
        return Owner(self.patient_id, self._bases, filter(None, ids)) if any(ids) else self

    def _id(self, reference: str) -> str:
        """The id in a reference to a Patient of this EHR, else ""."""
        plain = self._plain(reference)
        for base in ("", *(f"{base}/" for base in self._bases)):
            head, _, id_ = plain.partition(f"{base}Patient/")
            if not head and id_:
                return id_
        return ""
