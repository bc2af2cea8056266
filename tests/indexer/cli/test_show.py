"""`whodid show --context`: what stands around an event, and whether its actor was signed in, from where."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.asking import ask
from support.records import item
from support.serving import HOSTILE, NEWEST, make
from whodid_indexer.store.sqlite import SqliteStore
from whodid_schema.meta import default_meta
from whodid_schema.record import Actor, Client, Record, Target
from whodid_schema.timestamp import from_micros

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

BOB = Actor(type="user", id="9", name="Bob Li", key="shop/user:9")
HOME = Client(ip="198.51.100.9", device="Firefox 128 on Linux")
CAFE = Client(ip="192.0.2.44")


def at(seconds: int, number: int, **changed: Any) -> Record:
    """An event of Bob's, so many seconds after noon."""
    moment = from_micros(NEWEST + seconds * 1_000_000)
    given = {"actor": BOB, "client": HOME, "outcome": "success", "timestamp": moment, "received_at": moment}
    return make(100_000 + number, **{**given, **changed})


def auth(seconds: int, number: int, verb: str, **changed: Any) -> Record:
    return at(seconds, number, verb=verb, action=f"session.{verb}", surface="authentication", kind="auth", **changed)


class Case:
    """A store with given records, asked about one of them."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "audit.db"
        SqliteStore.setup(self._file, default_meta(datetime(2026, 1, 1, tzinfo=UTC)))

    def store(self, *records: Record) -> None:
        store = SqliteStore(self._file)
        store.create([item(record) for record in records])
        store.close()

    def show(self, record: Record, *flags: str) -> str:
        answer = ask("show", str(record.id), "--store", f"sqlite://{self._file}", "--context", *flags)
        assert answer.code == 0, answer.err
        return answer.text

    def document(self, record: Record, *flags: str) -> Any:
        return json.loads(self.show(record, "--format", "json", *flags))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


EVENT = at(0, 0, session_id="s1", request_id="r1")


@pytest.mark.parametrize(
    ("sign_ins", "expected", "how"),
    [
        ([auth(-900, 1, "sign_in", session_id="s1", client=CAFE), auth(-60, 2, "sign_in")], 0, "session"),
        ([auth(-900, 1, "sign_in"), auth(-60, 2, "sign_in", client=CAFE)], 0, "actor and ip"),
        ([auth(-900, 1, "sign_in", client=CAFE)], 0, "actor"),
        ([auth(-900, 1, "sign_in"), auth(-60, 2, "sign_in", outcome="failure")], 0, "actor and ip"),
        ([auth(-900, 1, "sign_in"), auth(-800, 2, "sign_in"), auth(60, 3, "sign_in")], 1, "actor and ip"),
        ([auth(-60, 1, "sign_in", actor=Actor(name="Ana", key="shop/user:1"))], None, None),
    ],
)
def test_the_sign_in_is_the_last_success_by_the_surest_token(
    case: Case, sign_ins: list[Record], expected: int | None, how: str | None
) -> None:
    case.store(EVENT, *sign_ins)
    signed = case.document(EVENT)["signed_in"]
    if expected is None:
        assert signed is None
        assert "not known: no sign-in of Bob Li before this is recorded" in case.show(EVENT)
    else:
        assert (signed["how"], signed["sign_in"]["id"]) == (how, sign_ins[expected].id)


def test_was_this_person_signed_in_from_where_and_until_when(case: Case) -> None:
    case.store(EVENT, auth(-900, 1, "sign_in"), auth(600, 2, "sign_out"))
    text = case.show(EVENT)
    assert "yes: Bob Li, found by the same actor from the same address" in text
    assert "signed in   2025-11-24 15:45:00  198.51.100.9  Firefox 128 on Linux" in text
    assert "signed out  2025-11-24 16:10:00  198.51.100.9  Firefox 128 on Linux" in text
    assert "signed in   2025-11-24 10:45:00" in case.show(EVENT, "--tz", "America/New_York")


def test_who_signed_out_before_was_not_signed_in(case: Case) -> None:
    case.store(EVENT, auth(-900, 1, "sign_in"), auth(-300, 2, "sign_out"), auth(600, 3, "sign_out"))
    signed = case.document(EVENT)["signed_in"]
    assert signed["ended"]["id"] == auth(-300, 2, "sign_out").id
    assert "no: Bob Li had signed out at 2025-11-24 15:55:00" in case.show(EVENT)


def test_the_sign_out_of_a_later_sign_in_is_not_taken_for_this_ones(case: Case) -> None:
    case.store(EVENT, auth(-900, 1, "sign_in"), auth(300, 2, "sign_in"), auth(600, 3, "sign_out"))
    assert case.document(EVENT)["signed_in"]["sign_out"] is None
    assert "no sign-out after it is recorded" in case.show(EVENT)


def test_a_sign_in_is_its_own(case: Case) -> None:
    event = auth(0, 1, "sign_in", session_id="s9")
    case.store(event, auth(500, 2, "sign_out", session_id="s9"), auth(-500, 3, "sign_in", session_id="s8"))
    signed = case.document(event)["signed_in"]
    assert (signed["how"], signed["sign_in"]["id"]) == ("itself", event.id)
    assert signed["sign_out"]["id"] == auth(500, 2, "sign_out").id
    assert "this is the sign-in" in case.show(event)


def test_each_list_has_what_shares_something_with_the_event_the_nearest_first(case: Case) -> None:
    ana, other = Actor(name="Ana", key="shop/user:1"), Target(type="user", id="7")
    case.store(
        EVENT,
        *(at(-60 * number, number, target=other, targets=[other]) for number in range(1, 6)),
        at(90, 10, actor=ana, client=CAFE),
        at(-86_400, 11, actor=ana, client=CAFE, session_id="s1"),
        at(86_400, 12, actor=ana, client=CAFE, request_id="r1", target=other, targets=[other]),
    )
    around = {each["relation"]: each for each in case.document(EVENT)["around"]}

    def shown(relation: str) -> tuple[list[str], list[str], int]:
        each = around[relation]
        return [one["id"] for one in each["before"]], [one["id"] for one in each["after"]], each["total"]

    def ids(*numbers: int) -> list[str]:
        return [str(make(100_000 + number).id) for number in numbers]

    assert shown("time") == (ids(1, 2, 3), ids(10), 6)
    assert shown("actor") == (ids(1, 2, 3), [], 5)
    assert shown("ip") == (ids(1, 2, 3), [], 5)
    assert shown("target") == ([], [], 0)
    assert shown("session") == (ids(11), [], 1)
    assert shown("request") == ([], ids(12), 1)
    narrow = {each["relation"]: each["total"] for each in case.document(EVENT, "--around", "1m")["around"]}
    assert narrow == {"time": 1, "actor": 1, "ip": 1, "target": 0, "session": 1, "request": 1}


def test_the_query_and_the_command_of_a_list_find_it_and_the_event(case: Case, tmp_path: Path) -> None:
    case.store(EVENT, *(at(-20 * number, number) for number in range(1, 9)))
    for each in case.document(EVENT)["around"]:
        answer = ask("count", "--store", f"sqlite://{tmp_path}/audit.db", "-q", each["query"])
        assert answer.text == f"{each['total'] + 1}\n"
    text = case.show(EVENT)
    assert "5 more: whodid search --actor-key shop/user:9 --since" in text
    assert "Same actor (±5 min)" in text
    assert "Same session (all time)" in text
    assert "› 2025-11-24 16:00:00  this event" in text


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_record_is_asked_about_and_shown_without_harm(case: Case, kind: str) -> None:
    text = HOSTILE[kind]
    actor = Actor(type=text, id=text, name=text, key=text)
    hostile = at(0, 1, actor=actor, session_id=text, request_id=text, targets=[Target(text, text, text)])
    case.store(hostile, auth(-9, 2, "sign_in", actor=actor, session_id=text, client=Client(CAFE.ip, None, text)))
    for flags in (["--color", "always"], ["--format", "json"], ["--around", "30min"]):
        shown = case.show(hostile, *flags)
        assert not STEERING.search(re.sub(r"\x1b\[[0-9;]*m", "", shown))
    if "*" not in text:
        assert case.document(hostile)["signed_in"]["how"] == "session"


def test_values_that_no_query_can_name_are_left_out_and_said(case: Case) -> None:
    event = at(0, 1, session_id="s*", request_id="r" * 2_000, actor=Actor(name="*", key="shop/user:*"))
    case.store(event, at(-5, 2, session_id="s2"))
    assert case.document(event)["unasked"] == ["actor", "session", "request"]
    assert "no query can name it" in case.show(event)


def test_a_record_that_says_almost_nothing_has_a_context_too(case: Case) -> None:
    event = Record(timestamp=EVENT.timestamp, received_at=EVENT.timestamp, id=make(1).id, surface="activity")
    case.store(event)
    assert "not known: no sign-in of nobody named" in case.show(event)
    assert [each["relation"] for each in case.document(event)["around"]] == ["time"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--around", "soon"], "like 1m, 5m"),
        (["--around", "90d"], "a span up to 31d"),
        (["--around", "0m"], "a span up to"),
        (["--raw", "--context"], "leave out"),
    ],
)
def test_what_is_wrong_is_said(case: Case, tmp_path: Path, flags: list[str], said: str) -> None:
    case.store(EVENT)
    answer = ask("show", str(EVENT.id), "--store", f"sqlite://{tmp_path}/audit.db", *flags)
    assert (answer.code, answer.out) == (2, b"")
    assert said in answer.err
