"""Why a request of a client is refused. RFC 6749, sections 4.1.2.1 and 5.2."""

from sandbox.http.answer import Answer, json_answer

NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class Refusal(Exception):
    """An error code and a sentence for the developer of the client."""

    def __init__(self, error: str, description: str, *, basic: bool = False) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self._basic = basic

    @property
    def answer(self) -> Answer:
        """The answer of an endpoint that clients call themselves."""
        status = 401 if self.error == "invalid_client" else 400
        challenge = {"WWW-Authenticate": 'Basic realm="development EHR"'} if self._basic else {}
        members = {"error": self.error, "error_description": self.description}
        return json_answer(members, status, {**NOT_STORED, **challenge})
