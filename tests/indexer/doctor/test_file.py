"""`whodid doctor` on a file: each thing that can be wrong with one is made wrong, and found; nothing is changed."""

import hashlib
import itertools
import json
import os
import re
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import msgspec
import pytest

from support.archives import archived
from support.forwarding import add, drained, store_in
from support.records import identifier, item, records, stamp
from support.running import whodid
from support.serving import HOSTILE, Server
from whodid_indexer.access.roles import Grant
from whodid_indexer.access.token import digest, new
from whodid_indexer.access.tokens import SqliteRegister
from whodid_indexer.doctor.contents import Contents
from whodid_indexer.doctor.doubles import Doubles, Told, gather, read_told
from whodid_indexer.doctor.file import StoreFile
from whodid_indexer.doctor.finding import Budget, Finding, look_over
from whodid_indexer.doctor.folder import Folder
from whodid_indexer.doctor.forwarding import Forwarding
from whodid_indexer.doctor.rows import Rows
from whodid_indexer.doctor.tokens import Tokens
from whodid_indexer.forward.dead import DeadLetters
from whodid_indexer.forward.settings import ConsumerSettings
from whodid_indexer.holds.hold import Hold
from whodid_indexer.retention.document import NOTHING
from whodid_indexer.store.open import open_reader
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_indexer.store.sqlite.document import write_document
from whodid_indexer.store.sqlite.holds import SqliteHolds
from whodid_indexer.store.sqlite.retire import SqliteLifecycle
from whodid_schema.bulk import INDEXED
from whodid_schema.meta import default_meta
from whodid_schema.record import Ingest, Record, encode

NOW = datetime.now(UTC)
MICROS = int(NOW.timestamp()) * 1_000_000
SOME = list(records(1, 17_000, MICROS - 17_000_000_000, 1_000_000))


def made(path: Path, listed: list[Record]) -> Path:
    SqliteStore.setup(path, default_meta(NOW))
    with closing(SqliteStore(path)) as store:
        assert set(store.create([item(record) for record in listed])) == {INDEXED}
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("doctor") / "audit.db", SOME)


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "audit.db"
    copy.write_bytes(whole.read_bytes())
    copy.chmod(0o600)
    return copy


def findings(path: Path, seconds: float = 60) -> list[Finding]:
    with closing(StoreFile(path)) as file, closing(SqliteReader(path)) as reader:
        contents = Contents(reader, None, NOW, timedelta(days=7))
        checks = [*file.checks(), *contents.checks(), *Rows(file).checks()]
        return list(look_over(checks, Budget(seconds)))


def changed(path: Path, script: str) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(script)


def test_of_a_sound_store_everything_is_well_and_nothing_is_changed(path: Path) -> None:
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    found = findings(path)
    assert {finding.status for finding in found} == {"ok"}, found
    assert {finding.check for finding in found} == {
        *("layout", "room", "log", "rights", "numbers", "pages"),
        *("retention", "clocks", "mapping of events", "sources"),
        *("bodies", "holds", "dictionaries", "columns", "words", "doubles"),
    }
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


@pytest.mark.parametrize(
    ("script", "check", "status", "said"),
    [
        ("DELETE FROM ft WHERE rowid = 77", "words", "fail", "1 records are not in the text index, the first is 77"),
        ("INSERT INTO ft(rowid, t, x) VALUES (99999, 'a', 'b')", "words", "fail", "1 entries of the text index"),
        ("UPDATE event SET reason = 4711 WHERE seq = 17000", "dictionaries", "fail", "1 of reason"),
        ("DELETE FROM combo", "dictionaries", "fail", "of combo"),
        (
            "UPDATE event SET ts = ts + 1 WHERE seq = 5",
            "columns",
            "fail",
            "the columns of 1 of 1 chunks differ from the rows: 0",
        ),
        ("UPDATE cell SET data = zeroblob(length(data)) WHERE id = 3", "columns", "fail", "of 1 of 1 chunks"),
        ("UPDATE event SET body = (SELECT body FROM event WHERE seq = 2) WHERE seq = 1", "bodies", "fail", "record 1"),
        ("UPDATE event SET body = x'01ff' WHERE seq = 1", "bodies", "fail", "record 1"),
        ("DELETE FROM event WHERE seq = 3", "numbers", "warn", "1 that were stored are gone, and no class has a"),
        ("UPDATE sqlite_sequence SET seq = 5 WHERE name = 'event'", "numbers", "fail", "never given out"),
        ("CREATE TABLE other(a); DROP INDEX handle", "layout", "fail", "without handle"),
        ("DROP INDEX handle; CREATE INDEX handle ON actor(email)", "layout", "fail", "other: handle"),
    ],
)
def test_what_is_wrong_is_found_and_how_to_mend_it_is_said(
    script: str, check: str, status: str, said: str, path: Path
) -> None:
    changed(path, script)
    (finding,) = [one for one in findings(path) if one.check == check and one.status != "ok"]
    assert (finding.status, said in finding.said, bool(finding.mend)) == (status, True, True), finding


