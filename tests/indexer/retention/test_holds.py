"""Legal holds at the command line and over a server; what they refuse; and what stops all deletion."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import msgspec
import pytest

from support.asking import Answer, ask
from support.records import item, records
from support.running import whodid
from support.serving import Server, make
from support.tokens import bearer, make_token
from whodid_indexer.access.roles import Grant, Role
from whodid_indexer.holds.hold import Hold, new_hold
from whodid_indexer.query.model import ALL, AuditQuery, Term, Text
from whodid_indexer.query.parse import build_query
from whodid_indexer.retention.document import NOTHING
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_indexer.store.sqlite.document import write_document
from whodid_indexer.store.sqlite.erase import Eraser
from whodid_indexer.store.sqlite.held import Keeper
from whodid_indexer.store.sqlite.holds import SqliteHolds
from whodid_indexer.store.sqlite.retire import SqliteLifecycle
from whodid_schema.errors import BadQuery, StateError, UsageError
from whodid_schema.record import decode

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MONTH_AGO = "2026-10-20T00:00:00.000000Z"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with three old records each of Ana, Devi and Marcus."""
    file = tmp_path / "audit.db"
    write_document(file, NOTHING._replace(days={"activity": 7}), NOW)
    with closing(SqliteStore(file)) as store:
        store.create([item(make(number, timestamp=MONTH_AGO)) for number in range(9)])
    return file


def own(path: Path, action: str) -> list[dict[str, object]]:
    with closing(SqliteReader(path)) as reader:
        found = [json.loads(body) for body in reader.scan(ALL, ascending=True)]
    return [event for event in found if event["action"] == f"whodid.{action}"]


def left(path: Path) -> list[str]:
    """Whose records there are."""
    with closing(SqliteReader(path)) as reader:
        found = [decode(body) for body in reader.scan(ALL)]
    return sorted(str(record.actor.name) for record in found if record.actor and record.surface != "audit")


def hold(path: Path, *arguments: str) -> Answer:
    return ask("hold", *arguments, "--store", f"sqlite://{path}")


def test_a_hold_is_added_listed_planned_and_released_and_every_step_is_recorded(path: Path) -> None:
    store = f"sqlite://{path}"
    added = hold(path, "add", "--actor", "Ana Ruiz", "--reason", "case 7", "--until", "2099-01-01")
    assert (added.code, added.text) == (0, "hold-1\n")
    assert 'holds 3 records and what arrives later: actor:"Ana Ruiz", until 2099-01-01T00:00:00Z' in added.err
    plan = ask("retention", "plan", "--store", store).text
    assert "held by hold-1" in plan
    assert [line.split("  ")[1:2] for line in plan.splitlines() if line.startswith("hold-1")] == [["3 of activity"]]
    found = msgspec.json.decode(ask("retention", "plan", "--store", store, "--format", "json").out)
    (told,) = found["holds"]
    assert (told["name"], told["reason"], told["matches"], told["until"]) == (
        "hold-1",
        "case 7",
        3,
        "2099-01-01T00:00:00Z",
    )
    assert [(kept["class"], kept["records"]) for kept in told["keeps"]] == [("activity", 3)]

    assert ask("retention", "apply", "--store", store).text.startswith("deleted 6 records of activity")
    assert left(path) == ["Ana Ruiz"] * 3
    assert hold(path, "release", "hold-1", "--reason", "settled").code == 0
    assert ask("retention", "apply", "--store", store).text.startswith("deleted 3 records of activity")
    listed = hold(path, "list").text
    assert 'hold-1  released  actor:"Ana Ruiz"' in listed
    assert "released: settled" in listed
    (put,), (ended,) = own(path, "hold_add"), own(path, "hold_release")
    assert put["target"] == ended["target"] == {"type": "hold", "id": "hold-1"}
    assert put["metadata"]["held"] == 'actor:"Ana Ruiz"'  # type: ignore[index]  # an object
    assert put["metadata"]["found"] == 3  # type: ignore[index]  # as above
    assert ended["metadata"]["released_reason"] == "settled"  # type: ignore[index]  # as above


