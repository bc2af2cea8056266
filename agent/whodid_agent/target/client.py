"""The `_bulk` client: one prebuilt NDJSON body in, one result per item out, over httpx.

What can be concluded from an answer is decided here once, and nothing is when in doubt:

    200, a result for every item       the results
    200, anything else                 Unanswered: send the same body again
    413                                TooLarge: in smaller parts
    400 and other 4xx                  Unwanted: the request as a whole was refused; in parts, to find the item
    429, 5xx                           Unanswered, after Retry-After
    401, 403, 404, 405, redirects      Refused: wait until somebody mends it
    no connection, cut, time-out       Unanswered
"""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from whodid_agent.metrics import REQUEST_SECONDS, REQUESTS
from whodid_agent.target.retry import retry_after
from whodid_schema.bulk import CONTENT_TYPE, FILTER_PATH, MalformedResponse, Result, read_response
from whodid_schema.errors import ConfigError

ASIDE = (401, 403, 404, 405, 407)
TIMEOUT = httpx.Timeout(60.0, connect=5.0)


class Unanswered(Exception):
    """Nothing is known of the request; the same again after `after` seconds at least."""

    def __init__(self, detail: str, after: float = 0.0) -> None:
        super().__init__(detail)
        self.after = after


class Refused(Exception):
    """Whoever answers there takes nothing from us: rights, a wrong address."""


class TooLarge(Exception):
    """The request as a whole is too large."""


class Unwanted(Exception):
    """The request as a whole was called wrong."""


def plain_url(url: str) -> str:
    """The address without user and password, as it may be shown."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(no address)"
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host).geturl()


def checked_url(url: str) -> httpx.URL:
    """The target's address. Raises ConfigError where it is no http or https address."""
    try:
        parsed = httpx.URL(url.rstrip("/"))
    except httpx.InvalidURL as error:
        raise ConfigError(
            f"target {plain_url(url)!r} is not an address: {error}", "such as http://127.0.0.1:8642"
        ) from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigError(f"target {plain_url(url)!r} is not an http address", "such as http://127.0.0.1:8642")
    return parsed


class Client:
    """Requests to one target. `transport` replaces the network in tests."""

    def __init__(self, url: str, token: str | None = None, transport: httpx.BaseTransport | None = None) -> None:
        self.url = plain_url(url)
        base = checked_url(url)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        # Proxies of the environment are for the world outside; audit events go where they are told to.
        self._http = httpx.Client(base_url=base, headers=headers, timeout=TIMEOUT, transport=transport, trust_env=False)
        self._bulk = self._http.base_url.join("_bulk").copy_merge_params({"filter_path": FILTER_PATH})
        self._headers = {"content-type": CONTENT_TYPE}

    def bulk(self, documents: Sequence[bytes]) -> list[Result]:
        """Send the documents in one request. Raises Unanswered, Refused, TooLarge, Unwanted."""
        result = "failed"
        start = time.perf_counter()
        try:
            results = self._send(documents)
            result = "answered"
        finally:
            REQUESTS.labels(result).inc()
            REQUEST_SECONDS.observe(time.perf_counter() - start)
        return results

    def _send(self, documents: Sequence[bytes]) -> list[Result]:
        try:
            response = self._http.post(self._bulk, content=b"".join(documents), headers=self._headers)
        except httpx.HTTPError as error:
            raise Unanswered(f"{self.url}: {describe(error)}") from error
        status = response.status_code
        if status == 200:
            try:
                return read_response(response.content, len(documents))
            except MalformedResponse as error:
                raise Unanswered(f"{self.url}: {error}") from error
        detail = f"{self.url} answers {status} {response.reason_phrase}: {response.text[:200]!r}"
        if status == 413:
            raise TooLarge(detail)
        if status == 429 or status >= 500 or status < 300:
            raise Unanswered(detail, retry_after(response.headers.get("retry-after")))
        if status in ASIDE or status < 400:
            raise Refused(detail)
        raise Unwanted(detail)

    def get(self, path: str) -> tuple[int, Any]:
        """Status and decoded JSON (None where it is none) of a small document. Raises Unanswered."""
        try:
            response = self._http.get(path, timeout=10.0)
        except httpx.HTTPError as error:
            raise Unanswered(f"{self.url}: {describe(error)}") from error
        try:
            return response.status_code, response.json()
        except ValueError:
            return response.status_code, None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def describe(error: httpx.HTTPError) -> str:
    """What went wrong on the way, in words."""
    if isinstance(error, httpx.ConnectError):
        return f"no connection ({error})"
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return f"the connection broke ({str(error) or type(error).__name__})"
