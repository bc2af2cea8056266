"""The one shape of every refusal: application/problem+json (RFC 9457) with a stable `code` and a way out.

    {"type": "about:blank", "title": "Bad Request", "status": 400, "code": "not_json",
     "detail": "what and where", "hint": "what to do", …extras such as "line", "offset", "results"}

Nothing that was posted is ever repeated in it: an answer may end up in a log that nobody redacts.
"""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import msgspec
from starlette.responses import Response

CODES: Mapping[str, str] = MappingProxyType(
    {
        "bad_encoding": "the body is not what its Content-Encoding says, or was cut off",
        "bad_key": "an Idempotency-Key or delivery id is unusable",
        "bad_wait": "`wait` takes `stored` only",
        "empty": "there is no body",
        "foreign_host": "without tokens the receiver answers to loopback names only",
        "not_json": "the body is not JSON; the answer has line, column and offset, nothing was taken",
        "not_json_type": "the Content-Type is not one of JSON",
        "nothing_usable": "no event of the body is a JSON object; `results` says why, event by event",
        "spool_failed": "the agent cannot write to its disk; come again",
        "spool_full": "the spool's quota is reached; come again",
        "too_large": "the body is larger than the receiver takes; nothing was cut off, nothing taken",
        "too_many_events": "the body holds more events than the receiver takes at once",
        "too_many_posts": "too many bytes are being posted at the same time; come again",
        "too_slow": "the body did not arrive in time",
        "unauthorised": "a token or signature is missing, wrong or too old",
        "unknown_encoding": "the Content-Encoding is not spoken",
        "unknown_path": "there is nothing at this address",
        "wrong_method": "events are posted",
    }
)
"""Every code a refusal may have, and when; `docs/errors.md` lists them."""


class Problem(Exception):
    """A request that is refused with `status`; `code` is one of CODES, `extras` are further members of the answer."""

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
        if code not in CODES:
            raise KeyError(code)
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
