"""Archive before delete on a real OpenSearch: an index goes only as it is in the archive."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from support.indexing import META
from support.opensearch.server import Server
from support.records import records
from support.running import whodid
from whodid_indexer.archive.mark import unmarked
from whodid_indexer.archive.reader import lines_of, verify
from whodid_indexer.archive.writer import Archive
from whodid_indexer.query.model import ALL
from whodid_indexer.retention.document import NOTHING, renewed
from whodid_indexer.retention.plan import Done
from whodid_indexer.store.open import open_reader
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import Client
from whodid_indexer.store.opensearch.retire import OpenSearchLifecycle
from whodid_indexer.store.opensearch.template import template
from whodid_indexer.store.sqlite import SqliteStore
from whodid_schema.document import document
from whodid_schema.errors import StateError, WhodidError
from whodid_schema.record import Record, decode, encode

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
START = (datetime(2025, 3, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
OLD = list(records(3, 200, START, 60_000_000))
INDEX = "whodid-activity-2025-03"


def keep(server: Server) -> None:
    meta = renewed(META, NOTHING._replace(days={"activity": 30}), NOW)
    server.request("PUT", "/_index_template/whodid", template(meta))


def store(server: Server, listed: list[Record], index: str = INDEX) -> None:
    lines: list[bytes] = []
    for one in listed:
        lines += [msgspec.json.encode({"create": {"_index": index, "_id": one.id}}), document(one, encode(one))]
    answer = server.request("POST", "/_bulk", b"\n".join(lines) + b"\n")
    assert not answer["errors"], answer


def apply(server: Server, folder: Path, done: Callable[[Done], None] = lambda _: None) -> list[Done]:
    gone: list[Done] = []

    def hear(one: Done) -> None:
        gone.append(one)
        done(one)

    archive = Archive(folder, server.url)
    with closing(OpenSearchLifecycle(Client(server.url, Access()), archive=archive)) as lifecycle:
        lifecycle.apply(NOW, hear)
    return gone


def in_archives(folder: Path) -> dict[str, bytes]:
    files = sorted(folder.glob("*.jsonl.gz"))
    return {str(decode(line).id): line for file in files if verify(file) for line in lines_of(file)}


def there(server: Server) -> dict[str, bytes]:
    server.request("POST", "/whodid*/_refresh")
    with closing(open_reader(server.url)) as reader:
        bodies = [body for body in reader.scan(ALL) if decode(body).surface != "audit"]
    return {str(decode(body).id): body for body in bodies}


def indices(server: Server) -> set[str]:
    return {row["index"] for row in server.request("GET", "/_cat/indices/whodid-*?format=json")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "archive"
    made.mkdir()
    return made


def test_archive_delete_and_restore_give_equal_records(opensearch: Server, folder: Path) -> None:
    keep(opensearch)
    store(opensearch, OLD)
    (done,) = apply(opensearch, folder)
    bodies = {str(record.id): encode(record) for record in OLD}
    assert (done.what, done.records, len(done.archives)) == (INDEX, 200, 1)
    assert (there(opensearch), in_archives(folder)) == ({}, bodies)
    whodid("restore", str(folder), "--store", opensearch.url)
    assert {name: unmarked(body) for name, body in there(opensearch).items()} == bodies
    assert indices(opensearch) >= {f"whodid-imported-{datetime.now(UTC):%Y-%m}"}
    assert apply(opensearch, folder) == []
    file = folder.parent / "audit.db"
    SqliteStore.setup(file, META)
    assert "200 restored" in whodid("restore", str(folder), "--store", f"sqlite://{file}").stdout
    with closing(open_reader(f"sqlite://{file}")) as reader:
        every = [body for body in reader.scan(ALL) if decode(body).surface != "audit"]
    assert {str(decode(body).id): unmarked(body) for body in every} == bodies, "the other kind of store has the same"


def test_records_that_come_while_an_index_is_archived_are_in_the_archive_that_counts(
    opensearch: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(opensearch)
    store(opensearch, OLD[:100])
    real, late = Archive.keep, [OLD[100:150]]

    def slowly(self: Archive, *given: object) -> object:
        kept = real(self, *given)  # type: ignore[arg-type]
        if late:
            store(opensearch, late.pop())
        return kept

    monkeypatch.setattr(Archive, "keep", slowly)
    (done,) = apply(opensearch, folder)
    assert done.records == 150
    assert set(in_archives(folder)) == {str(record.id) for record in OLD[:150]}


def test_an_index_that_takes_records_all_the_time_stays_and_goes_on_taking_them(
    opensearch: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(opensearch)
    store(opensearch, OLD[:10])
    real, coming = Archive.keep, iter(OLD[10:])

    def slowly(self: Archive, *given: object) -> object:
        kept = real(self, *given)  # type: ignore[arg-type]
        store(opensearch, [next(coming)])
        return kept

    monkeypatch.setattr(Archive, "keep", slowly)
    with pytest.raises(StateError, match="takes records while it is archived; nothing of it is deleted"):
        apply(opensearch, folder)
    store(opensearch, [next(coming)])
    assert len(there(opensearch)) == 14


def test_without_a_place_for_the_archive_the_index_stays(opensearch: Server, tmp_path: Path) -> None:
    keep(opensearch)
    store(opensearch, OLD[:5])
    with pytest.raises(WhodidError, match="cannot archive into"):
        apply(opensearch, tmp_path / "none")
    assert len(there(opensearch)) == 5


def test_an_index_that_could_not_be_deleted_takes_records_again(
    opensearch: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(opensearch)
    store(opensearch, OLD[:5])

    def refused(*_: object) -> bool:
        raise WhodidError("no right")

    monkeypatch.setattr(OpenSearchLifecycle, "_delete", refused)
    with pytest.raises(WhodidError, match="no right"):
        apply(opensearch, folder)
    store(opensearch, OLD[5:6])
    assert len(there(opensearch)) == 6


def test_a_closed_index_stays_and_the_plan_says_why(opensearch: Server, folder: Path) -> None:
    keep(opensearch)
    store(opensearch, OLD[:5])
    opensearch.request("POST", f"/{INDEX}/_close")
    with closing(OpenSearchLifecycle(Client(opensearch.url, Access()), archive=Archive(folder, ""))) as lifecycle:
        (part,) = [part for part in lifecycle.plan(NOW).parts if part.what == INDEX]
    assert (part.due, "closed: it cannot be archived" in part.why) == (False, True)
    assert apply(opensearch, folder) == []
    assert indices(opensearch) == {INDEX}


def test_an_empty_index_goes_without_a_file(opensearch: Server, folder: Path) -> None:
    keep(opensearch)
    opensearch.request("PUT", f"/{INDEX}")
    assert [done.what for done in apply(opensearch, folder)] == [INDEX]
    assert list(folder.iterdir()) == []
