"""Archive before delete, on both stores: what is deleted is in the archive, exactly, and comes back as it was."""

import json
import threading
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.records import identifier, stamp
from support.running import whodid
from whodid_indexer.archive.mark import unmarked
from whodid_indexer.archive.reader import lines_of, verify
from whodid_indexer.archive.restore import files_of, look_through, restore
from whodid_indexer.archive.writer import PART, Archive
from whodid_indexer.config import ArchiveSettings, IndexerSettings
from whodid_indexer.query.model import ALL
from whodid_indexer.retention.document import NOTHING
from whodid_indexer.retention.due import EPOCH
from whodid_indexer.retention.plan import Done
from whodid_indexer.store.base import Item
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_indexer.store.sqlite import retire as sqlite_retire
from whodid_indexer.store.sqlite.document import write_document
from whodid_indexer.store.sqlite.erase import Eraser
from whodid_indexer.store.sqlite.retire import SqliteLifecycle
from whodid_schema.bulk import INDEXED
from whodid_schema.errors import WhodidError
from whodid_schema.record import Record, decode, encode

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = 86_400_000_000
MICROS = (NOW - EPOCH) // timedelta(microseconds=1)


def made(number: int, age_days: float, surface: str = "activity") -> Item:
    at = stamp(MICROS - int(age_days * DAY))
    record = Record(timestamp=at, received_at=at, id=identifier(number), app="shop", surface=surface, raw=f"n{number}")
    return Item(f"whodid-{surface}", identifier(number), encode(record))


def keep(path: Path, days: dict[str, int | None]) -> None:
    write_document(path, NOTHING._replace(days=days), NOW)


def store(path: Path, items: list[Item]) -> None:
    with closing(SqliteStore(path)) as writer:
        assert writer.create(items) == [INDEXED] * len(items)


def apply(path: Path, folder: Path, classes: Iterable[str] | None = None, now: datetime = NOW) -> list[Done]:
    done: list[Done] = []
    archive = Archive(folder, f"sqlite://{path}", None if classes is None else frozenset(classes))
    with closing(SqliteLifecycle(path, pause=0, archive=archive)) as lifecycle:
        lifecycle.apply(now, done.append)
    return done


def stored(path: Path) -> dict[str, bytes]:
    with closing(SqliteReader(path)) as reader:
        return {str(decode(body).id): body for body in reader.scan(ALL)}


