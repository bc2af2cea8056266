"""Daily exports: every record in exactly one file, at whatever step the process is killed."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest

from support.records import item
from support.running import clean_environment
from support.serving import make
from whodid_indexer.export.bookmark import Bookmark, News, export_news
from whodid_indexer.export.lines import Lines
from whodid_indexer.export.manifest import manifest_of, verify
from whodid_indexer.export.part import Part
from whodid_indexer.export.run import Asked, Destination, Watch
from whodid_indexer.query.model import ALL, AuditQuery, Term
from whodid_indexer.store.sqlite import SqliteStore
from whodid_indexer.store.sqlite.read import SqliteReader
from whodid_schema.errors import StateError, UsageError
from whodid_schema.meta import default_meta
from whodid_schema.record import decode

NDJSON = Asked(ALL, "", "ndjson", "sqlite:///x.db", "UTC")


class Daily:
    """A store, a bookmark and a folder for the files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "audit.db"
        self.out = folder / "out"
        self.state = folder / "state"
        if not self.file.exists():
            SqliteStore.setup(self.file, default_meta(datetime(2026, 1, 1, tzinfo=UTC)))
            self.out.mkdir()

    def create(self, *numbers: int) -> None:
        store = SqliteStore(self.file)
        store.create([item(make(number)) for number in numbers])
        store.close()

    def export(self, name: str, query: AuditQuery = ALL, store: str = NDJSON.store, watch: Watch | None = None) -> int:
        """The number of rows; -1 where the export before was all that was to do."""
        target = self.out / name
        asked = msgspec.structs.replace(NDJSON, query=query, store=store)
        reader = SqliteReader(self.file)
        try:
            with Bookmark(self.state, "siem", store, query) as bookmark:
                if bookmark.settle() == target:
                    return -1
                to = Destination(target)
                return export_news(reader, asked, to, bookmark, lambda _: Lines(), watch or Watch()).rows
        finally:
            reader.close()

    def exported(self) -> list[str]:
        """The ids in all files, in the order of the files' names."""
        files = sorted(self.out.glob("*.ndjson"))
        return [json.loads(line)["id"] for file in files for line in file.read_text().splitlines()]


def ids(*numbers: int) -> list[str]:
    return [str(make(number).id) for number in numbers]


@pytest.fixture
def daily(tmp_path: Path) -> Daily:
    return Daily(tmp_path)


def test_each_export_takes_up_where_the_last_one_ended_late_events_too(daily: Daily) -> None:
    daily.create(5, 6)
    assert daily.export("1.ndjson") == 2
    daily.create(4, 9000)  # the second of them happened long before the others
    assert daily.export("2.ndjson") == 2
    assert daily.export("3.ndjson") == 0
    daily.create(3)
    assert daily.export("4.ndjson") == 1
    assert daily.exported() == ids(5, 6, 4, 9000, 3)
    for file in daily.out.glob("*.ndjson"):
        assert verify(file).bookmark == "siem"
    assert verify(daily.out / "2.ndjson").order == "arrival"


def test_filters_choose_among_what_arrived(daily: Daily) -> None:
    query = AuditQuery(terms=(Term("actor", ("Ana Ruiz",)),))
    daily.create(*range(10))
    assert daily.export("1.ndjson", query) == 4
    daily.create(*range(10, 20))
    assert daily.export("2.ndjson", query) == 3
    assert daily.exported() == ids(0, 3, 6, 9, 12, 15, 18)


class Failing(Watch):
    """The store goes away after the first rows."""

    def rows(self, rows: int) -> None:
        raise KeyboardInterrupt


def test_an_export_that_ends_early_leaves_nothing_and_moves_nothing(daily: Daily) -> None:
    daily.create(1, 2)
    with pytest.raises(KeyboardInterrupt):
        daily.export("1.ndjson", watch=Failing())
    assert list(daily.out.iterdir()) == []
    assert daily.export("2.ndjson") == 2


def test_a_file_that_is_there_is_not_replaced_and_the_bookmark_stays(daily: Daily) -> None:
    daily.create(1)
    (daily.out / "1.ndjson").write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        daily.export("1.ndjson")
    assert (daily.out / "1.ndjson").read_text() == "mine"
    assert daily.export("2.ndjson") == 1


