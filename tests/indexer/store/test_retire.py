"""Retention on SQLite: what goes and what never does, beside readers and writers, killed in the middle, space back."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest

from support.records import identifier, item, records, stamp
from whodid_indexer.query.model import ALL, AuditQuery, Text
from whodid_indexer.retention.daily import Daily
from whodid_indexer.retention.document import NOTHING
from whodid_indexer.retention.due import EPOCH
from whodid_indexer.retention.plan import Done
from whodid_indexer.store.base import Item
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_indexer.store.sqlite.document import write_document
from whodid_indexer.store.sqlite.erase import Eraser, batches
from whodid_indexer.store.sqlite.retire import SqliteLifecycle
from whodid_schema.bulk import DUPLICATE, INDEXED
from whodid_schema.meta import imported_index
from whodid_schema.record import Record, decode, encode

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = 86_400_000_000


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def made(number: int, at: int, surface: str = "activity", index: str | None = None) -> Item:
    record = Record(timestamp=stamp(at), received_at=stamp(at), id=identifier(number), app="shop", surface=surface)
    return Item(index or f"whodid-{surface}", identifier(number), encode(record))


def keep(path: Path, days: Mapping[str, int | None], now: datetime = NOW) -> None:
    write_document(path, NOTHING._replace(days=dict(days)), now)


def store(path: Path, items: list[Item]) -> None:
    with closing(SqliteStore(path)) as writer:
        assert writer.create(items) == [INDEXED] * len(items)


def apply(path: Path, now: datetime) -> list[Done]:
    done: list[Done] = []
    with closing(SqliteLifecycle(path, pause=0)) as lifecycle:
        lifecycle.apply(now, done.append)
    return done


def stored(path: Path) -> set[str]:
    with closing(SqliteReader(path)) as reader:
        return {str(decode(body).id) for body in reader.scan(ALL)}


def check_sound(path: Path) -> None:
    """The file, its text index, and that rows, text and columns are of the same records."""
    with closing(apsw.Connection(str(path))) as connection:
        assert connection.pragma("integrity_check") == "ok"
        connection.execute("INSERT INTO ft(ft) VALUES ('integrity-check')")
        rows = connection.execute("SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM ft)").get
        assert rows[0] == rows[1]
        chunked = connection.execute(
            "SELECT coalesce(sum(n), 0), (SELECT count(*) FROM event WHERE seq <= 16384 * (SELECT count(*) FROM chunk))"
            " FROM chunk"
        ).get
        assert chunked[0] == chunked[1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "audit.db"
    keep(file, {"activity": 30, "delivery": 7})
    return file


def test_a_record_is_kept_to_the_last_microsecond(path: Path) -> None:
    edge = micros(NOW) - 30 * DAY
    store(path, [made(1, edge - 1), made(2, edge), made(3, edge + 1)])
    assert apply(path, NOW) == [Done(class_="activity", what="before 2026-10-22T12:00:00Z", records=1)]
    assert stored(path) == {identifier(2), identifier(3)}
    assert apply(path, NOW + timedelta(microseconds=1)) != []
    assert stored(path) == {identifier(3)}


def test_what_was_imported_ages_from_its_import(path: Path) -> None:
    keep(path, {"activity": 30, "imported": 30})
    record = Record(timestamp=stamp(0), received_at=stamp(micros(NOW)), id=identifier(1), surface="activity")
    index = imported_index(record)
    assert index == "whodid-imported-2026-11"
    store(path, [item(record, index)])
    goes = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=31 + 30)
    assert apply(path, goes - timedelta(microseconds=1)) == []
    assert [done.what for done in apply(path, goes)] == [index]
    assert stored(path) == set()


def test_records_of_no_class_are_kept_and_named(path: Path) -> None:
    store(path, [made(1, 0, index="whodid-nobody")])
    assert apply(path, NOW) == []
    with closing(SqliteLifecycle(path)) as lifecycle:
        assert lifecycle.plan(NOW).notes == ["records sent to whodid-nobody are of no class of this store: kept"]


def test_the_plan_says_what_goes_when_and_why(path: Path) -> None:
    store(path, [made(1, micros(NOW) - 31 * DAY), made(2, micros(NOW) - 29 * DAY), made(3, 0, "audit")])
    with closing(SqliteLifecycle(path)) as lifecycle:
        parts = lifecycle.plan(NOW).parts
    assert [(part.class_, part.records, part.due, part.goes, part.why) for part in parts] == [
        ("activity", 1, True, "2026-11-21T12:00:00Z", "older than 30 days"),
        ("activity", 1, False, "2026-11-22T12:00:00Z", "the oldest is 30 days old then"),
        ("audit", 1, False, None, "kept for ever"),
    ]


def test_a_record_that_was_deleted_can_come_again(path: Path) -> None:
    """An import, say; and what is there still is a duplicate still."""
    items = [made(1, micros(NOW) - 31 * DAY), made(2, micros(NOW))]
    with closing(SqliteStore(path)) as writer:
        writer.create(items)
        apply(path, NOW)
        assert writer.create(items) == [INDEXED, DUPLICATE]


def test_a_year_of_days_with_a_daily_apply(path: Path) -> None:
    """As the clock goes on each class holds its days, and the file does not grow after the first ones."""
    keep(path, {"activity": 30, "delivery": 7})
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    sizes = []
    with closing(SqliteStore(path)) as writer, closing(SqliteLifecycle(path, pause=0)) as lifecycle:
        for day in range(365):
            at = micros(begin) + day * DAY
            writer.create(
                [made(day * 20 + n, at + n * 1_000_000, ("activity", "delivery", "audit")[n % 3]) for n in range(20)]
            )
            lifecycle.apply(begin + timedelta(days=day + 1), lambda _: None)
            sizes.append(path.stat().st_size)
    with closing(SqliteReader(path)) as reader:
        times: dict[str, list[str]] = {}
        for body in reader.scan(ALL):
            record = decode(body)
            times.setdefault(str(record.surface), []).append(str(record.timestamp))
    assert len(times["audit"]) == 6 * 365
    assert (min(times["activity"])[:10], len(times["activity"])) == ("2026-12-02", 7 * 30)
    assert (min(times["delivery"])[:10], len(times["delivery"])) == ("2026-12-25", 7 * 7)
    check_sound(path)


def many(count: int, start: datetime, step: int = 60_000_000) -> list[Item]:
    """Records as real ones are, all of class activity, one in a hundred late."""
    return [item(record) for record in records(7, count, micros(start), step)]


def test_space_is_given_back(path: Path) -> None:
    """17,000 records over 12 days, of which one day's are left: chunks, text and file shrink."""
    items = many(17_000, NOW - timedelta(days=12))
    for start in range(0, len(items), 5_000):
        store(path, items[start : start + 5_000])
    with closing(apsw.Connection(str(path))) as connection:
        connection.pragma("wal_checkpoint(truncate)")
    full = path.stat().st_size
    keep(path, {"activity": 1})
    gone = sum(done.records or 0 for done in apply(path, NOW))
    assert gone == 17_000 - len(stored(path)) > 15_000
    assert path.stat().st_size < full / 3
    check_sound(path)
    with closing(SqliteReader(path)) as reader:
        words = [b"quota" in body for body in reader.scan(ALL)]
        assert reader.count(AuditQuery(texts=(Text("quota"),))) == sum(words) > 0


