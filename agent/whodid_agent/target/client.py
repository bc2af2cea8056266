"""The `_bulk` client: one prebuilt NDJSON body in, one result per item out, over httpx.

    bulk, ask ─► the first address that is well ─► the next one, where it failed ─► …

An address that fails rests, longer each time; the first in the list that is well is used. Before one is used, and
again after it failed, it is asked who it is: all addresses must be one cluster's, or what is sent again after a lost
answer would be stored a second time in another. What an answer means: `target.answer`.
"""

import logging
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import msgspec

from whodid_agent.metrics import REQUEST_SECONDS, REQUESTS
from whodid_agent.target.answer import Refused, TooLarge, Unanswered, Unwanted, conclude
from whodid_agent.target.bounded import Bounded
from whodid_agent.target.node import SERVER, Node
from whodid_config.access import Access, checked_url
from whodid_config.cluster import Info, unreachable
from whodid_schema.bulk import CONTENT_TYPE, Result
from whodid_schema.errors import ConfigError

log = logging.getLogger(__name__)

TIMEOUT = httpx.Timeout(60.0, connect=5.0)
SMALL = 10.0
"""Seconds that a small document may take to come."""

NOBODY = Access(prefix="target", token_key="token_file")  # noqa: S106  the setting's name
_JSON = {"content-type": "application/json"}
_BULK = {"content-type": CONTENT_TYPE}

Answer = TypeVar("Answer")


def checked_target(url: str) -> str:
    """One of the target's addresses. Raises ConfigError where it is no http or https address."""
    example = "http://127.0.0.1:8642 or https://opensearch:9200"
    return checked_url(url, "target", "a whodid server or of OpenSearch", example)


class Client:
    """Requests to one target, which may have several addresses. `transport` replaces the network in tests."""

    def __init__(
        self,
        urls: str | Sequence[str],
        access: Access = NOBODY,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ConfigError for an address that is none, and for certificates that cannot be used."""
        listed = [urls] if isinstance(urls, str) else list(dict.fromkeys(urls))
        if not listed:
            raise ConfigError("target names no address", "such as http://127.0.0.1:8642")
        self.access = access
        self._clock = clock
        self.nodes = [Node(checked_target(url), clock) for url in listed]
        self._node = self.nodes[0]
        authorization = access.authorization()
        # Proxies of the environment are for the world outside; audit events go where they are told to.
        if transport is None:
            verify = access.trust() if any(node.url.startswith("https:") for node in self.nodes) else False
            transport = httpx.HTTPTransport(verify=verify, trust_env=False)
        self._http = httpx.Client(
            headers={"authorization": authorization} if authorization else {},
            timeout=TIMEOUT,
            transport=Bounded(transport),
            trust_env=False,
        )

    @property
    def url(self) -> str:
        """The address that answered last; before that, the first."""
        return self._node.url

    @property
    def who(self) -> Info | None:
        """Who answers there; None where nobody does."""
        return self._node.who

    @property
    def partitioned(self) -> bool:
        """Whether it has an index per period: OpenSearch has, a whodid server files by itself."""
        return self.who is not None and self.who.cluster != SERVER

    def bulk(self, body: bytes, count: int) -> list[Result]:
        """Send a request of `count` items; the result of each. Raises Unanswered, Refused, TooLarge, Unwanted."""
        result = "failed"
        start = time.perf_counter()
        try:
            results = self._first_well(lambda node: self._send(node, body, count))
            result = "answered"
        finally:
            REQUESTS.labels(result).inc()
            REQUEST_SECONDS.observe(time.perf_counter() - start)
        return results

    def ask(
        self, method: str, path: str, body: Any = None, timeout: float = SMALL, *, everybody: bool = False
    ) -> tuple[int, Any]:
        """Status and decoded JSON (None where it is none) of a small document. Raises Unanswered, Refused.

        `everybody`: those that rest are asked too, where no other answers.
        """
        return self._first_well(lambda node: self._small(node, method, path, body, timeout), everybody=everybody)

    def greet_all(self) -> list[tuple[str, str]]:
        """Ask every address who it is; each that cannot be used, and why."""
        found = []
        for node in self.nodes:
            node.who = None
            try:
                self._greet(node)
            except (Unanswered, Refused) as error:
                node.failed(error, 0.0)
                found.append((node.url, str(error)))
        return found

    def _first_well(self, request: Callable[[Node], Answer], *, everybody: bool = False) -> Answer:
        """The request at the addresses that are well, one after the other, until one answers."""
        trouble: Unanswered | Refused | None = None
        for node in self._turns(everybody=everybody):
            try:
                if node.who is None:
                    self._greet(node)
                answer = request(node)
            except (Unanswered, Refused) as error:
                node.failed(error, error.after if isinstance(error, Unanswered) else 0.0)
                trouble = error if trouble is None or isinstance(error, Refused) else trouble
                continue
            except (TooLarge, Unwanted):
                self._use(node)
                raise
            self._use(node)
            return answer
        assert trouble is not None  # noqa: S101  there is always one turn
        raise trouble

    def _turns(self, *, everybody: bool) -> list[Node]:
        """The addresses to try now: those that do not rest; where all do, the one that has rested most."""
        moment = self._clock()
        if everybody:
            return sorted(self.nodes, key=lambda node: node.due > moment)
        return [node for node in self.nodes if node.due <= moment] or [min(self.nodes, key=lambda node: node.due)]

    def _use(self, node: Node) -> None:
        if node is not self._node:
            log.warning("going on at %s%s", node.url, f": {self._node.trouble}" if self._node.trouble else "")
            self._node = node
        node.well()

    def _greet(self, node: Node) -> None:
        """Ask who is there. Raises Unanswered, Refused: also where it is another cluster than the others."""
        status, root = self._small(node, "GET", "/", None, SMALL)
        who = node.greet(self.access, status, root)
        for other in self.nodes:
            if other is node or other.who is None:
                continue
            if (other.who.cluster == SERVER) or other.who.uuid != who.uuid:
                node.who = None
                raise Refused(
                    f"{node.url} is not of the same cluster as {other.url}",
                    "several addresses must lead to one OpenSearch cluster; a whodid server has one",
                )

    def _send(self, node: Node, body: bytes, count: int) -> list[Result]:
        try:
            response = self._http.post(node.bulk_url, content=body, headers=_BULK)
        except httpx.HTTPError as error:
            raise self._silent(node, error) from error
        return conclude(node.url, self.access, response, count)

    def _small(self, node: Node, method: str, path: str, body: Any, timeout: float) -> tuple[int, Any]:
        content = None if body is None else msgspec.json.encode(body)
        try:
            response = self._http.request(method, node.url + path, content=content, headers=_JSON, timeout=timeout)
        except httpx.HTTPError as error:
            raise self._silent(node, error) from error
        try:
            return response.status_code, msgspec.json.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return response.status_code, None

    def _silent(self, node: Node, error: httpx.HTTPError) -> Unanswered:
        why = unreachable(node.url, error, self.access.prefix)
        return Unanswered(why.message, hint=why.hint)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
