"""The one shape of every refusal: application/problem+json (RFC 9457) with a stable `code` and a way out.

    {"type": "about:blank", "title": "Bad Request", "status": 400, "code": "not_json",
     "detail": "what and where", "hint": "what to do", …extras such as "line", "offset", "results"}

Nothing that was posted is ever repeated in it: an answer may end up in a log that nobody redacts.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response


class Problem(Exception):
    """A request that is refused with `status`; `extras` are further members of the answer."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        hint: str = "",
        *,
        extras: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.hint = hint
        self.extras = dict(extras or {})
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer that says so."""
        document = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **({"hint": self.hint} if self.hint else {}),
            **self.extras,
        }
        body = msgspec.json.encode(document)
        return Response(body, self.status, headers=self.headers, media_type="application/problem+json")


def busy(status: int, code: str, detail: str, seconds: int) -> Problem:
    """A refusal that passes: the sender is to come again after `seconds`."""
    hint = f"send the same body again after {seconds} s; with an Idempotency-Key nothing can double"
    return Problem(status, code, detail, hint, headers={"Retry-After": str(seconds)})