def test_a_hold_that_matches_nothing_is_taken_with_a_warning(path: Path) -> None:
    added = hold(path, "add", "-q", "actor:nobody", "--reason", "what comes", "--format", "json")
    assert (added.code, msgspec.json.decode(added.out)["matches"]) == (0, 0)
    assert "warning: nothing that is stored matches" in added.err
    with closing(SqliteStore(path)) as store:
        assert store.meta().hold


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "--reason", "x"], "the hold says nothing of what it holds"),
        (["add", "-q", "actr:ana", "--reason", "x"], "there is no field 'actr'"),
        (["add", "-q", "ana"], "Missing option '--reason'"),
        (["add", "-q", "ana", "--reason", "  "], "a reason has 1 to 1,000 characters"),
        (["add", "-q", "ana", "--reason", "x", "--until", "2020-01-01"], "is past already"),
        (["add", "-q", "ana", "--reason", "x", "--until", "soon"], "'soon' is not a time"),
        (["add", "-q", "ana", "--reason", "x", "--name", "a b"], "'a b' is no name for a hold"),
        (["add", "--action", "x" * 999, "-q", "y" * 500, "--reason", "x"], "longer than 1,000"),
        (["release", "nope", "--reason", "x"], "there is no hold 'nope'"),
        (["release", "nope"], "Missing option '--reason'"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_recorded(path: Path, arguments: list[str], said: str) -> None:
    done = hold(path, *arguments)
    assert (done.code, done.text) == (2, ""), done.err
    assert said in done.err
    assert "Traceback" not in done.err
    assert not SqliteHolds(path).all()
    assert not own(path, "hold_add")


def test_where_it_cannot_be_recorded_nothing_is_held_and_nothing_let_go(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hold(path, "add", "-q", "ana", "--reason", "x", "--name", "one").code == 0
    monkeypatch.setattr("whodid_indexer.audit.recorder.IntoFile.record", lambda *_: "there is no room")
    for arguments in (["add", "-q", "bob", "--reason", "x"], ["release", "one", "--reason", "x"]):
        done = hold(path, *arguments)
        assert (done.code, done.text) == (3, "")
        assert "cannot be: there is no room" in done.err
    (only,) = SqliteHolds(path).all()
    assert (only.name, only.released_at) == ("one", None)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as running:
        running.create([make(number) for number in range(9)])
        yield running


def test_over_a_server_the_role_platform_holds_and_nobody_else(server: Server, tmp_path: Path) -> None:
    roles: tuple[Role, ...] = ("platform", "auditor")
    tokens = {role: make_token(server.file, Grant(role), role) for role in roles}
    file = tmp_path / "token"
    flags = ["--store", server.url, "--token-file", str(file)]
    file.write_text(tokens["platform"])
    added = ask("hold", "add", *flags, "--actor", "Ana Ruiz", "--reason", "case 7", "--name", "seven")
    assert (added.code, added.text) == (0, "seven\n"), added.err
    assert ask("hold", "add", *flags, "--actor", "x", "--reason", "y", "--name", "seven").code == 2
    listed = msgspec.json.decode(ask("hold", "list", *flags, "--format", "json").out)
    assert [(one["name"], one["by"], one["state"]) for one in listed] == [("seven", "platform", "active")]
    assert msgspec.json.decode(server.get("/_index_template/whodid", headers=bearer(tokens["auditor"])).content)[
        "index_templates"
    ][0]["index_template"]["_meta"]["hold"], "agents are told"

    file.write_text(tokens["auditor"])
    refused = ask("hold", "release", "seven", "--reason", "x", *flags)
    assert (refused.code, "this needs the role platform" in refused.err) == (3, True)
    file.write_text(tokens["platform"])
    assert ask("hold", "release", "seven", "--reason", "settled", *flags).code == 0
    (put,), (ended,) = own(server.file, "hold_add"), own(server.file, "hold_release")
    assert put["actor"]["name"] == ended["actor"]["name"] == "platform"  # type: ignore[index]  # objects


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"query": "ana"}, 400, "this is not what is taken here"),
        ({"query": "", "reason": "x"}, 400, "the hold says nothing of what it holds"),
        ({"query": "actor:*na", "reason": "x", "until": "2027-01-01"}, 400, "has no zone"),
        ({"query": "ana", "reason": "x", "until": "9999-12-31T23:59:59-12:00"}, 400, "is not a time"),
        ({"query": "ana", "reason": "x", "by": "me"}, 400, "this is not what is taken here"),
        ({"query": "ana", "reason": "x" * 20_000}, 413, "has more"),
    ],
)
def test_what_the_address_does_not_take_is_said(server: Server, body: dict[str, str], status: int, said: str) -> None:
    answer = server.client.post(server.url + "/api/v1/holds", json=body)
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text
    assert server.get("/api/v1/holds").json() == {"holds": []}


