"""The embedded store when the disk, the file or another process will not have it."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from support.records import item, records
from whodid_indexer.query.model import ALL, AuditQuery, Term, Text
from whodid_indexer.store.base import Item
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_indexer.store.sqlite.schema import MIGRATIONS
from whodid_schema.bulk import DUPLICATE, INDEXED
from whodid_schema.errors import StateError, StoreUnreachable
from whodid_schema.meta import default_meta

META = default_meta(datetime(2026, 11, 21, tzinfo=UTC))
START = 1_795_000_000_000_000


def made(seed: int, number: int) -> list[Item]:
    return [item(record) for record in records(seed, number, START, 1_000)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "audit.db"
    SqliteStore.setup(file, META)
    return file


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(path)) as opened:
        yield opened


def check_integrity(path: Path) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        assert connection.pragma("integrity_check") == "ok"
        connection.execute("INSERT INTO ft(ft) VALUES ('integrity-check')")
        rows = connection.execute("SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM ft)").get
        assert rows[0] == rows[1]


WRITER = """
import sys
from pathlib import Path
from support.records import item, records
from whodid_indexer.store.sqlite import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
items = [item(record) for record in records(11, 6_000, 1_795_000_000_000_000, 1_000)]
for start in range(0, len(items), 100):
    results = store.create(items[start : start + 100])
    print(len(results), flush=True)
"""


def test_kill_9_loses_nothing_acknowledged_and_resending_adds_nothing_twice(path: Path) -> None:
    items = made(11, 6_000)
    for acknowledge in (3, 17, 31):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": "tests"},
        )
        assert writer.stdout is not None
        seen = sum(int(writer.stdout.readline()) for _ in range(acknowledge))
        writer.send_signal(signal.SIGKILL)
        writer.stdout.close()
        writer.wait(10)
        with closing(SqliteReader(path)) as reader:
            assert reader.count(ALL) >= seen
        check_integrity(path)
    with closing(SqliteReader(path)) as reader:
        stored = reader.count(ALL)
    with closing(SqliteStore(path)) as store:
        results = store.create(items)
    assert results.count(DUPLICATE) == stored
    assert results.count(INDEXED) == len(items) - stored
    check_integrity(path)


def test_a_full_disk_is_said_and_nothing_of_the_call_is_stored(store: SqliteStore, path: Path) -> None:
    items = made(1, 1_500)
    store.create(items[:100])
    pages = store._connection.pragma("page_count")
    store._connection.pragma("max_page_count", pages + 2)
    with pytest.raises(StateError, match="full"):
        store.create(items)
    store._connection.pragma("max_page_count", 1 << 30)
    assert store.create(items) == [DUPLICATE] * 100 + [INDEXED] * 1_400
    with closing(SqliteReader(path)) as reader:
        for one in ("shop/user:1", "user2@example.com"):
            named = reader.count(AuditQuery(terms=(Term("actor", (one,)),)))
            assert named == sum(f'"{one}"'.encode() in sent.body for sent in items)
    check_integrity(path)


def test_a_file_that_another_process_holds_is_said_to_be_locked(store: SqliteStore, path: Path) -> None:
    store._connection.set_busy_timeout(20)
    with closing(apsw.Connection(str(path))) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError, match="locked"):
            store.create(made(1, 10))
        other.execute("ROLLBACK")
    assert store.create(made(1, 10)) == [INDEXED] * 10


def test_two_writers_of_one_file_store_each_record_once(store: SqliteStore, path: Path) -> None:
    items = made(2, 900)
    with closing(SqliteStore(path)) as other:
        for start in range(0, 900, 100):
            batch = items[start : start + 150]
            first, second = (store, other) if start % 200 else (other, store)
            first.create(batch)
            assert second.create(batch) == [DUPLICATE] * len(batch)
    with closing(SqliteReader(path)) as reader:
        assert sorted(reader.scan(ALL)) == sorted(one.body for one in items)
        assert reader.count(AuditQuery(terms=(Term("app", ("shop",)),))) == 900
    check_integrity(path)


def test_the_file_is_its_owners_alone(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_setting_up_again_changes_nothing(store: SqliteStore, path: Path) -> None:
    store.create(made(1, 5))
    before = store.meta()
    SqliteStore.setup(path, default_meta(datetime(2030, 1, 1, tzinfo=UTC)))
    assert store.meta() == before
    with closing(SqliteReader(path)) as reader:
        assert reader.count(ALL) == 5


def test_the_document_can_be_replaced(store: SqliteStore, path: Path) -> None:
    other = default_meta(datetime(2030, 1, 1, tzinfo=UTC))
    store.set_meta(other)
    with closing(SqliteReader(path)) as reader:
        assert reader.meta() == other == store.meta()


def test_a_newer_file_is_not_touched(path: Path) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        connection.pragma("user_version", len(MIGRATIONS) + 1)
    before = path.read_bytes()
    for attempt in (SqliteStore, SqliteReader, lambda file: SqliteStore.setup(file, META)):
        with pytest.raises(StateError, match="newer"):
            attempt(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("CREATE TABLE song(title)")
    for attempt in (SqliteStore, SqliteReader, lambda file: SqliteStore.setup(file, META)):
        with pytest.raises(StateError, match="not a whodid store"):
            attempt(path)


def test_a_file_that_is_no_database_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary, " * 1_000)
    for attempt in (SqliteStore, SqliteReader, lambda file: SqliteStore.setup(file, META)):
        with pytest.raises(StateError, match="not a whodid store"):
            attempt(path)
    assert path.read_text() == "dear diary, " * 1_000


def test_a_file_that_is_not_there_is_not_made_by_opening_it(tmp_path: Path) -> None:
    for attempt in (SqliteStore, SqliteReader):
        with pytest.raises(StoreUnreachable, match="whodid setup"):
            attempt(tmp_path / "none.db")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    for attempt in (SqliteStore, SqliteReader):
        with pytest.raises(StateError, match="folder"):
            attempt(tmp_path)
    with pytest.raises(StateError, match="cannot be made"):
        SqliteStore.setup(tmp_path, META)


def test_an_empty_file_wants_setting_up(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    for attempt in (SqliteStore, SqliteReader):
        with pytest.raises(StoreUnreachable, match="whodid setup"):
            attempt(path)
    SqliteStore.setup(path, META)
    with closing(SqliteReader(path)) as reader:
        assert reader.count(ALL) == 0


def test_a_damaged_file_is_said_to_be_damaged(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        store.create(made(1, 3_000))
    with path.open("r+b") as file:
        file.seek(16_384)
        file.write(b"\xa5" * (path.stat().st_size - 16_384))
    with pytest.raises(StateError, match="damaged"), closing(SqliteReader(path)) as reader:
        list(reader.scan(ALL))


STRANGER = """
import os
import sys
from pathlib import Path
from whodid_indexer.query.model import ALL
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_schema.errors import StateError
from support.records import item, records
path = Path(sys.argv[1])
if os.geteuid() == 0:
    os.setuid(65_534)
