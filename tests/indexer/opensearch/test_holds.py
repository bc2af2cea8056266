"""Legal holds on a real node: an index stays as a whole, what cannot be told is kept, and what was lost stops all."""

import threading
import urllib.error
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from support.asking import ask
from support.indexing import META
from support.opensearch.server import Server
from support.records import identifier
from whodid_indexer.holds.hold import Hold, new_hold
from whodid_indexer.query.parse import build_query
from whodid_indexer.retention.document import NOTHING, Wanted, renewed
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import Client
from whodid_indexer.store.opensearch.holds import ClusterHolds, going, keeps
from whodid_indexer.store.opensearch.retire import OpenSearchLifecycle
from whodid_indexer.store.opensearch.setup import apply as set_up
from whodid_indexer.store.opensearch.setup import make_plan
from whodid_indexer.store.opensearch.state import STATE, make_state, read_state, write_state
from whodid_indexer.store.opensearch.template import template
from whodid_schema.document import document
from whodid_schema.errors import NotAllowed, StateError
from whodid_schema.meta import Meta, Router
from whodid_schema.record import Actor, Record, encode

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
JANUARY, FEBRUARY = "whodid-activity-2026-01", "whodid-activity-2026-02"


def store(server: Server, people: dict[str, datetime]) -> Meta:
    """A record of each; activity is kept for thirty days, in indices of a month."""
    meta = renewed(META, Wanted({}, (), {}), NOW, fresh=True)
    meta = renewed(meta, NOTHING._replace(days={"activity": 30}), NOW)
    server.request("PUT", "/_index_template/whodid", template(meta))
    lines = []
    for number, (name, moment) in enumerate(people.items()):
        stamp = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        record = Record(timestamp=stamp, received_at=stamp, id=identifier(number), app="shop", surface="activity")
        record.actor = Actor(type="user", name=name)
        lines += [msgspec.json.encode({"create": {"_index": Router(meta).index_of(record), "_id": record.id}})]
        lines += [document(record, encode(record))]
    assert not server.request("POST", "/_bulk?refresh=true", b"\n".join(lines) + b"\n")["errors"]
    return meta


def held(text: str, name: str = "case") -> Hold:
    return new_hold(build_query(texts=[text], now=NOW), "the case", "lena", NOW - timedelta(days=1), name=name)


def indices(server: Server) -> set[str]:
    found = server.request("GET", "/_cat/indices/whodid-*?format=json&h=index&expand_wildcards=open,closed")
    return {row["index"] for row in found}


@pytest.fixture
def client(opensearch: Server) -> Iterator[Client]:
    with closing(Client(opensearch.url, Access())) as opened:
        store(opensearch, {"ana": datetime(2026, 1, 3, tzinfo=UTC), "bob": datetime(2026, 1, 4, tzinfo=UTC)})
        store(opensearch, {"eve": datetime(2026, 2, 3, tzinfo=UTC)})
        yield opened


def apply(client: Client, now: datetime = NOW) -> list[str]:
    done: list[str] = []
    OpenSearchLifecycle(client).apply(now, lambda one: done.append(one.what))
    return done


def test_an_index_with_one_held_record_stays_as_a_whole(opensearch: Server, client: Client) -> None:
    ClusterHolds(client).add(held("actor:ana"))
    kept, goes = OpenSearchLifecycle(client).plan(NOW).parts
    assert (kept.what, kept.due, kept.records, kept.why) == (JANUARY, False, 2, "held by case")
    assert (goes.what, goes.due) == (FEBRUARY, True)
    assert apply(client) == [FEBRUARY]
    assert indices(opensearch) == {JANUARY}


def test_what_arrived_a_moment_ago_counts_before_it_can_be_found(opensearch: Server, client: Client) -> None:
    """The plan saw nothing of it: the index had not been refreshed."""
    opensearch.request("PUT", f"/{FEBRUARY}/_settings", {"index.refresh_interval": "-1"})
    ClusterHolds(client).add(held("actor:late"))
    late = Record(
        timestamp="2026-02-09T00:00:00.000000Z", id=identifier(77), app="shop", actor=Actor(name="late", type="user")
    )
    opensearch.request("PUT", f"/{FEBRUARY}/_create/{late.id}", document(late, encode(late)))
    assert OpenSearchLifecycle(client).plan(NOW).holds[0].matches == 0
    assert apply(client) == [JANUARY]


