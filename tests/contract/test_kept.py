"""A SQLite file and a real OpenSearch under the contracts of what is kept beside records."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contract.kept import TokenContract, ViewContract
from support.indexing import set_up
from support.opensearch.server import Server
from whodid_indexer.access.tokens import Register, SqliteRegister, SqliteTokens, Tokens
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import Client
from whodid_indexer.store.opensearch.state_tokens import AGE, ClusterRegister, ClusterTokens
from whodid_indexer.store.opensearch.state_views import ClusterViews
from whodid_indexer.store.sqlite import SqliteStore
from whodid_indexer.store.sqlite.views import SqliteViews
from whodid_indexer.store.views import Views
from whodid_schema.meta import default_meta


class File:
    def __init__(self, path: Path) -> None:
        self._path = path

    def register(self) -> Register:
        return SqliteRegister(self._path)

    def served(self) -> Tokens:
        return SqliteTokens(self._path)

    def later(self) -> None:
        """It looks each time."""


class Cluster:
    def __init__(self, url: str, client: Client) -> None:
        self._url, self._client = url, client
        self._now = 0.0

    def register(self) -> Register:
        return ClusterRegister(self._client)

    def served(self) -> Tokens:
        return ClusterTokens(Client(self._url, Access()), lambda: self._now)

    def later(self) -> None:
        self._now += AGE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    SqliteStore.setup(tmp_path / "audit.db", default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    return tmp_path / "audit.db"


@pytest.fixture
def client(opensearch: Server) -> Iterator[Client]:
    set_up(opensearch)
    with closing(Client(opensearch.url, Access())) as opened:
        yield opened


class TestSqliteTokens(TokenContract):
    @pytest.fixture
    def place(self, path: Path) -> File:
        return File(path)

    @pytest.fixture
    def nowhere(self, tmp_path: Path) -> Callable[[], Tokens]:
        return lambda: SqliteTokens(tmp_path / "no.db")


class TestClusterTokens(TokenContract):
    @pytest.fixture
    def place(self, opensearch: Server, client: Client) -> Cluster:
        return Cluster(opensearch.url, client)

    @pytest.fixture
    def nowhere(self) -> Callable[[], Tokens]:
        return lambda: ClusterTokens(Client("http://127.0.0.1:1", Access()))


class TestSqliteViews(ViewContract):
    @pytest.fixture
    def views(self, path: Path) -> Iterator[Views]:
        with closing(SqliteStore(path)) as store:
            yield SqliteViews(store)


class TestClusterViews(ViewContract):
    @pytest.fixture
    def views(self, client: Client) -> ClusterViews:
        return ClusterViews(client)