print(SqliteReader(path).count(ALL))
try:
    SqliteStore(path).create([item(record) for record in records(1, 3, 1_795_000_000_000_000, 1_000)])
except StateError as error:
    print(error)
"""


def test_who_may_only_read_the_folder_reads_while_no_writer_runs(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "audit.db"
        SqliteStore.setup(path, META)
        with closing(SqliteStore(path)) as store:
            store.create(made(9, 20))
        path.chmod(0o444)
        folder.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", STRANGER, str(path)],
            env={**os.environ, "PYTHONPATH": "tests", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        folder.chmod(0o755)
    assert done.stdout.splitlines()[0] == "20", done.stderr
    assert "cannot be written by this user" in done.stdout


def test_a_scan_sees_what_was_there_at_its_start_and_lets_the_log_be_merged(store: SqliteStore, path: Path) -> None:
    store.create(made(3, 2_500))
    with closing(SqliteReader(path)) as reader:
        for query in (ALL, AuditQuery(texts=(Text("did"),))):
            stored = reader.count(query)
            scan = reader.scan(query)
            next(scan)
            store.create([item(record) for record in records(stored, 10, START - 1_000_000, 10)])
            busy, *_ = store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").get
            assert busy == 0
            assert 1 + sum(1 for _ in scan) == stored


def test_bodies_shrink_once_the_store_has_learnt(store: SqliteStore, path: Path) -> None:
    items = made(6, 2_200)
    for start in range(0, len(items), 200):
        store.create(items[start : start + 200])
    numbers = dict(store._connection.execute("SELECT hex(substr(body, 1, 1)), avg(length(body)) FROM event GROUP BY 1"))
    assert numbers["01"] < numbers["00"] / 2
    with closing(SqliteReader(path)) as reader:
        assert sorted(reader.scan(ALL)) == sorted(one.body for one in items)
