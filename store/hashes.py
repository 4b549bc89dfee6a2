"""Digests of identifiers: who and what a row is about, without saying so.

Patient, user and finding are keyed with the server's secret and the EHR, so that rows of two EHRs
cannot be joined and nobody without the secret can try out identifiers.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from store.tables import KEY

Kind = Literal["patient", "user", "finding"]


class Hashes:
    """Keyed hashes under this secret."""

    def __init__(self, secret: str) -> None:
        self._key = derived_key(secret, "hashes")

    def of(self, ehr_id: str, kind: Kind, value: str) -> str:
        """The keyed hash of a patient id, a user reference or a finding key, for one EHR."""
        return hmac.digest(self._key, packed(ehr_id, kind, value), hashlib.sha256).hex()[:KEY]


def derived_key(secret: str, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose (HKDF, RFC 5869), so that no key has two uses."""
    return HKDF(SHA256(), 32, None, b"chartside store " + purpose.encode()).derive(secret.encode())


def digest(*parts: str) -> str:
    """A digest that tells these parts from any others."""
    return hashlib.sha256(packed(*parts)).hexdigest()


def packed(*parts: str) -> bytes:
    """The parts with their lengths: ("a", "bc") is not ("ab", "c")."""
    # JSON may hold lone surrogates, in a jti for instance.
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(each).to_bytes(4, "big") + each for each in encoded)
