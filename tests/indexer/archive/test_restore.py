"""`whodid restore`: into a file, through a server, into OpenSearch; each record once, marked, else as it was."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.archives import archived
from support.crashing import EACH_OR_SOME, Crashing
from support.indexing import index, set_up
from support.opensearch.server import Server as Cluster
from support.records import item, records
from support.running import whodid
from support.serving import Server
from whodid_indexer.archive.mark import unmarked
from whodid_indexer.archive.restore import look_through
from whodid_indexer.archive.restore import restore as put_back
from whodid_indexer.query.model import ALL
from whodid_indexer.store.open import open_reader
from whodid_indexer.store.sqlite import SqliteStore
from whodid_schema.meta import default_meta
from whodid_schema.record import Record, decode, encode

START = 1_764_000_000_000_000
SOME = list(records(1, 400, START, 1_000_000))
BODIES = {str(record.id): encode(record) for record in SOME}
MONTH = datetime.now(UTC).strftime("%Y-%m")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return archived(tmp_path / "archive", SOME)


@pytest.fixture
def store(tmp_path: Path) -> str:
    SqliteStore.setup(tmp_path / "audit.db", default_meta(datetime.now(UTC)))
    return f"sqlite://{tmp_path}/audit.db"


def restore(*arguments: object) -> tuple[str, str]:
    done = whodid("restore", *map(str, arguments))
    return done.stdout, done.stderr


def found(url: str) -> dict[str, bytes]:
    """What there is in the store beside whodid's own events, without the mark."""
    with closing(open_reader(url)) as reader:
        bodies = [body for body in reader.scan(ALL) if decode(body).surface != "audit"]
    return {str(decode(body).id): unmarked(body) for body in bodies}


def marked_in(url: str) -> int:
    return int(whodid("count", "--store", url, "-q", "meta.whodid.restored:*").stdout)


def own(url: str) -> list[Record]:
    """whodid's own events of restoring."""
    with closing(open_reader(url)) as reader:
        every = map(decode, reader.scan(ALL))
        return [record for record in every if record.action == "whodid.restore"]


def test_into_a_file_each_record_comes_back_once_and_is_as_it_was_but_for_the_mark(archive: Path, store: str) -> None:
    assert restore(archive, "--store", store)[0] == f"{archive.name}: 400 restored, 0 there already\n"
    assert found(store) == BODIES
    assert marked_in(store) == 400
    assert restore(archive.parent, "--store", store)[0] == f"{archive.name}: 0 restored, 400 there already\n"
    assert found(store) == BODIES


def test_restoring_is_recorded_in_the_store(archive: Path, store: str) -> None:
    restore(archive, "--store", store)
    (event,) = own(store)
    assert event.description is not None
    assert "put archived records back into the audit log" in event.description
    assert event.metadata is not None
    assert event.metadata["archives"] == [{"file": archive.name, "records": 400, "proven": True}]


def test_what_was_put_back_is_of_the_class_imported_and_ages_from_now(archive: Path, store: str) -> None:
    restore(archive, "--store", store)
    plan = json.loads(whodid("retention", "plan", "--store", store, "--format", "json").stdout)
    parts = {part["what"]: part["records"] for part in plan["parts"] if part["class"] == "imported"}
    assert parts == {f"whodid-imported-{MONTH}": 400}


def test_only_what_is_missing_is_put_back(archive: Path, store: str) -> None:
    with closing(SqliteStore(Path(store.removeprefix("sqlite://")))) as writer:
        writer.create([item(record) for record in SOME[:150]])
    assert restore(archive, "--store", store)[0] == f"{archive.name}: 250 restored, 150 there already\n"
    assert (found(store), marked_in(store)) == (BODIES, 250)


RESTORE = """
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from whodid_indexer.archive import restore as module
from whodid_indexer.archive.restore import look_through, restore
from whodid_indexer.store.sqlite import SqliteStore
module._AT_ONCE = 60
def work(archive, store):
    with closing(SqliteStore(Path(store))) as sink:
        for source in look_through([Path(archive)]):
            restore(source, sink, datetime.now(UTC))
"""


@EACH_OR_SOME
def test_killed_at_any_step_it_is_run_again_and_each_record_is_there_once(
    archive: Path, tmp_path: Path, stride: int
) -> None:
    with Crashing(RESTORE) as crashing:
        for step in crashing.steps(stride):
            path = tmp_path / f"{step}.db"
            SqliteStore.setup(path, default_meta(datetime.now(UTC)))
            killed = crashing.run(step, archive, path)
            url = f"sqlite://{path}"
            before = found(url)
            assert before.items() <= BODIES.items()
            if not killed:
                break
            with closing(SqliteStore(path)) as sink:
                (source,) = look_through([archive])
                done = put_back(source, sink, datetime.now(UTC))
            assert (done.there, done.restored, done.refused) == (len(before), 400 - len(before), 0)
            assert found(url) == BODIES
    assert step > 6
    assert before == BODIES


def test_a_dry_run_verifies_and_stores_nothing(archive: Path, store: str) -> None:
    assert restore(archive, "--store", store, "--dry-run")[0] == f"{archive.name}: would restore 400 records\n"
    assert found(store) == {}
    assert own(store) == []