def put_raw(path: Path, query: str) -> None:
    """A hold as a later version may have written it."""
    one = Hold(name="odd", query=query, reason="x", by="lena", at="2026-11-20T00:00:00Z")
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("INSERT INTO hold VALUES (?, ?)", (one.name, msgspec.json.encode(one).decode()))


def test_while_a_hold_cannot_be_evaluated_nothing_at_all_is_deleted_and_that_is_said(path: Path) -> None:
    put_raw(path, "field_of_tomorrow:x")
    done = ask("retention", "apply", "--store", f"sqlite://{path}", "--at", NOW.isoformat())
    assert (done.code, done.text) == (1, "")
    assert "the hold odd cannot be evaluated, and so nothing is deleted: there is no field" in done.err
    assert len(left(path)) == 9
    plan = ask("retention", "plan", "--store", f"sqlite://{path}")
    assert "a hold cannot be evaluated" in plan.text
    assert "nobody can tell: everything" in plan.text
    assert hold(path, "release", "odd", "--reason", "cannot be read").code == 0
    assert ask("retention", "apply", "--store", f"sqlite://{path}").code == 0
    assert left(path) == []


def test_a_wildcard_that_stands_for_too_much_keeps_everything_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SqliteHolds(path).add(held("target:rep*t*"))
    monkeypatch.setattr("whodid_indexer.store.sqlite.compile.MOST_TOKENS", 3)
    with closing(SqliteLifecycle(path, pause=0)) as lifecycle:
        with pytest.raises(StateError, match=r"cannot be evaluated, and so nothing is deleted: .* more than 3"):
            lifecycle.apply(NOW, lambda _: None)
        assert lifecycle.plan(NOW).holds[0].problem is not None
    assert len(left(path)) == 9


def held(text: str) -> Hold:
    """A hold of before the test's time."""
    return new_hold(build_query(texts=[text], now=NOW), "x", "lena", NOW - DAY)


def test_a_query_too_long_to_be_written_down_is_refused() -> None:
    with pytest.raises(BadQuery):
        new_hold(AuditQuery(texts=tuple(Text(f"word{n}" * 20) for n in range(20))), "x", "lena", NOW)
    with pytest.raises(UsageError, match="says nothing"):
        new_hold(ALL, "x", "lena", NOW)


def test_a_hold_put_between_two_transactions_counts_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 5,000 records that are found together: the first thousand go, then a hold comes, and the rest of it stays."""
    file = tmp_path / "audit.db"
    write_document(file, NOTHING._replace(days={"activity": 7}), NOW)
    with closing(SqliteStore(file)) as store:
        store.create([item(record) for record in records(3, 5_000, 1_700_000_000_000_000, 1_000_000)])

    gone: list[int] = []
    delete, transaction = Eraser.delete, Eraser.transaction

    def deleted(self: Eraser, numbers: Sequence[int]) -> int:
        gone.append(delete(self, numbers))
        return gone[-1]

    def opened(self: Eraser) -> AbstractContextManager[None]:
        if len(gone) == 2 and not SqliteHolds(file).all():
            whodid("hold", "add", "-q", "id:*", "--reason", "case 7", "--store", f"sqlite://{file}")
        return transaction(self)

    monkeypatch.setattr(Eraser, "delete", deleted)
    monkeypatch.setattr(Eraser, "transaction", opened)
    with closing(SqliteLifecycle(file, pause=0)) as lifecycle:
        lifecycle.apply(NOW, lambda _: None)
    assert gone[:3] == [500, 500, 0], "another process's hold counts for the next transaction"
    assert sum(gone) == 1_000
    with closing(SqliteReader(file)) as reader:
        assert reader.count(AuditQuery(terms=(Term("surface", ("audit",), negated=True),))) == 4_000


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
lifecycle.apply(datetime.fromisoformat(sys.argv[2]), lambda done: None)
"""