def in_archives(folder: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for file in sorted(folder.glob("*.jsonl.gz")):
        verify(file)
        for line in lines_of(file):
            identity = str(decode(line).id)
            assert found.setdefault(identity, line) == line
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made_now = tmp_path / "archive"
    made_now.mkdir()
    return made_now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "audit.db"
    keep(file, {"activity": 30, "delivery": 7})
    return file


def test_what_is_deleted_is_in_the_archive_and_comes_back_as_it_was(path: Path, folder: Path) -> None:
    store(path, [made(n, n * 0.5, ("activity", "delivery", "audit")[n % 3]) for n in range(300)])
    before = stored(path)
    done = apply(path, folder)
    after = stored(path)
    assert after.keys() < before.keys()
    assert in_archives(folder) == {name: body for name, body in before.items() if name not in after}
    assert {file for one in done for file in one.archives} == {file.name for file in folder.glob("*.gz")}
    with closing(SqliteStore(path)) as sink:
        for source in look_through(files_of([folder])):
            assert restore(source, sink, NOW).restored == source.records
    assert {name: unmarked(body) for name, body in stored(path).items()} == before
    assert apply(path, folder) == [], "what was put back ages from now"


def test_a_round_trip_gives_equal_records_whatever_they_are(tmp_path: Path) -> None:
    ages, classes = st.floats(0, 90), st.sampled_from(["activity", "delivery", "audit"])
    days = st.dictionaries(classes, st.one_of(st.none(), st.integers(1, 60)), max_size=3)
    number = 0

    @given(st.lists(st.tuples(ages, classes, st.text(max_size=20)), min_size=1, max_size=12), days)
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    def check(wanted: list[tuple[float, str, str]], kept: dict[str, int | None]) -> None:
        nonlocal number
        number += 1
        path, folder = tmp_path / f"{number}.db", tmp_path / f"{number}"
        folder.mkdir()
        keep(path, kept)
        items = [made(at, age, surface) for at, (age, surface, _) in enumerate(wanted)]
        texts = [decode(one.body) for one in items]
        for record, (_, _, text) in zip(texts, wanted, strict=True):
            record.description = text
        store(path, [one._replace(body=encode(record)) for one, record in zip(items, texts, strict=True)])
        before = stored(path)
        apply(path, folder)
        after, kept_there = stored(path), in_archives(folder)
        assert after.keys() & kept_there.keys() == set()
        assert after | kept_there == before
        with closing(SqliteStore(path)) as sink:
            for source in look_through(files_of([folder]) if kept_there else []):
                restore(source, sink, NOW)
        assert {name: unmarked(body) for name, body in stored(path).items()} == before

    check()


def test_only_the_classes_that_are_named_are_archived(path: Path, folder: Path) -> None:
    store(path, [made(1, 90), made(2, 90, "delivery")])
    apply(path, folder, {"activity"})
    assert set(in_archives(folder)) == {identifier(1)}
    assert stored(path) == {}


def test_the_plan_says_what_is_archived_before_it_goes(path: Path, folder: Path) -> None:
    store(path, [made(1, 90), made(2, 1), made(3, 90, "delivery"), made(4, 90, "audit")])
    archive = Archive(folder, "", frozenset({"activity", "audit"}))
    with closing(SqliteLifecycle(path, archive=archive)) as lifecycle:
        found = {(part.class_, part.due): part.archived for part in lifecycle.plan(NOW).parts}
    assert found == {
        ("activity", True): True,
        ("activity", False): True,
        ("delivery", True): False,
        ("audit", False): False,  # kept for ever
    }


def test_a_folder_that_cannot_be_written_keeps_every_record(path: Path, tmp_path: Path) -> None:
    store(path, [made(1, 90)])
    with pytest.raises(WhodidError, match="cannot archive into"):
        apply(path, tmp_path / "none")
    assert set(stored(path)) == {identifier(1)}


def test_an_archive_that_reads_back_differently_keeps_every_record(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that lies: what it gives back is not what was written."""
    store(path, [made(n, 90) for n in range(50)])

    def lying(part: Path) -> tuple[int, str]:
        return part.stat().st_size, "0" * 64

    monkeypatch.setattr("whodid_indexer.archive.writer.measure", lying)
    with pytest.raises(WhodidError, match="reads back differently from what was written; nothing of it is deleted"):
        apply(path, folder)
    assert len(stored(path)) == 50
    assert {file.name for file in folder.iterdir()} == {PART}


def test_records_that_come_between_archiving_and_deleting_stay(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(path, [made(n, 90) for n in range(20)])
    real = Archive.keep

    def slowly(self: Archive, *given: object) -> object:
        kept = real(self, *given)  # type: ignore[arg-type]
        if len(stored(path)) == 20:
            store(path, [made(n, 90) for n in range(20, 40)])
        return kept

    monkeypatch.setattr(Archive, "keep", slowly)
    apply(path, folder)
    left = stored(path)
    assert set(left).isdisjoint(in_archives(folder))
    assert set(left) | set(in_archives(folder)) == {identifier(n) for n in range(40)}


def test_many_records_go_into_several_files_and_memory_stays_small(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_retire, "TOGETHER", 1_000)
    monkeypatch.setattr(sqlite_retire, "_FOUND", 500)
    store(path, [made(n, 40 + n / 1_000) for n in range(2_500)])
    (done,) = apply(path, folder)
    assert (done.records, len(done.archives), stored(path)) == (2_500, 3, {})
    assert [verify(folder / name).records for name in done.archives] == [1_000, 1_000, 500]


def test_told_to_leave_it_leaves_soon_and_deletes_nothing_that_is_half_archived(path: Path, folder: Path) -> None:
    store(path, [made(n, 90) for n in range(5_000)])
    leave = threading.Event()
    archive = Archive(folder, "")
    with closing(SqliteLifecycle(path, leave, pause=0, archive=archive)) as lifecycle:
        timer = threading.Timer(0.01, leave.set)
        timer.start()
        began = time.monotonic()
        lifecycle.apply(NOW, lambda _: None)
        timer.join()
    assert time.monotonic() - began < 5
    left = stored(path)
    assert set(left) | set(in_archives(folder)) == {identifier(n) for n in range(5_000)}


def test_an_interrupted_deletion_goes_on_without_a_second_archive_of_the_same(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(path, [made(n, 90) for n in range(30)])

    def cut_off(*_: object) -> int:
        raise WhodidError("power cut")

    with monkeypatch.context() as broken:
        broken.setattr(Eraser, "delete", cut_off)
        with pytest.raises(WhodidError, match="power cut"):
            apply(path, folder)
    assert len(stored(path)) == len(in_archives(folder)) == 30
    (done,) = apply(path, folder)
    assert (done.records, len(done.archives), stored(path)) == (30, 1, {})
    assert len(list(folder.glob("*.jsonl.gz"))) == 1


def run(*arguments: object) -> str:
    return whodid("retention", *map(str, arguments)).stdout


def test_the_command_archives_by_flag_and_by_configuration_and_its_plan_says_so(path: Path, folder: Path) -> None:
    store(path, [made(1, 9_000), made(2, 9_000, "delivery")])
    file = path.parent / "whodid.yaml"
    file.write_text(f"store: sqlite://{path}\narchive: {{directory: {folder}, classes: [activity]}}\n")
    plan = run("plan", "--config", file)
    assert [line.endswith("; archived first") for line in plan.splitlines()[1:]] == [True, False]
    parts = json.loads(run("plan", "--store", f"sqlite://{path}", "--archive", folder, "--format", "json"))["parts"]
    assert [part["archived"] for part in parts] == [True, True]
    done = run("apply", "--config", file)
    (name,) = [each.name for each in folder.glob("*.gz")]
    assert f"archived in {name}\ndeleted 1 records of activity" in done
    assert "deleted 1 records of delivery" in done


def test_where_there_is_an_archive_ism_deletes_nothing(folder: Path) -> None:
    assert IndexerSettings().ism_deletes
    assert not IndexerSettings(archive=ArchiveSettings(directory=folder)).ism_deletes
    assert not IndexerSettings(lifecycle="apply").ism_deletes


def test_a_class_that_there_is_not_is_named_with_its_line(path: Path) -> None:
    file = path.parent / "whodid.yaml"
    file.write_text(f"store: sqlite://{path}\narchive:\n  directory: /tmp\n  classes: [activty]\n")
    done = whodid("retention", "plan", "--config", str(file), check=False)
    assert (done.returncode, "there is no class 'activty'; did you mean 'activity'?" in done.stderr) == (2, True)
    assert f"{file}:4" in done.stderr
