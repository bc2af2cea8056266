"""An export to a file: of one moment, counted, gone on with after any end, the same bytes as without one."""

import csv
import errno
import gzip
import io
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from support.records import item
from support.serving import make
from whodid_indexer.export import part as part_module
from whodid_indexer.export.columns import AUDITOR
from whodid_indexer.export.lines import Lines
from whodid_indexer.export.manifest import Manifest, manifest_of, verify
from whodid_indexer.export.run import Asked, Destination, RowWriter, Watch, check, export_file
from whodid_indexer.export.sheet import Sheet
from whodid_indexer.query.model import ALL, AuditQuery, Term
from whodid_indexer.store.base import Reader
from whodid_indexer.store.sqlite import SqliteStore
from whodid_indexer.store.sqlite.read import SqliteReader
from whodid_schema.errors import Incomplete, StoreUnreachable, UsageError, WhodidError
from whodid_schema.meta import default_meta

CSV = Asked(ALL, "", "csv", "sqlite:///x.db", "UTC", AUDITOR)


def writer(asked: Asked) -> RowWriter:
    return Lines() if asked.form == "ndjson" else Sheet(asked.columns or ())


class Store:
    """A SQLite file with its writer and a reader."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            SqliteStore.setup(path, default_meta(datetime(2026, 1, 1, tzinfo=UTC)))
        self.path = path
        self._writer = SqliteStore(path)
        self.reader: Reader = SqliteReader(path)

    def create(self, *numbers: int, **changed: Any) -> None:
        self._writer.create([item(make(number, **changed)) for number in numbers])

    def close(self) -> None:
        self.reader.close()
        self._writer.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with two thousand records."""
    made = Store(tmp_path_factory.mktemp("template") / "audit.db")
    made.create(*range(0, 4000, 2))
    made.close()
    return made.path


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[Store]:
    made = Store(Path(shutil.copy(template, tmp_path)))
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "out"
    made.mkdir()
    return made


class Breaking(Watch):
    """Ends the export with an error when so many rows are there."""

    def __init__(self, rows: int, error: BaseException) -> None:
        self._rows = rows
        self._error = error
        self.left: int | None = None
        self.began: list[int] = []

    def begins(self, asked: Asked, rows: int) -> None:
        self.began.append(rows)

    def rows(self, rows: int) -> None:
        if rows >= self._rows:
            raise self._error

    def kept(self, rows: int) -> None:
        self.left = rows


def run(store: Store, path: Path, asked: Asked = CSV, **more: Any) -> Manifest:
    return export_file(store.reader, asked, Destination(path, more.pop("force", False)), writer, **more)


def read_back(path: Path) -> list[dict[str, str]]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(io.StringIO(text.decode(), newline="")))


def ids(*numbers: int) -> list[str]:
    return [str(make(number).id) for number in numbers]


def test_the_file_holds_every_match_and_its_manifest_says_what_it_is(store: Store, folder: Path) -> None:
    path = folder / "a.csv"
    query = AuditQuery(terms=(Term("actor", ("Ana Ruiz",)),), since=0)
    manifest = run(store, path, msgspec.structs.replace(CSV, query=query, text='actor:"Ana Ruiz"'))
    rows = read_back(path)
    expected = [number for number in range(0, 4000, 2) if number % 3 == 0]
    assert [row["id"] for row in rows] == ids(*expected)
    assert sorted(entry.name for entry in folder.iterdir()) == ["a.csv", "a.csv.manifest.json"]
    said = json.loads(manifest_of(path).read_text())
    assert said["rows"] == len(expected)
    assert said["promised"] == [len(expected)] * 2
    assert said["query"]["text"] == 'actor:"Ana Ruiz"'
    assert said["range"] == {"since": "1970-01-01T00:00:00.000000Z", "until": None}
    assert said["first"] == {"time": make(0).timestamp, "id": make(0).id}
    assert said["last"]["id"] == ids(expected[-1])[0]
    assert said["columns"] == list(AUDITOR)
    assert said["recorded"] is False
    assert {"user", "host", "whodid", "started", "finished", "store", "zone"} <= said.keys()
    assert verify(path) == manifest
    assert path.stat().st_mode & 0o777 == 0o666 & ~part_module._umask()


def test_the_query_of_a_manifest_asks_any_store_the_same(store: Store, folder: Path) -> None:
    query = AuditQuery(terms=(Term("outcome", ("failure",)),), until=1_764_000_000_000_000)
    run(store, folder / "a.csv", msgspec.structs.replace(CSV, query=query))
    said = json.loads(manifest_of(folder / "a.csv").read_text())
    again = msgspec.convert(said["query"]["value"], AuditQuery)
    assert again == query
    assert store.reader.count(again) == said["rows"]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.ndjson", "a.ndjson.gz"])
