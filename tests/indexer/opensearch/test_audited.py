"""Questions asked of a cluster are events in it; who may only read is told that they are not."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import httpx
import pytest

from support.indexing import set_up
from support.opensearch.server import Server
from whodid_indexer.audit.event import Deed, Who, event_of
from whodid_indexer.audit.recorder import IntoCluster, recorder_of
from whodid_indexer.query.model import AuditQuery, Term
from whodid_indexer.store.base import Page
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import connect
from whodid_indexer.store.opensearch.read import OpenSearchReader
from whodid_schema.record import decode

EVENT = event_of(Deed("search", "actor:bob", found=7), Who("user", "cli", "7", "ana", "ops1"), datetime.now(UTC))
OWN = AuditQuery(terms=(Term("surface", ("audit",)),))


@pytest.fixture
def reader(opensearch: Server) -> Iterator[OpenSearchReader]:
    set_up(opensearch)
    with closing(OpenSearchReader(*connect(opensearch.url, Access()))) as opened:
        yield opened


def test_a_question_is_recorded_once_in_an_index_of_its_own_class(opensearch: Server, reader: OpenSearchReader) -> None:
    recorder = recorder_of(reader)
    assert isinstance(recorder, IntoCluster)
    assert [recorder.record(EVENT) for _ in range(3)] == [None, None, None]
    httpx.post(f"{opensearch.url}/whodid-audit-*/_refresh").raise_for_status()
    found = reader.search(OWN, Page())
    assert found.total == 1
    assert decode(found.records[0]) == EVENT


def test_what_cannot_be_recorded_says_why(opensearch: Server, reader: OpenSearchReader) -> None:
    month = (EVENT.timestamp or "")[:7]
    index = f"{opensearch.url}/whodid-audit-{month}"
    httpx.put(index).raise_for_status()
    httpx.put(f"{index}/_settings", json={"index.blocks.write": True}).raise_for_status()
    reason = IntoCluster(reader.client, reader.meta).record(EVENT)
    assert reason is not None
    assert "cluster_block_exception" in reason
