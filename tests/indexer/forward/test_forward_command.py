"""`whodid forward` as a person, a timer and a power cut run it: over a file, a server, and OpenSearch."""

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from support.crashing import EACH_OR_SOME, Crashing
from support.forwarding import NOT_OWN, Hook, add, configured, drained, forward, ids_of, made, store_in
from support.indexing import index, set_up
from support.opensearch.server import Server as OpenSearch
from support.records import item
from support.running import Daemon, free_port, wait_until, whodid
from support.serving import Server, make
from whodid_indexer.forward.settings import ConsumerSettings


def consumers_of(arguments: list[str]) -> dict[str, dict[str, Any]]:
    told = json.loads(forward("status", *arguments, "--format", "json").text)
    return {one["name"]: one for one in told["consumers"]}


def file_to(path: Path, **more: Any) -> dict[str, Any]:
    return {"name": "file", "kind": "file", "address": str(path)} | more


def hook_to(hook: Hook, **more: Any) -> dict[str, Any]:
    return {"name": "hook", "kind": "webhook", "address": hook.url, "timeout": "2s"} | more


def ids_in(*paths: Path) -> list[str]:
    return [json.loads(line)["id"] for path in paths for line in path.read_text().splitlines()]


def test_once_sends_what_is_there_and_the_next_one_what_is_new(tmp_path: Path) -> None:
    store = store_in(tmp_path, made(0, 20))
    arguments = configured(tmp_path, store, file_to(tmp_path / "out.jsonl"))
    forward("--once", *arguments)
    assert ids_in(tmp_path / "out.jsonl") == ids_of(made(0, 20))
    add(store, made(20, 25))
    told = consumers_of(arguments)["file"]
    assert (told["sent"], told["lag_records"], told["running"], told["state"]) == (20, 5, False, "stopped")
    assert told["lag_seconds"] > 86_400  # received a while ago
    forward("--once", *arguments)
    assert ids_in(tmp_path / "out.jsonl") == ids_of(made(0, 25))
    shown = forward("status", *arguments).text
    assert "nothing" in shown
    assert whodid("count", "--store", store, "--surface", "audit", "-q", "action:whodid.forward").stdout.strip() == "1"


