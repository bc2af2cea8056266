"""Both stores under the contract of Lifecycle."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from contract.holds import HoldContract
from contract.lifecycle import DAY, NOW, Kept, LifecycleContract
from support.indexing import META
from support.opensearch.server import Server
from support.records import item
from whodid_indexer.query.model import ALL
from whodid_indexer.retention.document import NOTHING, renewed
from whodid_indexer.retention.plan import Done, RetentionPlan
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import Client
from whodid_indexer.store.opensearch.holds import ClusterHolds
from whodid_indexer.store.opensearch.retire import OpenSearchLifecycle
from whodid_indexer.store.opensearch.setup import stored_meta
from whodid_indexer.store.opensearch.template import template
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_indexer.store.sqlite.document import write_document
from whodid_indexer.store.sqlite.holds import SqliteHolds
from whodid_indexer.store.sqlite.retire import SqliteLifecycle
from whodid_schema.document import document
from whodid_schema.meta import Meta, Router
from whodid_schema.record import Record, decode, encode


class SqliteKept:
    """A file; emptied, it is another one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0

    @property
    def path(self) -> Path:
        return self._folder / f"{self._number}.db"

    def empty(self) -> None:
        self._number += 1

    def keep(self, days: Mapping[str, int | None]) -> None:
        write_document(self.path, NOTHING._replace(days=dict(days)), NOW)

    def holds(self) -> SqliteHolds:
        return SqliteHolds(self.path)

    def meta(self) -> Meta:
        with closing(SqliteStore(self.path)) as store:
            return store.meta()

    def store(self, records: Sequence[Record]) -> None:
        with closing(SqliteStore(self.path)) as store:
            results = store.create([item(one, f"whodid-{one.surface}") for one in records])
            assert {result.outcome for result in results} <= {"indexed"}

    def apply(self, now: datetime, told: Callable[[Done], None] = lambda _: None) -> list[Done]:
        done: list[Done] = []

        def hear(one: Done) -> None:
            done.append(one)
            told(one)

        with closing(SqliteLifecycle(self.path, pause=0)) as lifecycle:
            lifecycle.apply(now, hear)
        return done

    def plan(self, now: datetime) -> RetentionPlan:
        with closing(SqliteLifecycle(self.path)) as lifecycle:
            return lifecycle.plan(now)

    def left(self) -> set[str]:
        with closing(SqliteReader(self.path)) as reader:
            return {str(decode(body).id) for body in reader.scan(ALL)}

    def period(self, name: str) -> timedelta:
        return timedelta()


class OpenSearchKept:
    """A node; `delivery` has an index a day, the others one a month."""

    def __init__(self, server: Server, client: Client) -> None:
        self._server = server
        self._client = client
        self._lifecycle = OpenSearchLifecycle(client)
        self._meta: Meta = META

    def empty(self) -> None:
        self._server.clean()

    def keep(self, days: Mapping[str, int | None]) -> None:
        there = stored_meta(self._client)
        meta = there or renewed(META, NOTHING._replace(days={"delivery": 7}), NOW, fresh=True)
        self._meta = renewed(meta, NOTHING._replace(days=dict(days)), NOW)
        self._server.request("PUT", "/_index_template/whodid", template(self._meta))

    def holds(self) -> ClusterHolds:
        return ClusterHolds(self._client)

    def meta(self) -> Meta:
        return self._lifecycle.meta()

    def store(self, records: Sequence[Record]) -> None:
        router = Router(self._meta)
        lines = []
        for one in records:
            action = {"create": {"_index": router.index_of(one), "_id": one.id}}
            lines += [msgspec.json.encode(action), document(one, encode(one))]
        assert not self._server.request("POST", "/_bulk?refresh=true", b"\n".join(lines) + b"\n")["errors"]

    def apply(self, now: datetime, told: Callable[[Done], None] = lambda _: None) -> list[Done]:
        done: list[Done] = []

        def hear(one: Done) -> None:
            done.append(one)
            told(one)

        self._lifecycle.apply(now, hear)
        return done

    def plan(self, now: datetime) -> RetentionPlan:
        return self._lifecycle.plan(now)

    def left(self) -> set[str]:
        found = self._server.request("POST", "/whodid*/_search", {"size": 1_000})["hits"]["hits"]
        return {hit["_source"]["id"] for hit in found}

    def period(self, name: str) -> timedelta:
        return DAY if name == "delivery" else 31 * DAY


class TestSqliteLifecycle(LifecycleContract, HoldContract):
    by_record = True

    @pytest.fixture
    def kept(self, tmp_path: Path) -> Kept:
        return SqliteKept(tmp_path)


class TestOpenSearchLifecycle(LifecycleContract, HoldContract):
    by_record = False
    steps = 6
    examples = 3

    @pytest.fixture
    def kept(self, opensearch: Server) -> Iterator[Kept]:
        with closing(Client(opensearch.url, Access())) as client:
            yield OpenSearchKept(opensearch, client)
