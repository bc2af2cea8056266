"""What whodid records of its own use: who, by which way, what was asked; one event for five minutes of the same."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from whodid_indexer.audit.event import ACTIONS, MERGED, Deed, Who, event_of
from whodid_schema import taxonomy
from whodid_schema.record import decode, encode

NOW = datetime.fromtimestamp(1_795_000_000 // MERGED * MERGED, UTC)
ANA = Who(kind="user", channel="cli", id="1000", name="ana", host="ops1")
SEARCH = Deed("search", "actor:bob", found=7)


def identity(deed: Deed = SEARCH, who: Who = ANA, seconds: float = 0) -> str | None:
    return event_of(deed, who, NOW + timedelta(seconds=seconds)).id


def test_the_same_action_is_one_event_for_five_minutes() -> None:
    assert identity(seconds=0) == identity(seconds=MERGED - 0.001)
    assert identity(seconds=0) != identity(seconds=MERGED)


def test_what_is_found_does_not_make_it_another_action() -> None:
    assert identity(Deed("search", "actor:bob", found=8)) == identity()


@dataclass
class Other:
    deed: Deed = SEARCH
    who: Who = ANA


@pytest.mark.parametrize(
    "other",
    [
        Other(deed=Deed("search", "actor:eve")),
        Other(deed=Deed("export", "actor:bob")),
        Other(deed=Deed("show", subject="x")),
        Other(deed=Deed("search", "actor:bob", outcome="failure")),
        Other(who=Who("user", "cli", "1001", "ana", "ops1")),
        Other(who=Who("user", "cli", "1000", "ana", "ops2")),
        Other(who=Who("user", "api", "1000", "ana", "ops1")),
    ],
)
def test_another_question_person_host_or_way_is_another_event(other: Other) -> None:
    assert identity(other.deed, other.who) != identity()


def test_parts_do_not_run_into_each_other() -> None:
    assert identity(Deed("show", "a", "b")) != identity(Deed("show", "ab", ""))


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_every_action_makes_a_record_of_the_taxonomy(action: str) -> None:
    record = event_of(Deed(action, "actor:bob", "a" * 26, found=3), ANA, NOW)
    assert (record.surface, record.app, record.outcome) == ("audit", "whodid", "success")
    assert record.verb in taxonomy.VERBS
    assert record.kind in taxonomy.KINDS
    assert (record.description or "").startswith("ana ")
    assert decode(encode(record)) == record


def test_a_sentence_says_what_was_asked_and_found() -> None:
    record = event_of(SEARCH, ANA, NOW)
    assert record.description == "ana searched the audit log: actor:bob (7 records)"
    assert record.metadata is not None
    assert (record.metadata["question"], record.metadata["found"]) == ("actor:bob", 7)


def test_whoever_is_not_known_is_someone() -> None:
    record = event_of(Deed("search"), Who("anonymous", "api", ip="127.0.0.1"), NOW)
    assert record.description == "Someone searched the audit log"
    assert record.client is not None
    assert record.client.ip == "127.0.0.1"


def test_an_endless_question_is_cut() -> None:
    record = event_of(Deed("search", "x" * 100_000), ANA, NOW)
    assert len(encode(record)) < 10_000