def test_kill_9_in_the_middle_of_an_apply_leaves_all_that_is_held(tmp_path: Path) -> None:
    file = tmp_path / "audit.db"
    write_document(file, NOTHING._replace(days={"activity": 7}), NOW)
    some = [item(record) for record in records(7, 9_000, 1_700_000_000_000_000, 1_000_000)]
    with closing(SqliteStore(file)) as store:
        for start in range(0, len(some), 6_000):
            store.create(some[start : start + 6_000])
    SqliteHolds(file).add(held("quota"))
    with closing(SqliteReader(file)) as reader:
        quota = AuditQuery(texts=(Text("quota"),))
        wanted = {str(decode(body).id) for body in reader.scan(quota)}
    assert 100 < len(wanted) < 8_000
    for lines in (2, 5):
        deleter = subprocess.Popen(
            [sys.executable, "-c", DELETER, str(file), NOW.isoformat()], stdout=subprocess.PIPE, env=dict(os.environ)
        )
        assert deleter.stdout is not None
        for _ in range(lines):
            deleter.stdout.readline()
        deleter.send_signal(signal.SIGKILL)
        deleter.stdout.close()
        deleter.wait(10)
        with closing(SqliteReader(file)) as reader:
            assert {str(decode(body).id) for body in reader.scan(quota)} == wanted
    with closing(SqliteLifecycle(file, pause=0)) as lifecycle:
        lifecycle.apply(NOW, lambda _: None)
    with closing(SqliteReader(file)) as reader:
        assert {str(decode(body).id) for body in reader.scan(ALL)} == wanted


QUESTIONS = (
    "quota",
    "-quota",
    "actor:a* -quota",
    "(quota actor:*a*) OR -(verb:update report)",
    "target:*1* OR meta.x:y",
)


@pytest.mark.parametrize("text", QUESTIONS)
def test_what_is_kept_of_some_records_is_what_a_search_finds_of_them(tmp_path: Path, text: str) -> None:
    """Asked in parts, of the piece of the text index that the records are in; over three chunks' worth of records."""
    file = tmp_path / "audit.db"
    write_document(file, NOTHING, NOW)
    with closing(SqliteStore(file)) as store:
        store.create([item(record) for record in records(5, 2_000, 1_700_000_000_000_000, 1_000_000)])
        store.alone(
            lambda connection: connection.execute("UPDATE sqlite_sequence SET seq = 50000 WHERE name = 'event'")
        )
        store.create([item(record) for record in records(6, 1_000, 1_600_000_000_000_000, 1_000_000)])
    one = held(text)
    with closing(SqliteReader(file)) as reader, closing(SqliteLifecycle(file)) as lifecycle:
        connection = lifecycle._reading
        every = [seq for (seq,) in connection.execute("SELECT seq FROM event")]
        asked = every[::3]
        kept = Keeper(connection).among([one], asked)
        found = {str(decode(body).id) for body in reader.scan(one.asked())}
        wanted = {seq for seq in asked if str(decode(reader._session.body(seq)).id) in found}
    assert kept == wanted
    assert 0 <= len(kept) <= len(asked)


def test_a_year_of_days_with_holds_that_come_and_go(tmp_path: Path) -> None:
    """As the clock goes on a class holds its days and what is held; what was let go is gone a day later."""
    file = tmp_path / "audit.db"
    write_document(file, NOTHING._replace(days={"activity": 30}), NOW)
    begin, holds = datetime(2027, 1, 1, tzinfo=UTC), SqliteHolds(file)
    with closing(SqliteStore(file)) as writer, closing(SqliteLifecycle(file, pause=0)) as lifecycle:
        for day in range(0, 365, 5):
            at = begin + timedelta(days=day)
            stamp = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            writer.create([item(make(day * 10 + n, timestamp=stamp, received_at=stamp)) for n in range(3)])
            if day == 50:
                holds.add(msgspec.structs.replace(held('actor:"Ana Ruiz"'), name="ana"))
                holds.add(
                    msgspec.structs.replace(held('actor:"Devi Patel"'), name="devi", until="2027-07-01T00:00:00Z")
                )
            if day == 300:
                holds.release("ana", "max", "settled", at)
            lifecycle.apply(at, lambda _: None)
            with closing(SqliteReader(file)) as reader:
                months: dict[str, str] = {}
                for body in reader.scan(ALL, ascending=True):
                    record = decode(body)
                    assert record.actor is not None
                    months.setdefault(str(record.actor.name), str(record.timestamp)[:10])
            month = (at - timedelta(days=30)).date().isoformat()
            if day >= 35:
                first_held = (begin + timedelta(days=15)).date().isoformat()
                assert months["Marcus Wei"] >= month
                assert months["Ana Ruiz"] == first_held if 50 <= day < 300 else months["Ana Ruiz"] >= month
                assert months["Devi Patel"] == first_held if 50 <= day <= 180 else months["Devi Patel"] >= month
    assert [one.state_at(begin + 365 * DAY) for one in holds.all()] == ["released", "expired"]
