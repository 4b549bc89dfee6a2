"""Encryption of what is kept to be read again (AES-256-GCM, NIST SP 800-38D).

A sealed value opens only where it was put: the row's own ids are authenticated with it, so that
whoever can write to the database cannot move a value from one chart to another.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from store.hashes import derived_key, packed

_NONCE = 12


class Seal:
    """Seals and opens under this secret."""

    def __init__(self, secret: str) -> None:
        self._cipher = AESGCM(derived_key(secret, "sealing"))

    def seal(self, content: bytes, *place: str) -> bytes:
        """The content, readable only with the secret and the same place."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, content, packed(*place))

    def open(self, sealed: bytes, *place: str) -> bytes | None:
        """The content; None if it was sealed elsewhere, under another secret, or was changed."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], packed(*place))
        except (InvalidTag, ValueError):
            return None
