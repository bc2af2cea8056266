"""What may be concluded from the answer to a bulk request, decided here once; nothing is when in doubt.

    200, a result for every item       the results
    200, anything else                 Unanswered: send the same body again
    413, 429 with the word that the    TooLarge: in smaller parts, at once
    request alone is over the limit
    400 and other 4xx                  Unwanted: the request as a whole was refused; in parts, to find the item
    429, 5xx                           Unanswered, after Retry-After
    401, 403, 404, 405, redirects      Refused: wait until somebody mends it
    no connection, cut, time-out       Unanswered

The same for every address; which is asked next: `target.client`.
"""

import re

import httpx

from whodid_agent.target.retry import retry_after
from whodid_config.access import Access
from whodid_config.cluster import not_let_in, words
from whodid_schema.bulk import MalformedResponse, Result, read_response

_OPERATION = re.compile(r"coordinating_operation_bytes=(\d+), max_coordinating_and_primary_bytes=(\d+)")
"""In OpenSearch's refusal of what would be too much at once: the request's size, and that of all together."""

ASIDE = (401, 403, 404, 405, 407)


class Unanswered(Exception):
    """Nothing is known of the request; the same again after `after` seconds at least. `hint`: what may mend it.

    `busy`: it was refused for now (429), and a smaller one may pass.
    """

    def __init__(self, detail: str, after: float = 0.0, hint: str = "", *, busy: bool = False) -> None:
        super().__init__(detail)
        self.after = after
        self.hint = hint
        self.busy = busy


class Refused(Exception):
    """Whoever answers there takes nothing from us: rights (`denied`), or a wrong address. `hint`: what mends it."""

    def __init__(self, detail: str, hint: str = "", *, denied: bool = False) -> None:
        super().__init__(detail)
        self.hint = hint
        self.denied = denied


class TooLarge(Exception):
    """The request as a whole is too large."""


class Unwanted(Exception):
    """The request as a whole was called wrong."""


def conclude(url: str, access: Access, response: httpx.Response, sent: int) -> list[Result]:
    """The results of `sent` items. Raises Unanswered, Refused, TooLarge, Unwanted: see the module's table."""
    status = response.status_code
    if status == 200:
        try:
            return read_response(response.content, sent)
        except MalformedResponse as error:
            raise Unanswered(f"{url}: {error}") from error
    kind, reason = words(response.content)
    said = f"{kind}: {reason}" if kind else reason
    detail = f"{url} answers {status} {response.reason_phrase}: {said}".rstrip(": ")
    if status == 413 or (status == 429 and _never_fits(reason)):
        raise TooLarge(detail)
    if status == 429 or status >= 500 or status < 300:
        raise Unanswered(detail, retry_after(response.headers.get("retry-after")), busy=status == 429)
    if status == 401:
        refusal = not_let_in(url, access)
        raise Refused(refusal.message, refusal.hint, denied=True)
    if status in ASIDE or status < 400:
        raise Refused(detail, denied=status == 403)
    raise Unwanted(detail)


def _never_fits(reason: str) -> bool:
    """Whether the node would refuse the request also when it has nothing else to do: no waiting helps then."""
    found = _OPERATION.search(reason)
    return found is not None and int(found[1]) > int(found[2])
