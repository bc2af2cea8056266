"""Where restored records go: the Writer of each kind of store, which adds what is not there yet and nothing else.

SQLite file      `SqliteStore` itself, beside a server if one runs
whodid server    `_bulk`, with a token of the role ingest
OpenSearch       `_bulk`, behind a look for records that stand in another index under their id
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import httpx

from whodid_config.access import Access
from whodid_indexer.store.base import Item
from whodid_indexer.store.opensearch.asking import ALIAS, unknown
from whodid_indexer.store.opensearch.connect import TOKEN, Client, Refused
from whodid_indexer.store.remote import ACTION_HEADER, is_refusal
from whodid_schema.bulk import CONTENT_TYPE, DUPLICATE, FILTER_PATH, Outcome, Result, action, read_response
from whodid_schema.document import document
from whodid_schema.errors import NotAllowed, StoreUnreachable
from whodid_schema.record import decode

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before the same is asked again of a store that has no room for it now."""

_TIMEOUT = httpx.Timeout(10.0, read=120.0)


class Sink(Protocol):
    """A Writer that is closed at the end."""

    def create(self, items: Sequence[Item]) -> list[Result]:
        """Store what is not there yet; one result per item, in order."""

    def close(self) -> None:
        """Give back files and connections."""


class IntoServer:
    """Through a whodid server. Raises NotAllowed without a token that may, StoreUnreachable where none answers."""

    def __init__(self, url: str, access: Access, sleep: Callable[[float], None] = time.sleep) -> None:
        self._url = url.rstrip("/")
        self._sleep = sleep
        said = {ACTION_HEADER: "restore", "Authorization": access.authorization(), "content-type": CONTENT_TYPE}
        self._client = httpx.Client(
            base_url=self._url,
            timeout=_TIMEOUT,
            trust_env=False,
            headers={name: value for name, value in said.items() if value},
            verify=access.trust() if self._url.startswith("https:") else False,
        )

    def create(self, items: Sequence[Item]) -> list[Result]:
        """See Sink."""
        body = b"".join(action(item.index, item.id) + item.body + b"\n" for item in items)
        return read_response(self._posted(body), len(items))

    def close(self) -> None:
        """See Sink."""
        self._client.close()

    def _posted(self, body: bytes) -> bytes:
        for pause in (*PAUSES, None):
            try:
                response = self._client.post("/_bulk", content=body)
            except httpx.HTTPError as error:
                raise StoreUnreachable(
                    f"{self._url} does not answer: {error}", "go on by restoring the same again"
                ) from error
            if response.status_code not in (429, 503) or pause is None:
                break
            self._sleep(pause)
        if is_refusal(response):
            raise NotAllowed(f"{self._url}: a token of the role ingest puts records back", TOKEN)
        if response.status_code != 200:
            raise StoreUnreachable(f"{self._url} answered {response.status_code}: {response.text[:200]}")
        return response.content


class IntoOpenSearch:
    """Into a cluster; records that are there in any index under their id are duplicates. It owns the client."""

    def __init__(self, client: Client, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep
        self._refreshed = False

    def create(self, items: Sequence[Item]) -> list[Result]:
        """See Sink. Raises StoreUnreachable where the cluster cannot say whether they are there."""
        there = self._there([item.id for item in items])
        results = [DUPLICATE if item.id in there else None for item in items]
        missing = [item for item in items if item.id not in there]
        fresh = iter(self._created(missing))
        return [next(fresh) if result is None else result for result in results]

    def close(self) -> None:
        """See Sink."""
        self._client.close()

    def _there(self, ids: list[str]) -> set[str]:
        """Which of the ids are in the store."""
        try:
            if not self._refreshed:
                self._client.json("POST", f"/{ALIAS}/_refresh")
                self._refreshed = True
            asked = {"size": len(ids), "_source": False, "query": {"ids": {"values": ids}}}
            whole = {"allow_partial_search_results": "false"}
            answer: dict[str, Any] = self._client.json("POST", f"/{ALIAS}/_search", asked, whole)
        except Refused as error:
            if unknown(error):
                return set()
            raise
        return {hit["_id"] for hit in answer["hits"]["hits"]}

    def _created(self, items: Sequence[Item]) -> list[Result]:
        if not items:
            return []
        lines = [action(item.index, item.id) + document(decode(item.body), item.body) + b"\n" for item in items]
        for pause in (*PAUSES, None):
            answer = self._client.ask("POST", "/_bulk", b"".join(lines), {"filter_path": FILTER_PATH})
            results = read_response(answer, len(items))
            if pause is None or not any(result.outcome is Outcome.RETRY for result in results):
                break
            self._sleep(pause)  # what was created meanwhile is a duplicate then
        return results


def require_ready(client: Client) -> None:
    """Raises StoreUnreachable where the cluster is not set up, and would file records in a way of its own."""
    from whodid_indexer.store.opensearch.setup import stored_meta  # noqa: PLC0415  only of a cluster

    client.info()
    if stored_meta(client) is None:
        raise StoreUnreachable(f"{client.url} is not set up", "run whodid setup")