def test_readers_and_a_scan_see_one_store_while_it_shrinks(path: Path) -> None:
    """A scan under way reads on to its end; what is younger comes in any case, and nothing twice."""
    items = many(6_000, NOW - timedelta(days=4))
    store(path, items)
    keep(path, {"activity": 2})
    edge = stamp(micros(NOW) - 2 * DAY)
    young = {one.id for one in items if str(decode(one.body).timestamp) >= edge}
    with closing(SqliteReader(path)) as reader:
        scan = reader.scan(ALL, ascending=False)
        begun = [next(scan) for _ in range(10)]
        deleting = threading.Thread(target=apply, args=(path, NOW))
        deleting.start()
        seen = [str(decode(body).id) for body in [*begun, *scan]]
        deleting.join()
        assert young <= set(seen)
        assert len(seen) == len(set(seen))
        assert reader.count(ALL) == len(young)


def test_writers_are_let_in_between_two_deletions(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every write is done while the deletion goes on, and that lasts many times as long as any of its transactions."""
    spans: list[float] = []
    transaction = Eraser.transaction

    @contextmanager
    def timed(self: Eraser) -> Iterator[None]:
        with transaction(self):
            began = time.perf_counter()
            yield
            spans.append(time.perf_counter() - began)

    monkeypatch.setattr(Eraser, "transaction", timed)
    items = many(10_000, NOW - timedelta(days=7))
    store(path, items[:8_000])
    keep(path, {"activity": 1})
    lifecycle = SqliteLifecycle(path)
    lasted: list[float] = []

    def delete() -> None:
        began = time.perf_counter()
        lifecycle.apply(NOW, lambda _: None)
        lasted.append(time.perf_counter() - began)

    deleting = threading.Thread(target=delete)
    with closing(SqliteStore(path)) as writer:
        deleting.start()
        for start in range(8_000, 10_000, 100):
            assert writer.create(items[start : start + 100]) == [INDEXED] * 100
        beside = deleting.is_alive()
        deleting.join()
    assert beside, "the writer was to finish before the deletion does"
    assert max(spans) < sum(lasted) / 5
    lifecycle.close()
    check_sound(path)


def test_a_deletion_merges_nothing_of_the_text_index(path: Path) -> None:
    """FTS5 counts each deleted row as a page, and would merge what waits to be merged within that transaction."""
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("INSERT INTO ft(ft, rank) VALUES ('automerge', 0)")
    items = many(2_000, NOW - timedelta(days=2))
    for start in range(0, 2_000, 50):
        store(path, items[start : start + 50])
    with Eraser(path, threading.Event(), pause=0) as eraser:
        eraser.connection.execute("INSERT INTO ft(ft, rank) VALUES ('automerge', 16)")
        segments = "SELECT count(DISTINCT segid) FROM ft_idx"
        before: int = eraser.connection.execute(segments).get
        for numbers in batches(range(1, 2_001)):
            with eraser.transaction():
                assert eraser.delete(numbers) == len(numbers)
        after: int = eraser.connection.execute(segments).get
        assert eraser.connection.execute("SELECT v FROM ft_config WHERE k = 'automerge'").get == 16
    assert before == after == 40
    check_sound(path)


DELETER = """
import sys
from datetime import datetime
from pathlib import Path
from whodid_indexer.store.sqlite.erase import Eraser
from whodid_indexer.store.sqlite.retire import SqliteLifecycle
delete = Eraser.delete
def told(self, numbers):
    gone = delete(self, numbers)
    print(gone, flush=True)
    return gone
Eraser.delete = told
lifecycle = SqliteLifecycle(Path(sys.argv[1]), pause=0.001)
lifecycle.apply(datetime.fromisoformat(sys.argv[2]), lambda done: print("done", flush=True))
print("merged", flush=True)
"""


def test_kill_9_in_the_middle_leaves_a_sound_file_and_apply_goes_on(path: Path) -> None:
    items = many(17_000, NOW - timedelta(days=12))
    for start in range(0, len(items), 6_000):
        store(path, items[start : start + 6_000])
    keep(path, {"activity": 1})
    edge = stamp(micros(NOW) - DAY)
    young = {one.id for one in items if str(decode(one.body).timestamp) >= edge}
    left = len(items)
    for lines in (2, 5, 9):
        deleter = subprocess.Popen(
            [sys.executable, "-c", DELETER, str(path), NOW.isoformat()],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": "tests"},
        )
        assert deleter.stdout is not None
        for _ in range(lines):
            deleter.stdout.readline()
        deleter.send_signal(signal.SIGKILL)
        deleter.stdout.close()
        deleter.wait(10)
        check_sound(path)
        found = stored(path)
        assert young <= found
        assert len(found) < left
        left = len(found)
    apply(path, NOW)
    assert stored(path) == young
    check_sound(path)


def test_the_server_applies_by_itself_and_ends_early_when_told(path: Path) -> None:
    store(path, [made(number, micros(NOW) - 31 * DAY + number) for number in range(100)])
    with Daily(lambda leave: SqliteLifecycle(path, leave), lambda: NOW, first=0.0, every=0.01):
        deadline = time.monotonic() + 20
        while stored(path) and time.monotonic() < deadline:
            time.sleep(0.02)
    assert stored(path) == set()


def test_a_failure_of_the_daily_apply_is_logged_and_tried_again(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    turns: Iterator[Path] = iter([path.with_name("missing.db"), path])
    store(path, [made(1, 0)])

    def opened(leave: threading.Event) -> SqliteLifecycle:
        return SqliteLifecycle(next(turns, path), leave)

    with Daily(opened, lambda: NOW, first=0.0, every=0.01):
        deadline = time.monotonic() + 20
        while stored(path) and time.monotonic() < deadline:
            time.sleep(0.02)
    assert "retention was not applied, and is tried again tomorrow: there is no store at" in caplog.text
    assert stored(path) == set()