def test_a_store_behind_a_server_is_forwarded_from(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.create(made(0, 30))
        arguments = configured(tmp_path, server.url, file_to(tmp_path / "out.jsonl"))
        forward("--once", *arguments)
        told = consumers_of(arguments)["file"]
    assert ids_in(tmp_path / "out.jsonl") == ids_of(made(0, 30))
    assert told["balanced"]


def test_opensearch_is_forwarded_from(tmp_path: Path, opensearch: OpenSearch) -> None:
    set_up(opensearch)
    index(opensearch, [item(record) for record in made(0, 60)])
    with Hook() as hook:
        arguments = configured(tmp_path, opensearch.url, hook_to(hook, batch=7))
        forward("--once", *arguments)
        index(opensearch, [item(record) for record in made(60, 80)])
        assert consumers_of(arguments)["hook"]["lag_records"] == 20
        forward("--once", *arguments)
    assert sorted(hook.ids) == sorted(ids_of(made(0, 80)))


FORWARD = """
from pathlib import Path
import httpx, whodid_indexer.store.open, whodid_indexer.store.sqlite.read
from support.forwarding import drained
from whodid_indexer.forward.settings import ConsumerSettings
def work(folder, store, settings):
    drained(Path(folder), store, ConsumerSettings.model_validate_json(settings))
"""


@EACH_OR_SOME
def test_killed_at_any_step_a_file_has_every_line_once_and_whole(tmp_path: Path, stride: int) -> None:
    """At each write, sync and rename, of the bookmark and of rotating too; what is left is gone on with."""
    records = made(0, 60)
    store = store_in(tmp_path, records)
    with Crashing(FORWARD) as crashing:
        for step in crashing.steps(stride):
            folder = tmp_path / str(step)
            (folder / "out").mkdir(parents=True)
            told = file_to(folder / "out" / "audit.jsonl", rotate_bytes=10_000, batch=12, query=NOT_OWN)
            settings = ConsumerSettings.model_validate(told)
            if not crashing.run(step, folder, store, settings.model_dump_json()):
                break
            drained(folder, store, settings)
            files = sorted((folder / "out").iterdir(), key=lambda path: (path.stem == "audit", path.stem))
            assert ids_in(*files) == ids_of(records), f"after it was killed at step {step}"
    assert step > 30


@EACH_OR_SOME
def test_killed_at_any_step_a_webhook_misses_nothing_and_one_name_has_one_body(tmp_path: Path, stride: int) -> None:
    records = made(0, 12)
    store = store_in(tmp_path, records)
    with Crashing(FORWARD) as crashing:
        for step in crashing.steps(stride):
            folder = tmp_path / str(step)
            with Hook() as hook:
                settings = ConsumerSettings.model_validate(hook_to(hook, batch=5, query=NOT_OWN))
                killed = crashing.run(step, folder, store, settings.model_dump_json())
                (consumer,) = drained(folder, store, settings)
            bodies = {post.headers["webhook-id"]: post.body for post in hook.taken}
            assert all(bodies[post.headers["webhook-id"]] == post.body for post in hook.taken)
            sent = [json.loads(line)["id"] for body in bodies.values() for line in body.splitlines()]
            assert sent == ids_of(records), f"after it was killed at step {step}"
            counts = consumer.now.counts
            assert (counts.sent, counts.dead, counts.in_flight, counts.balanced) == (12, 0, 0, True)
            if not killed:
                break
    assert step > 10


@pytest.mark.slow
def test_kill_9_at_any_moment_loses_nothing_and_a_file_has_every_line_once(tmp_path: Path) -> None:
    store = store_in(tmp_path, made(0, 4_000))
    out = tmp_path / "out"
    out.mkdir()
    with Hook() as hook:
        arguments = configured(
            tmp_path,
            store,
            file_to(out / "audit.jsonl", rotate_bytes=200_000, batch=50),
            hook_to(hook, batch=50),
        )
        for moment in (0.0, 0.03, 0.1):
            before = len(hook.posts)
            with Daemon("whodid", ["forward", *arguments], tmp_path / "log") as daemon:
                wait_until(lambda seen=before: len(hook.posts) > seen, "something is sent")  # type: ignore[misc]
                time.sleep(moment)
                daemon.kill()
        forward("--once", *arguments)
        told = consumers_of(arguments)
    expected = ids_of(made(0, 4_000))
    files = sorted(out.iterdir(), key=lambda path: path.stem if path.stem != "audit" else "z")
    assert ids_in(*files) == expected
    bodies = {post.headers["webhook-id"]: post.body for post in hook.taken}
    assert all(bodies[post.headers["webhook-id"]] == post.body for post in hook.taken)  # one name, one body
    assert [json.loads(line)["id"] for body in bodies.values() for line in body.splitlines()] == expected
    for one in told.values():
        assert (one["sent"], one["in_flight"], one["balanced"]) == (4_000, 0, True)


def test_a_receiver_that_is_down_shows_its_lag_and_delays_no_other_and_metrics_say_so(tmp_path: Path) -> None:
    store = store_in(tmp_path, made(0, 40))
    port, metrics = free_port(), free_port()
    down = {"name": "down", "kind": "syslog", "address": f"tcp://127.0.0.1:{port}"}
    arguments = configured(tmp_path, store, file_to(tmp_path / "out.jsonl"), down)
    with Daemon("whodid", ["forward", *arguments, "--metrics", f"127.0.0.1:{metrics}"], tmp_path / "log") as daemon:
        wait_until(lambda: (tmp_path / "out.jsonl").exists() and len(ids_in(tmp_path / "out.jsonl")) == 40, "the file")
        wait_until(lambda: consumers_of(arguments)["down"]["retries"] > 1, "it is tried again")
        told = consumers_of(arguments)["down"]
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics") as answer:
            text = answer.read().decode()
        assert daemon.stop() == 0
    assert (told["state"], told["running"], told["lag_records"], told["sent"]) == ("failing", True, 41, 0)
    assert "Connection refused" in told["reason"]
    assert told["balanced"]
    assert 'whodid_forward_records_total{consumer="file",outcome="sent"} 40.0' in text
    assert 'whodid_forward_failing{consumer="down"} 1.0' in text
    assert 'whodid_forward_lag_records{consumer="down"} 41.0' in text
    assert 'whodid_forward_lag_records{consumer="file"} 0.0' in text


def test_once_ends_with_5_where_a_receiver_takes_nothing(tmp_path: Path) -> None:
    with Hook(lambda _: 503) as hook:
        arguments = configured(tmp_path, store_in(tmp_path, made(0, 5)), hook_to(hook))
        done = forward("--once", "--timeout", "1", *arguments, check=False)
        assert done.code == 5
        assert "answered 503" in done.err
        assert "path-secret" not in done.err
        assert consumers_of(arguments)["hook"]["in_flight"] == 5
        hook.answer = lambda _: 200
        forward("--once", *arguments)
    assert hook.ids == ids_of(made(0, 5))


@pytest.mark.parametrize(
    "damaged", ["", "gar\x00bage", '{"store":"x"', '{"store":"STORE","version":9}', "PENDING", "OTHER"]
)
def test_a_damaged_bookmark_stops_its_own_consumer_alone_and_says_what_to_do(tmp_path: Path, damaged: str) -> None:
    store = store_in(tmp_path, made(0, 5))
    arguments = configured(tmp_path, store, {**file_to(tmp_path / "bad"), "name": "bad"}, file_to(tmp_path / "good"))
    state = tmp_path / "state"
    state.mkdir()
    pending = {"store": store, "pending": {"cursor": "1", "read": 1, "filtered": 0, "records": 2, "delivery": "x"}}
    texts = {"PENDING": json.dumps(pending) + "\n{}\n", "OTHER": json.dumps({"store": store, "cursor": "99-abc"})}
    (state / "bad.bookmark").write_text(texts.get(damaged, damaged.replace("STORE", store)))
    before = (state / "bad.bookmark").read_bytes()
    done = forward("--once", *arguments, check=False)
    assert done.code == 1
    assert "bad.bookmark" in done.err
    assert "begins anew and sends everything again" in done.err
    assert ids_in(tmp_path / "good") == ids_of(made(0, 5))
    told = consumers_of(arguments)
    assert (told["file"]["sent"], told["bad"]["sent"], told["bad"]["reason"] != "") == (5, 0, True)
    assert (state / "bad.bookmark").read_bytes() == before
    (state / "bad.bookmark").unlink()
    forward("--once", *arguments)
    assert ids_in(tmp_path / "bad") == ids_of(made(0, 5))


def test_replay_sends_again_what_happened_since_under_new_names_and_the_bookmark_stays(tmp_path: Path) -> None:
    store = store_in(tmp_path, made(0, 50))
    with Hook() as hook:
        arguments = configured(tmp_path, store, hook_to(hook, query=f"{NOT_OWN} outcome:success"))
        forward("--once", *arguments)
        known = {post.headers["webhook-id"] for post in hook.taken}
        hook.taken.clear()
        done = forward("replay", "hook", *arguments, "--since", str(make(20).timestamp))
        assert "16 records sent again" in done.err
        assert hook.ids == [one.id for one in made(0, 21)[::-1] if one.outcome == "success"]
        assert known.isdisjoint(post.headers["webhook-id"] for post in hook.taken)
        assert consumers_of(arguments)["hook"]["sent"] == 40


def test_dead_letters_are_sent_again_and_then_gone(tmp_path: Path) -> None:
    poison = str(make(3).id).encode()
    with Hook(lambda post: 400 if poison in post.body else 200) as hook:
        arguments = configured(tmp_path, store_in(tmp_path, made(0, 8)), hook_to(hook))
        forward("--once", *arguments)
        assert consumers_of(arguments)["hook"]["dead_letters"] == 1
        refused = forward("replay", "hook", "--dead", *arguments, check=False)
        assert refused.code == 5
        assert consumers_of(arguments)["hook"]["dead_letters"] == 1
        hook.answer = lambda _: 200
        forward("replay", "hook", "--dead", *arguments)
        told = consumers_of(arguments)["hook"]
    assert sorted(hook.ids) == sorted(ids_of(made(0, 8)))
    assert (told["sent"], told["dead"], told["dead_letters"], told["balanced"]) == (7, 1, 0, True)


def test_a_file_can_be_replayed_into_while_nothing_else_writes_it(tmp_path: Path) -> None:
    arguments = configured(tmp_path, store_in(tmp_path, made(0, 5)), file_to(tmp_path / "out.jsonl"))
    forward("--once", *arguments)
    forward("replay", "file", *arguments, "--since", "2020-01-01")
    forward("--once", *arguments)
    assert ids_in(tmp_path / "out.jsonl") == ids_of(made(0, 5)) + ids_of(made(0, 5))[::-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "nobody"], "there is no consumer 'nobody'"),
        (["--metrics", "here"], "--metrics here: not an address"),
        (["replay", "nobody", "--since", "2020-01-01"], "there is no consumer 'nobody'"),
        (["replay", "file"], "one of --since TIME and --dead"),
        (["replay", "file", "--since", "whenever"], "whenever"),
    ],
)
def test_what_makes_no_sense_is_said_without_a_traceback(tmp_path: Path, arguments: list[str], said: str) -> None:
    known = configured(tmp_path, store_in(tmp_path), file_to(tmp_path / "out.jsonl"))
    placed = [*arguments[:1], *known, *arguments[1:]] if arguments[0] == "replay" else [*known, *arguments]
    done = forward(*placed, check=False)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_query_that_cannot_be_read_names_the_consumer(tmp_path: Path) -> None:
    done = forward(*configured(tmp_path, store_in(tmp_path), file_to(tmp_path / "x", query="actr:ana")), check=False)
    assert done.code == 2
    assert "forward file: query: " in done.err


def test_a_store_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.create(made(0, 5))
        arguments = configured(tmp_path, server.url, file_to(tmp_path / "out.jsonl"))
        with Daemon("whodid", ["forward", *arguments], tmp_path / "log") as daemon:
            wait_until((tmp_path / "out.jsonl").exists, "it has begun")
            server.daemon.kill()
            wait_until(lambda: "trying again" in (tmp_path / "log").read_text(), "it says that the store is away")
            assert daemon.running
            assert daemon.stop() == 0