def test_a_record_that_comes_between_the_last_look_and_the_deletion_is_refused_and_not_lost(
    opensearch: Server, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its agent parks it, and sends it again; an index that stays takes records again."""
    ClusterHolds(client).add(held("actor:ana"))
    answers: list[int] = []

    def looked(*arguments: Any) -> bool:
        found = keeps(*arguments)
        with pytest.raises(urllib.error.HTTPError) as refused:
            opensearch.request("PUT", f"/{arguments[2]}/_create/late", {"id": "late"})
        answers.append(refused.value.code)
        return found or arguments[2] == JANUARY

    meta = OpenSearchLifecycle(client).meta()
    monkeypatch.setattr("whodid_indexer.store.opensearch.retire.keeps", looked)
    assert apply(client) == [FEBRUARY]
    due = next(part for part in OpenSearchLifecycle(client).plan(NOW).parts)
    assert OpenSearchLifecycle(client)._let_go(due, meta, NOW) is None
    assert answers == [403, 403]
    opensearch.request("PUT", f"/{JANUARY}/_create/late", {"id": "late"})


def test_a_closed_index_stays_while_there_is_any_hold(opensearch: Server, client: Client) -> None:
    opensearch.request("POST", f"/{JANUARY}/_close")
    ClusterHolds(client).add(held("actor:eve"))
    closed, _ = OpenSearchLifecycle(client).plan(NOW).parts
    assert (closed.due, closed.why) == (False, "closed, so that nobody can tell what is held by case")
    assert apply(client) == []
    ClusterHolds(client).release("case", "max", "settled", NOW)
    assert apply(client) == [JANUARY, FEBRUARY]


def test_a_hold_that_this_version_cannot_read_stops_all_deletion(client: Client) -> None:
    ClusterHolds(client).add(held("actor:eve", "good"))
    odd = Hold(name="odd", query="field_of_tomorrow:x", reason="x", by="lena", at="2026-11-20T00:00:00Z")
    write_state(client, "hold", "odd", msgspec.to_builtins(odd))
    with pytest.raises(StateError, match="the hold odd cannot be evaluated, and so nothing is deleted: there is no"):
        apply(client)
    assert not any(part.due for part in OpenSearchLifecycle(client).plan(NOW).parts)


def test_where_the_index_of_the_holds_is_lost_nothing_is_deleted_until_somebody_puts_them_anew(
    opensearch: Server, client: Client
) -> None:
    ClusterHolds(client).add(held("actor:ana"))
    opensearch.request("DELETE", f"/{STATE}")
    with pytest.raises(StateError, match=r"the index \.whodid-state has none: nothing is deleted"):
        apply(client)
    plan = make_plan(client, None, NOW)
    assert any("restore it from a snapshot" in note for note in plan.notes)
    set_up(client, plan, lambda: make_plan(client, None, NOW), lambda _: None)
    with pytest.raises(StateError, match="has none"):
        OpenSearchLifecycle(client).plan(NOW)
    make_state(client)  # for tokens or views, say
    with pytest.raises(StateError, match="has none"):
        apply(client)
    assert indices(opensearch) == {JANUARY, FEBRUARY}
    ClusterHolds(client).add(held("actor:ana", "again"))
    assert apply(client) == [FEBRUARY]


def test_who_puts_a_hold_waits_for_the_deletion_that_may_not_have_seen_it(client: Client) -> None:
    adding = threading.Thread(target=ClusterHolds(client).add, args=(held("actor:ana"),))
    with going(client, JANUARY):
        adding.start()
        adding.join(1)
        assert adding.is_alive()
    adding.join(30)
    assert not adding.is_alive()
    assert apply(client) == [FEBRUARY]
    assert read_state(client, "going") == []


def test_what_a_crash_in_a_deletion_left_behind_is_waited_for_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whodid_indexer.store.opensearch.holds._PATIENCE", 0.3)
    ClusterHolds(client).add(held("actor:ana"))
    write_state(client, "going", "x", {})
    ClusterHolds(client).add(held("actor:bob", "other"))
    assert read_state(client, "going") == []


def test_where_ism_cannot_be_told_the_hold_stands_and_that_is_said(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise NotAllowed("no right to change policies")

    with monkeypatch.context() as without_right:
        without_right.setattr("whodid_indexer.store.opensearch.holds.plan_policies", refuse)
        with pytest.raises(StateError, match=r"the hold case is kept, but .* could not be told: no right to change"):
            ClusterHolds(client).add(held("actor:ana"))
    assert apply(client) == [FEBRUARY]


def test_two_who_release_at_once_do_so_once(client: Client) -> None:
    ClusterHolds(client).add(held("actor:ana"))
    ClusterHolds(client).release("case", "max", "settled", NOW)
    stale = Hold(name="case", query="x", reason="x", by="x", at="2026-11-20T00:00:00Z")
    with pytest.raises(StateError, match="hold case was changed meanwhile"):
        write_state(client, "hold", "case", msgspec.to_builtins(stale))


def test_the_state_takes_nothing_that_it_does_not_know(opensearch: Server, client: Client) -> None:
    ClusterHolds(client).add(held("actor:ana"))
    mapping = opensearch.request("GET", f"/{STATE}/_mapping")[STATE]["mappings"]
    assert mapping["dynamic"] == "strict"
    with pytest.raises(urllib.error.HTTPError, match="400"):
        opensearch.request("PUT", f"/{STATE}/_doc/x", {"kind": "hold", "colour": "red"})
    assert STATE not in opensearch.request("GET", "/_alias/whodid")


def test_the_commands_work_over_a_cluster(opensearch: Server, client: Client) -> None:
    flags = ["--store", opensearch.url]
    added = ask("hold", "add", *flags, "--actor", "ana", "--reason", "case 7")
    assert (added.code, added.text) == (0, "hold-1\n"), added.err
    assert "holds 1 record and what arrives later: actor:ana, until it is released" in added.err
    plan = ask("retention", "plan", *flags, "--at", NOW.isoformat()).text
    assert "held by hold-1" in plan
    assert "1 of activity" in plan
    assert FEBRUARY in ask("retention", "apply", *flags, "--at", NOW.isoformat()).text
    assert ask("hold", "release", "hold-1", *flags, "--reason", "settled").code == 0
    assert "released  actor:ana" in ask("hold", "list", *flags).text
    opensearch.request("POST", "/whodid/_refresh")
    own = ask("search", *flags, "--surface", "audit", "--format", "ndjson").text
    recorded = {msgspec.json.decode(line)["action"] for line in own.splitlines()}
    assert {"whodid.hold_add", "whodid.hold_release"} <= recorded
