"""A store behind a whodid server's API: the third implementation of `Reader`, for every question from another process.

The query goes over as one value (`query=`, the AuditQuery as JSON), so that nothing is lost between flags and server.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec

from whodid_config.access import Access
from whodid_indexer.query.answers import read_facets, read_stats
from whodid_indexer.query.counting import Axis, Facet, Measure, Stats
from whodid_indexer.query.model import ALL, AuditQuery
from whodid_indexer.store.base import Changes, Found, Page, Stored
from whodid_indexer.store.opensearch.connect import TOKEN
from whodid_indexer.store.places import format_key, parse_key
from whodid_schema.bulk import TEMPLATE_PATH
from whodid_schema.errors import BadQuery, NotAllowed, StateError, StoreUnreachable, UsageError, WhodidError
from whodid_schema.meta import Meta, read_meta

Answer = TypeVar("Answer")

ACTION_HEADER = "whodid-action"
"""Names what a client does by its requests (see `audit.event`), so that an export is not recorded as a count."""

_TIMEOUT = httpx.Timeout(10.0, read=120.0)
"""Seconds; a question over all of a large store may take its time, a connection not."""


_NOBODY = Access()


def is_refusal(response: httpx.Response) -> bool:
    """Whether a whodid server refused who asks: no token that is valid, or one of another role."""
    said = response.headers.get("www-authenticate", "")
    return response.status_code == 403 or (response.status_code == 401 and 'realm="whodid"' in said)


class _Events(msgspec.Struct):
    events: list[msgspec.Raw]
    total: int
    next: str | None = None


class _Change(msgspec.Struct):
    cursor: str
    event: msgspec.Raw


class _Changes(msgspec.Struct):
    changes: list[_Change]
    cursor: str


class _Count(msgspec.Struct):
    count: int


class _Problem(msgspec.Struct):
    detail: str
    code: str = ""
    hint: str = ""
    position: int = 0
    length: int = 0


class RemoteStore:
    """A Reader over the server at `url`. Raises StoreUnreachable where nothing of whodid's answers there.

    `action` is what is done by asking; the server records it. `access` has the token that is shown, and the CA that is
    trusted. `transport` takes the network's place in tests.
    """

    def __init__(
        self,
        url: str,
        transport: httpx.BaseTransport | None = None,
        *,
        action: str | None = None,
        access: Access = _NOBODY,
    ) -> None:
        self._url = url.rstrip("/")
        given = {ACTION_HEADER: action, "Authorization": access.authorization()}
        try:
            self._client = httpx.Client(
                base_url=self._url,
                timeout=_TIMEOUT,
                trust_env=False,
                transport=transport,
                headers={name: value for name, value in given.items() if value},
                # certificates take 70 ms to load, and only https needs them
                verify=access.trust() if self._url.startswith("https:") else False,
            )
        except httpx.InvalidURL as error:
            raise UsageError(f"{self._url} is not a URL: {error}", "write it like http://127.0.0.1:8642") from error
        self._known = False

    def search(self, query: AuditQuery, page: Page) -> Found:
        """As the server's store answers."""
        parameters = {**_query(query), "limit": str(page.limit), "offset": str(page.offset), **_order(page.ascending)}
        if page.after is not None:
            parameters["cursor"] = format_key(page.after)
        found = self._get("/api/v1/events", parameters, _Events)
        following = None if found.next is None else parse_key(found.next, "next")
        return Found([bytes(record) for record in found.events], found.total, following)

    def count(self, query: AuditQuery) -> int:
        """As the server's store answers."""
        return self._get("/api/v1/count", _query(query), _Count).count

    def facets(self, query: AuditQuery, axes: Sequence[Axis], *, budget: float | None = None) -> list[Facet]:
        """As the server's store answers."""
        asked = {"axes": msgspec.json.encode(axes).decode(), "budget": _milliseconds(budget)}
        return self._read("/api/v1/facets", _query(query) | asked, read_facets)

    def stats(self, query: AuditQuery, measure: Measure) -> Stats:
        """As the server's store answers."""
        asked = {"now": str(measure.now), "tz": measure.zone, "actors": str(measure.actors)}
        if measure.interval is not None:
            asked["interval"] = measure.interval
        return self._read("/api/v1/stats", _query(query) | asked, read_stats)

    def explain(self, query: AuditQuery) -> list[str]:
        """See Reader. The request; what the server asks its store is the server's."""
        return [f"GET {self._url}/api/v1/events?{urlencode(_query(query))}"]

    def get(self, identifier: str) -> bytes | None:
        """As the server's store answers."""
        response = self._ask(f"/api/v1/events/{_quoted(identifier)}", {})
        return None if response.status_code == 404 else self._checked(response).content

    def scan(self, query: AuditQuery, *, ascending: bool = False) -> Iterator[bytes]:
        """The server's NDJSON stream. One that breaks off raises StoreUnreachable, it never ends early in silence."""
        self._know()
        parameters = {**_query(query), **_order(ascending)}
        begun: list[bytes] = []
        try:
            with self._client.stream("GET", "/api/v1/export.ndjson", params=parameters) as response:
                if response.status_code != 200:
                    response.read()
                    self._checked(response)
                for piece in response.iter_bytes():
                    first, *others = piece.split(b"\n")
                    begun.append(first)
                    if others:
                        yield b"".join(begun)
                        begun = [others.pop()]
                        yield from others
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def changes(self, after: str | None, limit: int = 1000) -> Changes:
        """As the server's store answers."""
        parameters = {"limit": str(limit)} | ({} if after is None else {"after": after})
        answer = self._get("/api/v1/changes", parameters, _Changes)
        return Changes([Stored(bytes(entry.event), entry.cursor) for entry in answer.changes], answer.cursor)

    def now(self) -> str:
        """As the server's store answers."""
        return self._get("/api/v1/changes", {"after": "now"}, _Changes).cursor

    def meta(self) -> Meta:
        """The server's template document."""
        answer = self._get(TEMPLATE_PATH, {}, dict[str, Any])
        try:
            return read_meta(answer["index_templates"][0]["index_template"]["_meta"])
        except (KeyError, IndexError, TypeError) as error:
            raise StoreUnreachable(f"{self._url} has no template document", "run whodid setup") from error

    def send(self, path: str, body: bytes | None = None) -> bytes:
        """What the server answers at an address of its own: to a GET, or to a POST of this JSON."""
        self._know()
        try:
            if body is None:
                response = self._client.get(path)
            else:
                response = self._client.post(path, content=body, headers={"content-type": "application/json"})
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        return response.content if response.status_code == 201 else self._checked(response).content

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _get(self, path: str, parameters: dict[str, str], kind: type[Answer]) -> Answer:
        return self._read(path, parameters, lambda data: msgspec.json.decode(data, type=kind))

    def _read(self, path: str, parameters: dict[str, str], read: Callable[[bytes], Answer]) -> Answer:
        response = self._checked(self._ask(path, parameters))
        try:
            return read(response.content)
        except msgspec.DecodeError as error:
            raise StoreUnreachable(f"{self._url}{path} answered what no whodid server does: {error}") from error

    def _ask(self, path: str, parameters: dict[str, str]) -> httpx.Response:
        self._know()
        try:
            return self._client.get(path, params=parameters)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def _know(self) -> None:
        """Once: that it is a whodid server that answers, so that a wrong URL is named as such."""
        if self._known:
            return
        try:
            response = self._client.get("/")
            banner = msgspec.json.decode(response.content)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        except msgspec.DecodeError:
            banner = None
        if is_refusal(response):
            self._checked(response)
        if not isinstance(banner, dict) or banner.get("product") != "whodid":
            raise StoreUnreachable(f"what answers at {self._url} is not a whodid server")
        self._known = True

    def _unreachable(self, error: httpx.HTTPError) -> StoreUnreachable:
        return StoreUnreachable(f"{self._url} does not answer: {error}", "is `whodid serve` running there?")

    def _checked(self, response: httpx.Response) -> httpx.Response:
        """The response if it is a 200, else the error that its problem document describes."""
        if response.status_code == 200:
            return response
        try:
            fault = msgspec.json.decode(response.content, type=_Problem)
        except msgspec.DecodeError as error:
            raise StoreUnreachable(f"{self._url} answered with status {response.status_code}") from error
        if fault.code == BadQuery.code:
            raise BadQuery(fault.detail, fault.hint, fault.position, fault.length)
        if is_refusal(response):
            raise NotAllowed(f"{self._url}: {fault.detail}", TOKEN if response.status_code == 401 else fault.hint)
        raise _kind(fault.code, response.status_code)(fault.detail, fault.hint)


def _kind(code: str, status: int) -> type[WhodidError]:
    if status in (429, 503) and code != StateError.code:
        return StoreUnreachable
    known = (UsageError, StateError)
    return next((kind for kind in known if kind.code == code), UsageError if status < 500 else WhodidError)


def _query(query: AuditQuery) -> dict[str, str]:
    return {} if query == ALL else {"query": msgspec.json.encode(query).decode()}


def _milliseconds(budget: float | None) -> str:
    return "none" if budget is None else str(round(budget * 1_000))


def _order(ascending: bool) -> dict[str, str]:
    return {"order": "asc"} if ascending else {}


def _quoted(identifier: str) -> str:
    return quote(identifier, safe="")