def test_a_bookmark_is_of_one_store_and_of_one_process_at_a_time(daily: Daily) -> None:
    daily.export("1.ndjson")
    with pytest.raises(UsageError, match="is of sqlite:///x"):
        daily.export("2.ndjson", store="sqlite:///other.db")
    with (
        Bookmark(daily.state, "siem", NDJSON.store, ALL),
        pytest.raises(UsageError, match="another export --since-last siem is running"),
    ):
        daily.export("2.ndjson")
    for name in ("", "../x", "a/b", ".hidden", "x" * 65, "a\x1b"):
        with pytest.raises(UsageError, match="no name for a bookmark"):
            Bookmark(daily.state, name, NDJSON.store, ALL)


def test_a_damaged_bookmark_is_named(daily: Daily) -> None:
    daily.export("1.ndjson")
    (daily.state / "siem.json").write_text("{")
    with pytest.raises(StateError, match=r"siem\.json is damaged"):
        daily.export("2.ndjson")


def test_where_the_folder_of_a_whole_file_is_gone_nothing_is_taken_for_done(
    daily: Daily, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily.create(1)
    with monkeypatch.context() as patched:
        patched.setattr(Part, "place", mock.Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            daily.export("1.ndjson")
    assert (daily.out / ".1.ndjson.part").exists()
    daily.out.rename(daily.folder / "elsewhere")
    with pytest.raises(StateError, match="mount it again"):
        daily.export("2.ndjson")
    daily.out.mkdir()  # an empty mount point
    with pytest.raises(StateError, match="mount it again"):
        daily.export("2.ndjson")
    daily.out.rmdir()
    (daily.folder / "elsewhere").rename(daily.out)
    daily.create(2)
    assert daily.export("2.ndjson") == 1
    assert daily.exported() == ids(1, 2)


def _killed_at(steps: int) -> None:
    """From now on this process dies before it touches the disk for the time after `steps`."""
    left = itertools.count(steps, -1)

    def killing(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*given: Any, **named: Any) -> Any:
            if next(left) == 0:
                os._exit(9)
            return real(*given, **named)

        return step

    for name in ("write", "fsync", "unlink", "replace", "rename", "open", "fchmod", "ftruncate"):
        setattr(os, name, killing(getattr(os, name)))


def kill_at_every_step(folder: Path) -> None:
    """Each step in turn kills one export; between them more arrives, and a consumer takes away what is finished.

    Run in a process of its own, which forks: prints the ids taken, how many records there were, and what was left.
    """
    daily = Daily(folder)
    taken: list[str] = []
    finished = 0
    for number in range(200):
        daily.create(number)
        child = os.fork()
        if child == 0:
            _killed_at(number)
            daily.export(f"{number:03}.ndjson")
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, 9), code
        for file in daily.out.glob("*.ndjson"):
            assert verify(file).rows == len(file.read_text().splitlines())
            taken += [json.loads(line)["id"] for line in file.read_text().splitlines()]
            file.unlink()
            manifest_of(file).unlink()
        finished += code == 0
        if finished == 2:
            break
    print(json.dumps([taken, number + 1, sorted(entry.name for entry in daily.out.iterdir())]))  # noqa: T201


def test_killed_at_any_step_every_record_is_in_one_file(tmp_path: Path) -> None:
    here = Path(__file__)
    code = "import sys, runpy; from pathlib import Path; here, folder = sys.argv[1:]\n"
    code += "runpy.run_path(here)['kill_at_every_step'](Path(folder))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(here), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(PYTHONPATH=str(here.parents[2])),
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    taken, records, left = json.loads(done.stdout)
    assert records > 20
    assert taken == ids(*range(records))
    assert not [name for name in left if ".part" in name]


def test_a_feed_that_never_rests_has_an_end(daily: Daily) -> None:
    daily.create(1)
    reader = SqliteReader(daily.file)
    news = News(reader, ALL, None)
    seen: list[str] = []
    for body in news:
        seen.append(str(decode(body).id))
        store = SqliteStore(daily.file)
        later = "2999-01-01T00:00:00.000000Z"
        store.create([item(make(100 + len(seen), received_at=later))])
        store.close()
        assert len(seen) < 10
    assert seen == ids(1, 101)
    rest = News(reader, ALL, news.cursor)
    assert [decode(body).id for body in rest] == ids(102)
    reader.close()
