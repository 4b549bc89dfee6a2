"""The addresses of a development EHR."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Site:
    """One EHR at one origin: `iss` is its FHIR base as apps get to know it.

    `elsewhere` is the origin of somebody else, and `slow` are the seconds that a slow answer takes;
    both are for faults only.
    """

    origin: str
    iss: str
    elsewhere: str
    slow: float

    @property
    def fhir(self) -> str:
        """The FHIR base without a slash at its end."""
        return self.iss.rstrip("/")

    @property
    def authorize(self) -> str:
        """The authorization endpoint."""
        return f"{self.origin}/auth/authorize"

    @property
    def token(self) -> str:
        """The token endpoint."""
        return f"{self.origin}/auth/token"

    @property
    def revoke(self) -> str:
        """The revocation endpoint."""
        return f"{self.origin}/auth/revoke"

    @property
    def introspect(self) -> str:
        """The introspection endpoint."""
        return f"{self.origin}/auth/introspect"

    @property
    def jwks(self) -> str:
        """The keys of the id_tokens."""
        return f"{self.origin}/jwks.json"

    @property
    def style(self) -> str:
        """The `smart_style_url`."""
        return f"{self.origin}/style.json"