def test_a_damaged_page_is_found(path: Path) -> None:
    content = bytearray(path.read_bytes())
    place = content.index(b"shop/user:", len(content) // 2)
    content[place - 4_000 : place + 4_000] = b"\xff" * 8_000
    path.write_bytes(content)
    assert any(finding.status == "fail" for finding in findings(path))


def test_beside_a_writer_and_a_deletion_nothing_is_reported_that_is_not_so(path: Path) -> None:
    write_document(path, NOTHING._replace(days={"activity": 30}), NOW)
    ended = threading.Event()

    def write() -> None:
        late = records(9, 40_000, MICROS - 40 * 86_400_000_000, 1_000)
        with closing(SqliteStore(path)) as store:
            while not ended.is_set():
                store.create([item(record) for record in itertools.islice(late, 500)])

    def let_go() -> None:
        while not ended.is_set():
            with closing(SqliteLifecycle(path, ended, pause=0.001)) as lifecycle:
                lifecycle.apply(NOW, lambda _: None)

    threads = [threading.Thread(target=write), threading.Thread(target=let_go)]
    for thread in threads:
        thread.start()
    try:
        found = [finding for _ in range(4) for finding in findings(path)]
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert {finding.said for finding in found if finding.status == "fail"} == set()


def test_a_disk_that_is_nearly_full_is_named_for_the_store_and_for_archives(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(NamedTuple):
        f_bavail: int = 1 << 10
        f_frsize: int = 1 << 10

    monkeypatch.setattr(os, "statvfs", lambda _: Full())
    with closing(StoreFile(path)) as file:
        checks = [*file.checks(), *Folder(archived(tmp_path / "archive", SOME[:3]).parent).checks()]
        found = {one.check: one for one in look_over(checks, Budget(30)) if one.status == "warn"}
    assert found.keys() == {"room", "archive"}
    assert found["room"].said.startswith("1.0 MiB free on the disk")
    assert all("make room" in one.mend for one in found.values())


def test_rights_that_let_others_in_are_named(path: Path) -> None:
    for mode, word in ((0o666, "write"), (0o644, "read")):
        path.chmod(mode)
        (finding,) = [one for one in findings(path) if one.check == "rights"]
        assert (finding.status, f"may {word}" in finding.said) == ("warn", True)


def test_without_time_nothing_is_looked_at_and_that_is_said(path: Path) -> None:
    found = findings(path, seconds=0)
    assert {finding.status for finding in found} == {"skipped"}
    assert all("not looked at to its end" in finding.said for finding in found)


def test_a_statement_that_takes_too_long_is_ended(path: Path) -> None:
    with closing(StoreFile(path)) as file:
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

        def check(budget: Budget) -> list[Finding]:
            with file.within(budget):
                file.connection.execute(endless).fetchall()
            return []

        (finding,) = look_over([("endless", check)], Budget(0.4))
    assert (finding.status, "not looked at to its end within 0.2 s" in finding.said) == ("skipped", True)


def told(number: int, **more: Any) -> Told:
    return read_told(encode(Record(id=identifier(number), app="shop", **more)))


def test_a_native_id_with_other_contents_is_listed_and_one_of_another_app_is_not() -> None:
    doubles = Doubles()
    for one in (told(1, native_id="a"), told(2, native_id="a"), told(3, native_id="b"), told(4)):
        doubles.add(one)
    doubles.add(msgspec.structs.replace(told(5, native_id="b"), app="other"))
    (finding,) = doubles.findings(whole=True)
    assert finding.status == "warn"
    assert "1 native ids stand in records with other contents: shop a (" in finding.said


def test_an_event_without_a_time_that_was_read_twice_is_listed_and_equal_lines_are_not() -> None:
    doubles = Doubles()

    def at(offset: int) -> Ingest:
        return Ingest(source="h:/a", generation="g", offset=offset, item=0, origin="same line")

    for number, offset, precision in ((1, 0, "received"), (2, 0, "received"), (3, 90, "received"), (4, 0, "us")):
        doubles.add(told(number, ingest=at(offset), time_precision=precision))
    (finding,) = doubles.findings(whole=True)
    assert "1 events without a time of their own are stored twice: h:/a at byte 0 (" in finding.said


def test_where_the_time_is_up_it_says_how_many_records_were_looked_at() -> None:
    doubles, whole = gather((told(number) for number in range(1_000)), Budget(0))
    assert (whole, doubles.looked) == (False, 100)
    assert [one.status for one in doubles.findings(whole=whole)] == ["ok", "skipped"]


def test_who_is_silent_unmapped_or_ahead_in_time_is_named(tmp_path: Path) -> None:
    ahead = stamp(MICROS + 7_200_000_000)
    host = Ingest(host="web-7", profile="generic")
    path = made(
        tmp_path / "audit.db",
        [
            Record(timestamp=stamp(MICROS), received_at=ahead, id=identifier(1), app="odd", verb="other", ingest=host),
            Record(timestamp=stamp(MICROS - 9 * 86_400_000_000), received_at=ahead, id=identifier(2), app="quiet"),
        ],
    )
    said = {finding.said for finding in findings(path) if finding.status == "warn"}
    assert any(text.startswith("web-7 stamped records 1 hour ahead") or "2 hours ahead" in text for text in said), said
    assert any(text.startswith("quiet has been silent for 9 days") for text in said), said
    assert "2 of the newest 2 records have no verb: odd, quiet" in said
    assert "1 of the newest 2 records were read without a profile of their own: odd" in said


def test_a_configuration_that_the_store_does_not_follow_is_named(path: Path) -> None:
    with closing(SqliteReader(path)) as reader:
        contents = Contents(reader, NOTHING._replace(days={"activity": 30}), NOW, timedelta(days=7))
        (finding,) = contents.retention(Budget(1))
    assert (finding.status, finding.said) == ("warn", "activity: the configuration says 30d, the store forever")


def test_holds_are_counted_and_one_that_covers_nothing_or_ends_soon_is_named(path: Path) -> None:
    soon = (NOW + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    about = {"reason": "case", "by": "ana", "at": "2026-01-01T00:00:00Z"}
    for hold in (
        Hold(name="all", query="app:shop", **about),
        Hold(name="none", query="app:nobody", **about),
        Hold(name="soon", query="verb:create", until=soon, **about),
        Hold(name="odd", query="nonsense:x", **about),
    ):
        SqliteHolds(path).add(hold)
    found = {finding.said.split()[0]: finding.status for finding in findings(path) if finding.check == "holds"}
    assert found == {"all": "ok", "none": "warn", "soon": "warn", "the": "fail"}


def test_a_folder_of_archives_that_cannot_take_any_fails(tmp_path: Path) -> None:
    def found(folder: Path) -> list[Finding]:
        return list(look_over(Folder(folder).checks(), Budget(5)))

    assert Folder(None).checks() == []
    (missing,) = found(tmp_path / "none")
    assert (missing.status, "retention deletes nothing" in missing.mend) == ("fail", True)
    file = archived(tmp_path / "archive", SOME[:3])
    assert [each.said for each in found(file.parent)] == [f"1 archives in {file.parent}, each with its manifest"]
    Path(f"{file}.manifest.json").unlink()
    (bare,) = found(file.parent)
    assert (bare.status, f"1 archives have no manifest: {file.name}" in bare.said) == ("warn", True)


def test_tokens_that_have_ended_or_will_soon_are_named_until_they_are_revoked(path: Path) -> None:
    register = SqliteRegister(path)
    month, token = timedelta(days=30), {}
    for name, life in (("old", month), ("soon", month + timedelta(days=3)), ("good", None), ("gone", month)):
        token[name], secret = new(Grant("platform"), name, NOW - month, life)
        register.add(token[name], digest(secret))
    register.revoke(token["gone"].id, NOW)

    def told() -> list[Finding]:
        return list(look_over(Tokens(register.all, NOW).checks(), Budget(5)))

    assert {(one.said.partition(", ")[2].partition(")")[0], one.status) for one in told()} == {
        ("old", "warn"),
        ("soon", "warn"),
    }
    assert all("whodid token create" in one.mend for one in told())
    register.revoke(token["old"].id, NOW)
    register.revoke(token["soon"].id, NOW)
    assert [(one.status, one.said) for one in told()] == [("ok", "1 tokens, all of them valid")]


def test_a_consumer_that_lags_has_dead_letters_or_a_damaged_bookmark_is_named(tmp_path: Path) -> None:
    store = store_in(tmp_path, SOME[:20])
    consumers = [
        ConsumerSettings.model_validate({"name": name, "kind": "file", "address": str(tmp_path / name)})
        for name in ("well", "late", "damaged", "new")
    ]
    state = tmp_path / "state"
    drained(tmp_path, store, *consumers[:3])
    (state / "damaged.bookmark").write_text("")
    add(store, [Record(timestamp=stamp(MICROS), received_at=stamp(MICROS - 7_200_000_000), id=identifier(99_999))])
    drained(tmp_path, store, consumers[0])
    DeadLetters(state, "well").add([b"{}"], "msg_1", "refused")
    with closing(open_reader(store)) as reader:
        found = list(look_over(Forwarding(consumers, state, reader).checks(), Budget(5)))
        assert Forwarding([], state, reader).checks() == []
    assert [(one.said.split()[0], one.status) for one in found if one.said.split()[0] != "how"] == [
        *(("well", "warn"), ("well", "ok"), ("late", "warn"), ("new", "skipped")),
    ]
    (damaged,) = [one for one in found if one.said.startswith("how far damaged is behind cannot be told")]
    (late,) = [one for one in found if re.match(r"late is 1 records, [\d,]+ s behind and stopped", one.said)]
    assert (damaged.status, "damaged.bookmark" in damaged.said) == ("warn", True)
    assert late.mend.startswith("start whodid forward")


def run(*arguments: str) -> tuple[int, str, str]:
    done = whodid("doctor", *arguments, check=False)
    return done.returncode, done.stdout, done.stderr


def test_the_command_ends_with_0_where_nothing_fails_and_with_1_where_something_does(path: Path) -> None:
    code, out, _ = run("--store", f"sqlite://{path}")
    assert (code, "ok       words: every record is in the text index" in out) == (0, True)
    changed(path, "DELETE FROM ft WHERE rowid = 1")
    code, out, err = run("--store", f"sqlite://{path}", "--format", "json")
    found = json.loads(out)["findings"]
    assert (code, [one["check"] for one in found if one["status"] == "fail"]) == (1, ["words"])
    assert "1 of 17 checks failed" in err
    assert run("--store", f"sqlite://{path}.none")[0] == 4


def test_names_that_would_steer_a_terminal_are_inert(tmp_path: Path) -> None:
    old = stamp(MICROS - 99 * 86_400_000_000)
    apps = [Record(timestamp=old, received_at=old, id=identifier(n), app=bad) for n, bad in enumerate(HOSTILE.values())]
    _, out, _ = run("--store", f"sqlite://{made(tmp_path / 'audit.db', apps)}")
    assert "silent" in out
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in out.replace("\n", ""))


def test_through_a_server_it_asks_what_can_be_asked_from_there(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        code, out, _ = run("--store", server.url)
    assert (code, "server: whodid" in out, "sources" in out) == (0, True, True)
    assert "its store is not seen from here" in out
