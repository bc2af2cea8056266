"""The embedded store under the contracts of Reader and Writer."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contract.analyst import AnalystContract
from contract.reader import ReaderContract
from contract.writer import Recount, WriterContract
from whodid_indexer.query.model import ALL
from whodid_indexer.store.base import Item
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore, chunks, pages
from whodid_schema.meta import default_meta


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "audit.db"
    SqliteStore.setup(file, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    return file


class TestSqliteReader(ReaderContract, AnalystContract):
    @pytest.fixture
    def open_on(self, path: Path) -> Iterator[Callable[[Sequence[Item]], SqliteReader]]:
        opened: list[SqliteReader] = []

        def open_on(items: Sequence[Item]) -> SqliteReader:
            with closing(SqliteStore(path)) as store:
                assert {result.outcome for result in store.create(items)} <= {"indexed"}
            opened.append(SqliteReader(path))
            return opened[-1]

        yield open_on
        for reader in opened:
            reader.close()


class TestSqliteReaderInChunks(TestSqliteReader):
    """The same where most of the records are in chunks, and the chunks lead."""

    examples = 30

    @pytest.fixture(autouse=True)
    def chunked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(chunks, "SIZE", 40)
        monkeypatch.setattr(chunks, "_AT_ONCE", 1_000)
        monkeypatch.setattr(pages, "WALK", 0)
        monkeypatch.setattr(pages, "FEW", 3)


class TestSqliteWriter(WriterContract):
    @pytest.fixture
    def writer(self, path: Path) -> Iterator[SqliteStore]:
        with closing(SqliteStore(path)) as store:
            yield store

    @pytest.fixture
    def recount(self, path: Path) -> Recount:
        def recount() -> list[bytes]:
            with closing(SqliteReader(path)) as reader:
                return list(reader.scan(ALL))

        return recount
