"""Promise 2 without a crash: reading again adds nothing, and equal events are as many as there were."""

import gzip
import json
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from support.running import Daemon, free_port, listening, totals, wait_until, whodid, whodid_agent
from support.serving import Server

TIMED, TIMELESS = 300, 20


def stored(server: Server, *filters: str) -> int:
    return int(whodid("count", "--store", server.store, *filters).stdout)


def test_reading_the_same_files_again_adds_nothing_but_timeless_lines_after_a_lost_state(tmp_path: Path) -> None:
    log, state = tmp_path / "app.jsonl", tmp_path / "state"
    event = {"action": "report.open", "actor": {"id": "u1"}}
    lines = [{**event, "timestamp": f"2026-05-01T08:00:{n // 3 % 60:02d}Z"} for n in range(TIMED)]
    lines += [{**event, "action": "report.timeless"}] * TIMELESS
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def once(lose_the_state: bool = False) -> int:
        if lose_the_state:
            shutil.rmtree(state)
        whodid_agent("run", "--once", "--target", server.url, "--state-dir", str(state), str(log))
        return stored(server)

    with Server(tmp_path) as server:
        assert once() == TIMED + TIMELESS
        assert once() == TIMED + TIMELESS
        assert once(lose_the_state=True) == TIMED + 2 * TIMELESS
        (tmp_path / "app.jsonl.1.gz").write_bytes(gzip.compress(log.read_bytes()))
        log.write_text(json.dumps({**event, "timestamp": "2026-05-02T08:00:00Z"}) + "\n")
        assert once() == TIMED + 2 * TIMELESS + 1
        assert once(lose_the_state=True) == TIMED + 3 * TIMELESS + 1
        assert stored(server, "--action", "report.timeless") == 3 * TIMELESS


def test_equal_events_are_as_many_as_were_written_or_posted_and_a_key_makes_them_one(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "app.jsonl"
    log.write_text('{"action": "timeless", "actor": {"id": "u1"}}\n' * 500)
    config = tmp_path / "agent.yaml"

    def post(action: str, key: str | None) -> int:
        event = {"action": action, "actor": {"id": "u1"}, "timestamp": "2026-05-01T08:00:00Z"}
        return client.post("/v1/events", json=event, headers={"Idempotency-Key": key} if key else {}).status_code

    with Server(tmp_path) as server, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        inputs = f"[{{file: {log}}}, {{http: '127.0.0.1:{port}'}}]"
        config.write_text(f"target: {server.url}\nstate_dir: {tmp_path}/state\ninputs: {inputs}\n")
        with (
            Daemon("whodid-agent", ["run", "--config", str(config)], tmp_path / "agent.log") as agent,
            ThreadPoolExecutor(8) as pool,
        ):
            wait_until(listening(port), "the receiver is up")
            for action, key in (("keyless", None), ("keyed", "delivery-1")):
                assert Counter(pool.map(lambda _, a=action, k=key: post(a, k), range(500))) == {202: 500}
            wait_until(lambda: totals(config)["decoded"] == 1500, "everything is read")
            assert agent.stop() == 0
        found = {action: stored(server, "--action", action) for action in ("timeless", "keyless", "keyed")}
    assert found == {"timeless": 500, "keyless": 500, "keyed": 1}
    assert totals(config)["duplicate"] == 499