@pytest.mark.parametrize("ascending", [False, True])
def test_an_export_that_was_interrupted_anywhere_becomes_the_same_file(
    store: Store, folder: Path, name: str, ascending: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_module, "SEGMENT", 100_000)
    asked = msgspec.structs.replace(
        CSV,
        form="ndjson" if "ndjson" in name else "csv",
        columns=None if "ndjson" in name else AUDITOR,
        gzip=name.endswith(".gz"),
        ascending=ascending,
    )
    whole = run(store, folder / f"whole-{name}", asked)
    watch = None
    for rows in (1, 900, 1500):
        watch = Breaking(rows, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            run(store, folder / name, asked, resume=True, watch=watch)
        assert not (folder / name).exists()
        store.create(4001 + rows, -rows, rows * 2 + 1)  # newer, older and in between: none of it belongs
    assert watch is not None
    assert watch.left
    assert watch.began[0] > 0
    finished = run(store, folder / name, asked, resume=True)
    assert (folder / name).read_bytes() == (folder / f"whole-{name}").read_bytes()
    assert (finished.rows, finished.sha256, finished.promised) == (2000, whole.sha256, (2000, 2000))
    assert (finished.first, finished.last) == (whole.first, whole.last)
    assert finished.resumed == 3
    assert {entry.name for entry in folder.iterdir()} == {
        *(f"{prefix}{name}{suffix}" for prefix in ("", "whole-") for suffix in ("", ".manifest.json"))
    }


def test_records_of_one_microsecond_are_neither_lost_nor_doubled_where_it_goes_on(store: Store, folder: Path) -> None:
    store.create(*range(5001, 7000), timestamp=make(1000).timestamp)
    run(store, folder / "whole.csv")
    with pytest.raises(KeyboardInterrupt):
        run(store, folder / "a.csv", watch=Breaking(1500, KeyboardInterrupt()))
    run(store, folder / "a.csv", resume=True)
    assert (folder / "a.csv").read_bytes() == (folder / "whole.csv").read_bytes()


def test_a_full_disk_is_one_clear_line_and_what_is_written_is_kept(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    left = [300_000]

    def small(file: int, data: bytes) -> int:
        if left[0] <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = real(file, data[: left[0]])
        left[0] -= written
        return written

    monkeypatch.setattr(os, "write", small)
    watch = Breaking(10**9, KeyboardInterrupt())
    with pytest.raises(WhodidError, match="No space left on device — go on with --resume"):
        run(store, folder / "a.csv", watch=watch)
    monkeypatch.undo()
    assert watch.left
    run(store, folder / "a.csv", resume=True)
    assert [row["id"] for row in read_back(folder / "a.csv")] == ids(*range(0, 4000, 2))


def test_where_a_store_goes_away_the_rows_until_then_are_kept(store: Store, folder: Path) -> None:
    watch = Breaking(700, StoreUnreachable("gone"))
    with pytest.raises(StoreUnreachable):
        run(store, folder / "a.csv", watch=watch)
    assert watch.left
    assert run(store, folder / "a.csv", resume=True).rows == 2000


def test_a_mark_is_on_disk_every_few_seconds_so_that_a_kill_costs_no_more(store: Store, folder: Path) -> None:
    ticks = itertools.count(0, 0.9)
    part = part_module.Part(folder / "a.csv", gzip=False, clock=lambda: float(next(ticks)))
    part.begin({"asked": 1})
    for number in range(1, 5):
        part.write(b"row\r\n", part_module.Mark(rows=number))
    part.close()  # as a kill would leave it
    again = part_module.Part(folder / "a.csv", gzip=False)
    assert again.go_on() == {"asked": 1}
    assert 2 <= again.mark.rows < 4
    assert again.path.stat().st_size == again.mark.size == 5 * again.mark.rows
    again.discard()
    assert list(folder.iterdir()) == []


def test_going_on_with_something_else_is_refused_and_nothing_is_lost(store: Store, folder: Path) -> None:
    asked = msgspec.structs.replace(CSV, typed={"last": "7d"})
    with pytest.raises(KeyboardInterrupt):
        run(store, folder / "a.csv", asked, watch=Breaking(900, KeyboardInterrupt()))
    with pytest.raises(UsageError, match="something else: gzip, last differ"):
        run(store, folder / "a.csv", msgspec.structs.replace(CSV, typed={"gzip": True}), resume=True)
    with pytest.raises(UsageError, match=r"was of sqlite:///x\.db"):
        run(store, folder / "a.csv", msgspec.structs.replace(CSV, store="sqlite:///y.db"), resume=True)
    watch = Breaking(10**9, KeyboardInterrupt())
    assert run(store, folder / "a.csv", resume=True, watch=watch).rows == 2000
    assert watch.began[0] > 0


def test_two_exports_to_one_file_at_a_time_are_refused(store: Store, folder: Path) -> None:
    held = part_module.Part(folder / "a.csv", gzip=False)
    with pytest.raises(UsageError, match="another export is writing"):
        run(store, folder / "a.csv")
    held.discard()
    run(store, folder / "a.csv")
    with pytest.raises(UsageError, match="exists already"):
        run(store, folder / "a.csv")
    assert run(store, folder / "a.csv", force=True).rows == 2000


def test_a_folder_that_is_not_there_is_named(store: Store, tmp_path: Path) -> None:
    with pytest.raises(WhodidError, match="cannot write"):
        run(store, tmp_path / "no" / "a.csv")


class Busy(SqliteReader):
    """A store where a record arrives during each count, which is of a later moment than the scan then."""

    arrive: Callable[[], None]

    def count(self, query: AuditQuery) -> int:
        self.arrive()
        return super().count(query)


def test_where_records_keep_arriving_a_range_is_promised_and_the_rows_are_of_one_moment(
    store: Store, folder: Path
) -> None:
    numbers = itertools.count(10_001, 2)
    busy = Busy(store.path)
    busy.arrive = lambda: store.create(next(numbers))
    manifest = export_file(busy, CSV, Destination(folder / "a.csv"), writer)
    busy.close()
    assert manifest.rows == 2002
    assert manifest.promised == (2002, 2003)


def test_what_arrives_elsewhere_does_not_make_the_promise_a_range(store: Store, folder: Path) -> None:
    numbers = itertools.count(10_001, 2)
    busy = Busy(store.path)
    busy.arrive = lambda: store.create(next(numbers), app="other")
    asked = msgspec.structs.replace(CSV, query=AuditQuery(terms=(Term("app", ("shop",)),)))
    assert export_file(busy, asked, Destination(folder / "a.csv"), writer).promised == (2000, 2000)
    busy.close()


class Losing(SqliteReader):
    """A store that ends a scan early without a word."""

    def scan(self, query: AuditQuery, *, ascending: bool = False) -> Iterator[bytes]:
        return itertools.islice(super().scan(query, ascending=ascending), 1990)


def test_too_few_rows_are_said_and_end_with_incomplete(store: Store, folder: Path) -> None:
    losing = Losing(store.path)
    manifest = export_file(losing, CSV, Destination(folder / "a.csv"), writer)
    losing.close()
    with pytest.raises(Incomplete, match="2,000 records match, but 1,990 rows were written") as caught:
        check(manifest)
    assert caught.value.exit_code == 5
    assert (manifest.rows, manifest.promised) == (1990, (2000, 2000))


def test_a_changed_file_is_told_by_its_manifest(store: Store, folder: Path) -> None:
    path = folder / "a.csv"
    run(store, path)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"Ana Ruiz", b"Eva Ruiz", 1))
    with pytest.raises(WhodidError, match="was changed: its SHA-256"):
        verify(path)
    path.write_bytes(content + b"x")
    with pytest.raises(WhodidError, match="was changed: it has"):
        verify(path)
    manifest_of(path).write_text("{}")
    with pytest.raises(WhodidError, match="not a manifest"):
        verify(path)
    manifest_of(path).unlink()
    with pytest.raises(UsageError, match="is not there"):
        verify(path)


def test_an_empty_answer_is_a_file_too(store: Store, folder: Path) -> None:
    nothing = AuditQuery(terms=(Term("app", ("none",)),))
    for name, content in (("a.csv", ",".join(AUDITOR).encode() + b"\r\n"), ("b.ndjson.gz", b"")):
        asked = msgspec.structs.replace(
            CSV, query=nothing, form="csv" if "csv" in name else "ndjson", gzip="gz" in name
        )
        manifest = run(store, folder / name, asked)
        read = (folder / name).read_bytes()
        assert (gzip.decompress(read) if "gz" in name else read) == content
        assert (manifest.rows, manifest.first, manifest.last) == (0, None, None)


def test_a_file_that_was_finished_when_the_process_was_killed_is_not_touched_by_the_next(
    store: Store, folder: Path
) -> None:
    run(store, folder / "a.csv")
    content = (folder / "a.csv").read_bytes()
    (folder / ".a.csv.part").hardlink_to(folder / "a.csv")  # named, but its other name is still there
    with pytest.raises(KeyboardInterrupt):
        run(store, folder / "a.csv", force=True, watch=Breaking(1, KeyboardInterrupt()))
    assert (folder / "a.csv").read_bytes() == content
