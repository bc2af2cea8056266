"""A webhook is posted M's body or JSON lines, signed; nothing is lost by what it answers, and the rest goes on."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from support.forwarding import NOT_OWN, Hook, Post, add, drained, eventually, ids_of, made, order_of, running, store_in
from support.serving import HOSTILE, make
from whodid_indexer.forward.bookmark import Bookmark, read_bookmark
from whodid_indexer.forward.consumer import Consumer
from whodid_indexer.forward.dead import DeadLetters
from whodid_indexer.forward.run import run
from whodid_indexer.forward.settings import ConsumerSettings
from whodid_indexer.forward.webhook import retry_after
from whodid_schema.errors import ConfigError, Incomplete
from whodid_schema.record import Actor, Change, Record, Target

pytestmark = pytest.mark.usefixtures("hasty")


def hook_to(hook: Hook, **given: Any) -> ConsumerSettings:
    base = {"name": "hook", "kind": "webhook", "address": hook.url, "query": NOT_OWN, "timeout": "1s"}
    return ConsumerSettings.model_validate(base | given)


def test_events_have_the_shape_of_m_s_webhook(tmp_path: Path) -> None:
    target = Target("user", "783", "Jane Doe")
    record = make(
        1,
        action="activity_log.user.updated",
        description="Jane Doe updated the user profile",
        actor=Actor("user", "783", "Jane Doe"),
        target=target,
        changes=[Change("name", "[FILTERED]", "[FILTERED]", True)],
        timestamp="2024-12-09T09:31:24.500000Z",
    )
    with Hook() as hook:
        drained(tmp_path, store_in(tmp_path, [record]), hook_to(hook, form="m"))
    (post,) = hook.taken
    assert post.headers["content-type"] == "application/json"
    assert json.loads(post.body) == {
        "events": [
            {
                "event": "activity_log.user.updated",
                "description": "Jane Doe updated the user profile",
                "actor": {"id": 783, "type": "user", "name": "Jane Doe"},
                "resource": {"id": "783", "type": "user", "name": "Jane Doe"},
                "changes": {"name": {"from": "[FILTERED]", "to": "[FILTERED]"}},
                "timestamp": 1733736684,
            }
        ]
    }


@pytest.mark.parametrize("form", ["json", "m", "ecs", "ocsf"])
def test_hostile_records_are_data_in_every_body(tmp_path: Path, form: str) -> None:
    texts = [*HOSTILE.values(), '"},{"event":"forged"', "]}\n{}"]
    records = [make(number, description=text, action=text) for number, text in enumerate(texts)]
    with Hook() as hook:
        drained(tmp_path, store_in(tmp_path, records), hook_to(hook, form=form))
    (post,) = hook.taken
    events = json.loads(post.body)["events"] if form == "m" else [json.loads(line) for line in post.body.splitlines()]
    key = {"json": "description", "m": "description", "ecs": "message", "ocsf": "message"}[form]
    assert [event[key] for event in events] == texts
    assert not any(character in post.body.decode() for character in "\x1b\x9b\u202e\u2028\x00")


def test_deliveries_are_signed_over_the_exact_body(tmp_path: Path) -> None:
    key = b"0123456789abcdef"
    (tmp_path / "secret").write_text("whsec_" + base64.b64encode(key).decode())
    (tmp_path / "token").write_text("t0ken")
    with Hook() as hook:
        settings = hook_to(hook, secret_file=tmp_path / "secret", token_file=tmp_path / "token", batch=2)
        drained(tmp_path, store_in(tmp_path, made(0, 5)), settings)
    assert [len(post.body.splitlines()) for post in hook.taken] == [2, 2, 1]
    assert len({post.headers["webhook-id"] for post in hook.taken}) == 3
    for post in hook.taken:
        signed = f"{post.headers['webhook-id']}.{post.headers['webhook-timestamp']}.".encode() + post.body
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert post.headers["webhook-signature"] == f"v1,{expected}"
        assert abs(int(post.headers["webhook-timestamp"]) - time.time()) < 60
        assert post.headers["authorization"] == "Bearer t0ken"


def test_a_secret_that_cannot_be_used_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("whsec_not base64!")
    with Hook() as hook, pytest.raises(ConfigError, match="hook: a secret that begins with whsec_"):
        drained(tmp_path, store_in(tmp_path, made(0, 1)), hook_to(hook, secret_file=tmp_path / "secret"))
    assert not hook.posts


def test_a_receiver_that_answers_500_closes_redirects_and_hangs_loses_nothing(tmp_path: Path) -> None:
    with Hook() as hook:
        turns = iter([200, 500, None, (302, {"location": hook.url}), (503, {"retry-after": "0"}), hook.hang, 200, 404])

        def answer(post: Post) -> Any:
            turn = next(turns, 200)
            return turn(post) if callable(turn) else turn

        hook.answer = answer
        said: list[str] = []
        records = made(0, 30)
        (consumer,) = drained(tmp_path, store_in(tmp_path, records), hook_to(hook, batch=10), said=said)
    assert list(dict.fromkeys(hook.ids)) == ids_of(records)
    names = {post.headers["webhook-id"]: post.body for post in hook.posts}
    assert len(names) == 3  # the same name in every attempt
    assert all(names[post.headers["webhook-id"]] == post.body for post in hook.posts)
    counts = consumer.now.counts
    assert (counts.read, counts.sent, counts.filtered, counts.dead, counts.in_flight) == (30, 30, 0, 0, 0)
    assert consumer.now.retries == 6
    assert "path-secret" not in "".join(said)
    assert any("answered 500; trying again" in line for line in said)
    assert any("goes on after 5 attempts" in line for line in said)


def test_a_receiver_that_asks_to_be_left_alone_is_until_then(tmp_path: Path) -> None:
    moments: list[float] = []

    def answer(_: Post) -> Any:
        moments.append(time.monotonic())
        return 200 if len(moments) > 1 else (429, {"retry-after": "1"})

    with Hook(answer) as hook:
        drained(tmp_path, store_in(tmp_path, made(0, 3)), hook_to(hook))
    assert hook.ids == ids_of(made(0, 3))
    assert moments[1] - moments[0] >= 1.0, "the waits of these tests are far shorter"


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"])
def test_a_receiver_that_closes_in_the_middle_of_a_body_gets_it_again(tmp_path: Path, answer: bytes) -> None:
    """What it says before it closes counts: of a batch that is too long it gets halves."""
    closed: list[int] = []
    records = made(0, 400, description="word " * 2_000)
    with Hook() as hook, socket.create_server(("127.0.0.1", 0)) as listener:

        def between() -> None:
            """Before the receiver: the first connection is closed behind 20,000 bytes."""
            connection, _ = listener.accept()
            with connection:
                while sum(closed) < 20_000:
                    closed.append(len(connection.recv(4_096)))
                connection.sendall(answer)
            listener.close()

        threading.Thread(target=between, daemon=True).start()
        port = listener.getsockname()[1]
        settings = hook_to(hook, address=f"http://127.0.0.1:{port}/hooks/path-secret", batch_bytes=100_000_000)
        consumer: list[Consumer] = []
        said: list[str] = []
        with pytest.raises(Incomplete, match="Connection refused"):
            run(
                order_of(tmp_path, store := store_in(tmp_path, records), settings, timeout=0.3, said=said),
                consumer.extend,
            )
        assert consumer[0].now.counts.sent == 0
        (first,) = drained(tmp_path, store, hook_to(hook, batch_bytes=100_000_000))
    assert list(dict.fromkeys(hook.ids)) == ids_of(records)
    assert (first.now.counts.sent, first.now.counts.dead) == (400, 0)


def test_a_receiver_that_stays_away_ends_once_with_the_rest_unsent_and_kept(tmp_path: Path) -> None:
    store = store_in(tmp_path, made(0, 30))
    with Hook(lambda _: 500) as hook:
        with pytest.raises(Incomplete, match=r"by hook \(http://127.0.0.1:\d+ answered 500\)"):
            drained(tmp_path, store, hook_to(hook, batch=10), timeout=0.3)
        first = hook.posts[0]
        hook.answer = lambda _: 200
        drained(tmp_path, store, hook_to(hook, batch=10))
    assert hook.ids == ids_of(made(0, 30))
    assert hook.taken[0].headers["webhook-id"] == first.headers["webhook-id"]
    assert hook.taken[0].body == first.body


def test_the_same_batch_goes_out_under_the_same_name_after_a_crash_though_more_has_arrived(tmp_path: Path) -> None:
    store = store_in(tmp_path, made(0, 3))
    with Hook(lambda _: 500) as hook, pytest.raises(Incomplete):
        drained(tmp_path, store, hook_to(hook), timeout=0.1)
    add(store, made(3, 6))
    with Hook() as again:
        drained(tmp_path, store, hook_to(again))
    assert [len(post.body.splitlines()) for post in again.taken] == [3, 3]
    assert again.taken[0].headers["webhook-id"] == hook.posts[0].headers["webhook-id"]


def test_one_record_that_is_refused_becomes_a_dead_letter_and_the_others_arrive(tmp_path: Path) -> None:
    records = made(0, 16)
    poison = str(records[5].id)
    with Hook(lambda post: 422 if poison.encode() in post.body else 200) as hook:
        (consumer,) = drained(tmp_path, store_in(tmp_path, records), hook_to(hook))
    assert sorted(hook.ids) == sorted(set(ids_of(records)) - {poison})
    letters = DeadLetters(tmp_path / "state", "hook")
    (line,) = letters.path.read_text().splitlines()
    assert json.loads(line)["record"]["id"] == poison
    assert "answered 422" in json.loads(line)["reason"]
    assert (consumer.now.counts.sent, consumer.now.counts.dead) == (15, 1)
    assert consumer.now.counts.balanced


def test_batches_that_are_too_long_become_shorter(tmp_path: Path) -> None:
    records = made(0, 40)
    with Hook(lambda post: 413 if len(post.body.splitlines()) > 6 else 200) as hook:
        drained(tmp_path, store_in(tmp_path, records), hook_to(hook, batch=20))
    assert hook.ids == ids_of(records)
    assert sum(len(post.body.splitlines()) > 6 for post in hook.posts) == 3  # 20, 10, 10; then never again


def test_what_is_not_taken_in_time_becomes_dead_letters_and_the_rest_goes_on(tmp_path: Path) -> None:
    records = made(0, 20)
    blocked = str(records[3].id).encode()
    with Hook(lambda post: 500 if blocked in post.body else 200) as hook:
        (consumer,) = drained(tmp_path, store_in(tmp_path, records), hook_to(hook, batch=10, dead_after="1s"))
    assert hook.ids == ids_of(records[10:])
    assert DeadLetters(tmp_path / "state", "hook").waiting() == 10
    assert (consumer.now.counts.sent, consumer.now.counts.dead) == (10, 10)


def test_a_consumer_that_stalls_delays_no_other(tmp_path: Path) -> None:
    store = store_in(tmp_path, made(0, 50))
    with Hook() as quick, Hook() as stalled:
        stalled.answer = stalled.hang
        order = order_of(
            tmp_path,
            store,
            hook_to(stalled, name="stalled", timeout="30s"),
            hook_to(quick, name="quick"),
            once=False,
        )
        with running(order) as (slow, fast):
            assert eventually(lambda: len(quick.ids) == 50)
            add(store, made(50, 60))
            assert eventually(lambda: len(quick.ids) == 60)
            assert slow.now.counts.sent == 0
            assert slow.now.counts.in_flight == 50
            assert slow.now.counts.balanced
            assert eventually(lambda: fast.now.counts.sent == 60)  # counted once the answer is read
            stalled.ending.set()
    assert quick.ids == ids_of(made(0, 60))


def test_only_what_matches_is_sent_and_the_counts_say_what_did_not(tmp_path: Path) -> None:
    records = made(0, 100)
    with Hook() as hook:
        (consumer,) = drained(
            tmp_path, store_in(tmp_path, records), hook_to(hook, query='outcome:failure actor:"Ana Ruiz"')
        )
    expected = [one.id for one in records if one.outcome == "failure" and one.actor and one.actor.name == "Ana Ruiz"]
    assert hook.ids == expected
    counts = consumer.now.counts
    assert (counts.read, counts.sent, counts.filtered) == (100, len(expected), 100 - len(expected))


def test_a_new_consumer_may_begin_with_what_is_new(tmp_path: Path) -> None:
    store = store_in(tmp_path, made(0, 10))
    with Hook() as hook:
        drained(tmp_path, store, hook_to(hook, begin="now"))
        add(store, made(10, 15))
        drained(tmp_path, store, hook_to(hook, begin="now"))
    assert hook.ids == ids_of(made(10, 15))


def test_a_bookmark_is_of_one_store_and_of_one_process(tmp_path: Path) -> None:
    store = store_in(tmp_path, made(0, 1))
    with Hook() as hook:
        drained(tmp_path, store, hook_to(hook))
        with Bookmark(tmp_path / "state", "hook", store), pytest.raises(Exception, match="another whodid forward"):
            drained(tmp_path, store, hook_to(hook))
        (tmp_path / "other").mkdir()
        with pytest.raises(Exception, match="the bookmark of hook is of"):
            drained(tmp_path, store_in(tmp_path / "other"), hook_to(hook))
    found = read_bookmark(tmp_path / "state", "hook")
    assert found is not None
    assert found[0].counts.sent == 1


@pytest.mark.parametrize(
    ("value", "seconds"), [(None, 0), ("7", 7), ("999999", 3600), ("-1", 0), ("soon", 0), ("nan", 0)]
)
def test_how_long_a_receiver_asks_to_be_left_alone_is_bounded(value: str | None, seconds: float) -> None:
    assert retry_after(value) == seconds


def test_records_are_sent_as_they_are_stored(tmp_path: Path) -> None:
    record = make(1, metadata={"deep": [1, {"x": None}]}, raw='{"a":1}')
    with Hook() as hook:
        drained(tmp_path, store_in(tmp_path, [record]), hook_to(hook))
    assert msgspec.json.decode(hook.taken[0].body, type=Record) == record
