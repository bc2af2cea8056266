"""`whodid backup`: a whole store of one moment, beside writers, or nothing that has the name of one."""

import hashlib
import json
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from support.records import item, records
from support.running import whodid
from support.serving import Server, make
from support.small_disk import small_disk
from whodid_indexer.query.model import ALL
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_indexer.store.sqlite.backup import back_up
from whodid_schema.bulk import DUPLICATE, INDEXED
from whodid_schema.errors import UsageError, WhodidError
from whodid_schema.meta import default_meta
from whodid_schema.record import decode

START = 1_764_000_000_000_000
SOME = [item(record) for record in records(1, 3_000, START, 1_000_000)]
MORE = [item(record) for record in records(2, 60_000, START, 1_000_000)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "audit.db"
    SqliteStore.setup(file, default_meta(datetime.now(UTC)))
    with closing(SqliteStore(file)) as store:
        store.create(SOME)
    return file


def stored(path: Path) -> set[str]:
    with closing(SqliteReader(path)) as reader:
        return {str(decode(body).id) for body in reader.scan(ALL)}


def test_a_copy_is_a_store_that_goes_on_where_it_was_made(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copies" / "copy.db"
    copy.parent.mkdir()
    backup = back_up(path, copy)
    assert {file.name for file in copy.parent.iterdir()} == {"copy.db", "copy.db.manifest.json"}
    assert json.loads((copy.parent / "copy.db.manifest.json").read_text())["sha256"] == backup.sha256
    assert (backup.records, backup.last) == (3_000, 3_000)
    assert backup.sha256 == hashlib.sha256(copy.read_bytes()).hexdigest()
    assert copy.stat().st_mode & 0o077 == 0
    assert stored(copy) == stored(path)
    with closing(SqliteStore(copy)) as store:
        late = item(make(1))
        assert store.create([SOME[0], late]) == [DUPLICATE, INDEXED]


def test_a_copy_beside_a_writer_is_of_one_moment_and_keeps_nobody_out(path: Path, tmp_path: Path) -> None:
    """The copy begins, then thousands of records are stored: none of them is in it, and it never begins again."""
    steps: list[tuple[int, int]] = []
    writing: list[threading.Thread] = []
    before = stored(path)
    waited: list[float] = []

    def write() -> None:
        with closing(SqliteStore(path)) as store:
            for start in range(0, 20_000, 1_000):
                began = datetime.now(UTC)
                store.create([one for one in MORE[start : start + 1_000] if one.id not in before])
                waited.append((datetime.now(UTC) - began).total_seconds())

    def told(copied: int, pages: int) -> None:
        steps.append((copied, pages))
        if len(steps) == 1:
            writing.append(threading.Thread(target=write))
            writing[0].start()
        if copied == pages:
            writing[0].join()

    with closing(apsw.Connection(str(path))) as other:  # the last one to close the file would merge its log
        assert other.pragma("journal_mode") == "wal"
        back_up(path, tmp_path / "copy.db", told)
        pages, merged = other.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
    assert pages > 1_500
    assert pages - merged < 1_000, "what was written meanwhile is no writer's to merge"
    assert stored(tmp_path / "copy.db") == before
    assert len(stored(path)) > len(before)
    assert [copied for copied, _ in steps] == sorted(copied for copied, _ in steps), "it never began again"
    assert {pages for _, pages in steps} == {steps[0][1]}
    assert max(waited) < 5


def test_a_file_that_is_there_is_not_replaced(path: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        back_up(path, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "mine"


def test_a_full_disk_leaves_nothing_that_looks_like_a_copy(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    with small_disk(100_000), pytest.raises(WhodidError, match=r"disk|cannot write"):
        back_up(path, folder / "copy.db")
    assert list(folder.iterdir()) == []
    assert back_up(path, folder / "copy.db").records == 3_000


def test_what_a_killed_one_left_is_not_in_the_way(path: Path, tmp_path: Path) -> None:
    (tmp_path / ".copy.db.part").write_bytes(b"half a copy")
    assert back_up(path, tmp_path / "copy.db").records == 3_000
    assert not (tmp_path / ".copy.db.part").exists()


def test_the_command_copies_beside_a_server_and_is_recorded(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.create(make(number) for number in range(50))
        done = whodid("backup", str(tmp_path / "copy.db"), "--store", server.store)
        assert "51 records in" in done.stderr, "fifty, and the event of the backup itself"
        assert server.create([make(99)])[0].outcome == "indexed"
        own = whodid("count", "--store", server.store, "--surface", "audit", "--action", "whodid.backup").stdout
    assert own == "1\n"
    assert len(stored(tmp_path / "copy.db")) == 51
    again = whodid("backup", str(tmp_path / "copy.db"), "--store", server.store, check=False)
    assert (again.returncode, "exists already" in again.stderr, "--force" in again.stderr) == (2, True, False)
    cluster = whodid("backup", str(tmp_path / "x.db"), "--store", "http://127.0.0.1:1", check=False)
    assert (cluster.returncode, "is not a file" in cluster.stderr) == (2, True)


def test_who_follows_arrivals_is_told_that_a_copy_is_another_store(path: Path, tmp_path: Path) -> None:
    """Its next records get numbers that the store gave to others: a cursor behind those would miss them in silence."""
    back_up(path, tmp_path / "copy.db")
    with closing(SqliteReader(path)) as reader:
        cursor = reader.now()
    with (
        closing(SqliteReader(tmp_path / "copy.db")) as reader,
        pytest.raises(UsageError, match="not a cursor of this store"),
    ):
        reader.changes(cursor)


def test_the_way_back_is_to_put_the_copy_in_the_place_of_the_store(path: Path, tmp_path: Path) -> None:
    whole = stored(path)
    back_up(path, tmp_path / "copy.db")
    path.write_bytes(b"lost")
    for end in ("-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    (tmp_path / "copy.db").rename(path)
    assert stored(path) == whole
