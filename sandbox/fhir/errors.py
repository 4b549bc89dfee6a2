"""Why an interaction is refused. FHIR R4, "RESTful API", heading "HTTP codes"."""

import json
from collections.abc import Mapping

from sandbox.http.answer import Answer, outcome


class Refused(Exception):
    """Nothing was done; `answer` tells why.

    `code` is of the issue-type value set, `at` the element that is wrong, as a FHIRPath.
    """

    def __init__(
        self,
        status: int,
        code: str,
        text: str,
        at: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.at = at
        self.headers = headers or {}

    @property
    def answer(self) -> Answer:
        """The status, and an OperationOutcome."""
        told = outcome("error", self.code, self.text)
        if self.at:
            told["issue"][0]["expression"] = [self.at]
        return Answer(self.status, json.dumps(told).encode(), self.headers)

    def of_entry(self, number: int) -> "Refused":
        """The same, told of an entry of a Bundle."""
        where = f"Bundle.entry[{number}]"
        at = f"{where}.resource" if self.at else where
        return Refused(self.status, self.code, f"{where}: {self.text}", at, self.headers)


def out_of_scope() -> Refused:
    """What is refused to a good token. RFC 6750, section 3.1."""
    challenge = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
    return Refused(
        403, "forbidden", "The scopes of this token do not reach that.", headers=challenge
    )
