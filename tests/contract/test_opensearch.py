"""A real OpenSearch under the contracts of Reader and Analyst."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from contract.analyst import AnalystContract
from contract.reader import ReaderContract
from support.indexing import home, index, set_up
from support.opensearch.server import Server
from whodid_indexer.store.base import Item
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import connect
from whodid_indexer.store.opensearch.read import OpenSearchReader


@pytest.fixture
def open_on(opensearch: Server) -> Iterator[Callable[[Sequence[Item]], OpenSearchReader]]:
    set_up(opensearch)
    opened: list[OpenSearchReader] = []

    def open_on(items: Sequence[Item]) -> OpenSearchReader:
        assert set(index(opensearch, items)) <= {201}
        opened.append(OpenSearchReader(*connect(opensearch.url, Access())))
        return opened[-1]

    yield open_on
    for reader in opened:
        reader.close()


class TestOpenSearchReader(ReaderContract):
    def queues(self, items: Sequence[Item]) -> list[list[Item]]:
        """An index each, of one shard."""
        names = {item.id: home(item) for item in items}
        return [[item for item in items if names[item.id] == name] for name in sorted(set(names.values()))]


class TestOpenSearchAnalyst(AnalystContract):
    examples = 15
