"""Every match in time order, as of one moment: a point in time, read a page at a time behind the last place.

Pages go by bytes, not by records: they start small, grow while records are small, and shrink behind large ones. A page
that the cluster has no memory for is asked for again in a smaller one; the moment stays the same. While one page is
read the next is on its way, so that whoever writes the records down does not wait for the cluster.
"""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from whodid_indexer.store.opensearch.asking import ALIAS, meant, search_moment, unknown
from whodid_indexer.store.opensearch.compile import Clause
from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_indexer.store.opensearch.hits import Hit, TooMuch, order
from whodid_schema.errors import StoreUnreachable

KEEP_ALIVE = "10m"
"""How long the moment is kept between two pages: as long as a slow reader of an export may pause."""

_BEGUN = {"keep_alive": KEEP_ALIVE, "allow_partial_pit_creation": "false"}

FIRST, MOST = 100, 5_000
"""Records of the first page, and of the largest."""

COMFORTABLE = 8 << 20
"""Bytes of records that a page aims at."""


class Scans:
    """The scans of one reader, with the moments that they hold open; of everything, or of one index."""

    def __init__(self, client: Client, where: str = ALIAS) -> None:
        self._client = client
        self._where = where
        self._moments: set[str] = set()
        self._ahead: set[ThreadPoolExecutor] = set()

    def scan(self, clause: Clause, *, ascending: bool) -> Iterator[bytes]:
        """The matching records. Raises StoreUnreachable where the pause between two records was too long."""
        with self._moment() as moment:
            if moment is None:
                return
            body: dict[str, Any] = {
                "query": clause,
                "sort": order(ascending=ascending),
                "track_total_hits": False,
                "pit": {"id": moment, "keep_alive": KEEP_ALIVE},
                "size": FIRST,
            }
            yield from self._pages(body)

    def _pages(self, body: dict[str, Any]) -> Iterator[bytes]:
        """The records from the first page on; the next is on its way while one is read."""
        with self._one_ahead() as ahead:
            page = ahead.submit(_page, self._client, body)
            while True:
                hits = page.result()
                bodies = [hit.body for hit in hits]
                ended = len(hits) < body["size"]
                if not ended:
                    size = _next_size(len(bodies), sum(map(len, bodies)))
                    body |= {"search_after": list(hits[-1].sort), "size": size}
                    page = ahead.submit(_page, self._client, body)
                yield from bodies
                if ended:
                    return

    def close(self) -> None:
        """Give back the moments of scans that were left in the middle, once the page that is on its way is there.

        A client that is closed under a request in another thread would leave that one waiting for ever.
        """
        for ahead in list(self._ahead):
            ahead.shutdown()
        for moment in list(self._moments):
            self._give_back(moment)

    @contextlib.contextmanager
    def _one_ahead(self) -> Iterator[ThreadPoolExecutor]:
        """A thread that asks for pages."""
        with ThreadPoolExecutor(1, "page") as ahead:
            self._ahead.add(ahead)
            try:
                yield ahead
            finally:
                self._ahead.discard(ahead)

    @contextlib.contextmanager
    def _moment(self) -> Iterator[str | None]:
        """A point in time of all there is, given back at the end; None where there is no index yet."""
        try:
            answer = self._client.json("POST", f"/{self._where}/_search/point_in_time", params=_BEGUN)
        except Refused as error:
            if not unknown(error):
                raise meant(error) from error
            yield None
            return
        moment = answer["pit_id"]
        self._moments.add(moment)
        try:
            yield moment
        finally:
            self._give_back(moment)

    def _give_back(self, moment: str) -> None:
        """Once. Failing here would hide what went wrong before; the cluster forgets it by itself after KEEP_ALIVE."""
        if moment in self._moments:
            self._moments.remove(moment)
            with contextlib.suppress(StoreUnreachable):
                self._client.ask("DELETE", "/_search/point_in_time", {"pit_id": [moment]})


def _page(client: Client, body: dict[str, Any]) -> list[Hit]:
    """The next page; `size` in the body becomes less where the cluster has no memory for so many."""
    while True:
        try:
            return search_moment(client, body).hits.hits
        except TooMuch:
            if body["size"] == 1:
                raise
            body["size"] = max(1, body["size"] // 4)
        except Refused as error:
            if error.status != 404:
                raise
            raise StoreUnreachable(
                f"{client.url}: the reading was interrupted for more than {KEEP_ALIVE}, and its moment is gone",
                "begin again",
            ) from error


def _next_size(records: int, size: int) -> int:
    """At most twice as many as before, and about as many as are comfortable."""
    return max(1, min(MOST, 2 * records, COMFORTABLE * records // max(size, 1)))