def test_an_archive_without_its_manifest_is_refused_unless_it_is_wanted_so(archive: Path, store: str) -> None:
    (archive.parent / f"{archive.name}.manifest.json").unlink()
    refused = whodid("restore", str(archive), "--store", store, check=False)
    assert (refused.returncode, found(store)) == (2, {})
    assert "manifest.json is not there" in refused.stderr
    assert "--unverified" in refused.stderr
    assert "is not proven by a manifest" in restore(archive, "--store", store, "--unverified")[1]
    assert found(store) == BODIES


def test_of_several_archives_none_is_stored_where_one_is_damaged(archive: Path, store: str) -> None:
    other = archived(archive.parent, SOME[:10])
    other.write_bytes(other.read_bytes()[:-9])
    refused = whodid("restore", str(archive.parent), "--store", store, check=False)
    assert (refused.returncode, found(store)) == (1, {})
    assert f"{other} was changed" in refused.stderr
    torn = whodid("restore", str(other), "--store", store, "--unverified", check=False)
    assert (torn.returncode, found(store)) == (1, {})
    assert "cannot be unpacked" in torn.stderr or "cannot read" in torn.stderr
    assert "Traceback" not in torn.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"not json\n", "line 1 is not a record"), (b"{}\n", "line 1 is not a record"), (b"\x1f\x8b\x08", "damaged")],
)
def test_what_is_no_archive_is_named_as_that(content: bytes, said: str, tmp_path: Path, store: str) -> None:
    file = tmp_path / "x.jsonl.gz"
    file.write_bytes(content)
    done = whodid("restore", str(file), "--unverified", "--store", store, check=False)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (1, True, False)


def test_names_that_lead_nowhere_are_named(tmp_path: Path, store: str) -> None:
    missing = whodid("restore", str(tmp_path / "none"), "--store", store, check=False)
    assert (missing.returncode, "none is not there" in missing.stderr) == (2, True)
    (tmp_path / "empty").mkdir()
    empty = whodid("restore", str(tmp_path / "empty"), "--store", store, check=False)
    assert (empty.returncode, "has no archive in it" in empty.stderr) == (2, True)


def test_a_record_that_the_store_refuses_is_counted_and_the_others_are_stored(tmp_path: Path, store: str) -> None:
    odd = Record(timestamp=SOME[0].timestamp, received_at=SOME[0].received_at, id="not-an-id", app="shop")
    path = archived(tmp_path / "odd", [odd, *SOME[1:3]])
    done = whodid("restore", str(path), "--store", store, check=False)
    assert (done.returncode, len(found(store))) == (5, 2)
    assert "the store refused 1 record" in done.stderr
    assert "not-an-id" in done.stderr


def test_through_a_running_server_and_the_server_records_it(archive: Path, tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        url = server.url
        assert restore(archive, "--store", url)[0] == f"{archive.name}: 400 restored, 0 there already\n"
        assert restore(archive, "--store", url)[0] == f"{archive.name}: 0 restored, 400 there already\n"
        assert found(server.store) == BODIES
        assert marked_in(url) == 400
        assert 1 <= len(own(server.store)) <= 2, "one event of five minutes, whose end may lie in between"


def test_through_a_server_that_asks_for_tokens_one_of_ingest_is_needed(archive: Path, tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/audit.db"
    whodid("setup", "--store", url)
    secrets = {}
    for role in ("auditor", "ingest"):
        done = whodid("token", "create", "--role", role, "--store", url)
        secrets[role] = tmp_path / role
        secrets[role].write_text(done.stdout.strip().splitlines()[-1])
        secrets[role].chmod(0o600)
    with Server(tmp_path) as server:
        given = [str(archive), "--store", server.url]
        refused = whodid("restore", *given, "--token-file", str(secrets["auditor"]), check=False)
        assert (refused.returncode, found(url)) == (3, {})
        restore(*given, "--token-file", secrets["ingest"])
        assert found(url) == BODIES


def test_into_opensearch_each_record_comes_back_once_whatever_its_index(opensearch: Cluster, archive: Path) -> None:
    set_up(opensearch)
    index(opensearch, [item(record) for record in SOME[:200]])
    url = opensearch.url
    assert restore(archive, "--store", url)[0] == f"{archive.name}: 200 restored, 200 there already\n"
    opensearch.request("POST", "/whodid*/_refresh")
    assert found(url) == BODIES
    assert marked_in(url) == 200
    assert restore(archive, "--store", url)[0] == f"{archive.name}: 0 restored, 400 there already\n"
    opensearch.request("POST", "/whodid*/_refresh")
    count = opensearch.request("GET", f"/whodid-imported-{MONTH}/_count")["count"]
    assert count == 200
    assert 1 <= len(own(url)) <= 2, "one event of five minutes, whose end may lie in between"


def test_a_cluster_that_is_not_set_up_gets_nothing(opensearch: Cluster, archive: Path) -> None:
    done = whodid("restore", str(archive), "--store", opensearch.url, check=False)
    assert (done.returncode, "is not set up" in done.stderr) == (4, True)
