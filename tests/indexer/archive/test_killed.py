"""Archive before delete as processes: killed at any moment, on a full disk, and by the server once a day."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.crashing import EACH_OR_SOME, Crashing
from support.records import item, records
from support.small_disk import small_disk
from whodid_indexer.access.gate import Gate
from whodid_indexer.archive.reader import lines_of, verify
from whodid_indexer.archive.writer import PART, Archive
from whodid_indexer.cli.options import Source
from whodid_indexer.cli.served import served
from whodid_indexer.config import ArchiveSettings, IndexerSettings
from whodid_indexer.query.model import ALL
from whodid_indexer.retention.daily import Daily
from whodid_indexer.retention.document import NOTHING
from whodid_indexer.store.base import Item
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_indexer.store.sqlite.document import write_document
from whodid_indexer.store.sqlite.retire import SqliteLifecycle
from whodid_schema.errors import WhodidError
from whodid_schema.record import decode

OLD = int((datetime.now(UTC) - timedelta(days=400)).timestamp()) * 1_000_000
SOME = [item(record) for record in records(5, 5_000, OLD, 1_000_000)]
IDS = {one.id for one in SOME}


def made(path: Path, items: list[Item]) -> Path:
    """A store with these records, all of them due."""
    write_document(path, NOTHING._replace(days={"activity": 30}), datetime.now(UTC))
    with closing(SqliteStore(path)) as store:
        store.create(items)
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("killed") / "audit.db", SOME)


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "audit.db"
    copy.write_bytes(whole.read_bytes())
    return copy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "archive"
    made.mkdir()
    return made


def stored(path: Path) -> set[str]:
    with closing(SqliteReader(path)) as reader:
        return {str(record.id) for record in map(decode, reader.scan(ALL)) if record.surface != "audit"}


def in_archives(folder: Path) -> set[str]:
    files = [file for file in folder.glob("*.jsonl.gz") if verify(file)]
    return {str(decode(line).id) for file in files for line in lines_of(file)}


APPLY = """
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from whodid_indexer.archive.writer import Archive
from whodid_indexer.store.sqlite import retire
from whodid_indexer.store.sqlite.retire import SqliteLifecycle
retire.TOGETHER = retire._FOUND = 200
def work(path, folder):
    with closing(SqliteLifecycle(Path(path), pause=0, archive=Archive(Path(folder), ""))) as lifecycle:
        lifecycle.apply(datetime.now(UTC), lambda _: None)
"""


@EACH_OR_SOME
def test_killed_at_any_step_every_record_is_in_the_store_or_in_the_archive(tmp_path: Path, stride: int) -> None:
    """At each sync, rename, write and commit of archiving and deleting; the next run goes on, and leaves no part."""
    some = {one.id for one in SOME[:400]}
    whole = made(tmp_path / "whole.db", SOME[:400]).read_bytes()
    with Crashing(APPLY) as crashing:
        for step in crashing.steps(stride):
            path, folder = tmp_path / f"{step}.db", tmp_path / f"{step}"
            path.write_bytes(whole)
            folder.mkdir()
            killed = crashing.run(step, path, folder)
            assert stored(path) | in_archives(folder) == some, f"killed at step {step}"
            if not killed:
                break
            if step % 3 == 0:
                with closing(SqliteLifecycle(path, pause=0, archive=Archive(folder, ""))) as lifecycle:
                    lifecycle.apply(datetime.now(UTC), lambda _: None)
                assert (stored(path), in_archives(folder)) == (set(), some), f"after it was killed at step {step}"
                assert not (folder / PART).exists()
    assert step > 25
    assert (stored(path), in_archives(folder)) == (set(), some)


def test_on_a_full_disk_it_is_said_and_nothing_is_deleted(path: Path, folder: Path) -> None:
    with closing(SqliteLifecycle(path, pause=0, archive=Archive(folder, ""))) as lifecycle:
        with small_disk(100_000), pytest.raises(WhodidError, match="what is not archived is not deleted"):
            lifecycle.apply(datetime.now(UTC), lambda _: None)
        assert list(folder.iterdir()) == [], "what is half written keeps the disk full for nobody"
        assert stored(path) == IDS
        lifecycle.apply(datetime.now(UTC), lambda _: None)
    assert (stored(path), in_archives(folder)) == (set(), IDS)


def test_the_server_archives_what_it_deletes_once_a_day(path: Path, folder: Path) -> None:
    settings = IndexerSettings(retention={"activity": "30d"}, archive=ArchiveSettings(directory=folder))
    with served(Source(f"sqlite://{path}", None), settings, Gate) as behind:
        assert isinstance(behind.daily, Daily)
        behind.daily._once()
        assert isinstance(behind.store, SqliteStore)
        behind.store.close()
    assert (stored(path), in_archives(folder)) == (set(), IDS)
