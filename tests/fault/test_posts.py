"""Promises 1 and 2 for posts: what was answered 202 is stored once, though server and agent are killed meanwhile."""

import json
import threading
import time
from collections import Counter
from pathlib import Path

import httpx

from support.running import Daemon, free_port, listening, totals, wait_until, whodid
from whodid_agent import reconciliation


class Sender(threading.Thread):
    """Posts numbered events, three a post, each until it is accepted, under a key of its own."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.url = f"http://127.0.0.1:{port}/v1/events"
        self.accepted: list[int] = []
        self.enough = threading.Event()

    def run(self) -> None:
        while not self.enough.is_set():
            first = len(self.accepted)
            events: list[dict[str, object]] = [
                {"action": "post", "actor": {"id": "u1"}, "target": {"type": "n", "id": str(n)}}
                for n in range(first, first + 3)
            ]
            while not self._post(first, events):
                time.sleep(0.05)
            self.accepted += range(first, first + 3)

    def _post(self, first: int, events: list[dict[str, object]]) -> bool:
        try:
            answer = httpx.post(self.url, json=events, headers={"Idempotency-Key": f"post-{first}"}, timeout=10)
        except httpx.TransportError:
            return False
        return answer.status_code == 202


class Watcher(threading.Thread):
    """Looks at the reconciliation all the time; every look must balance."""

    def __init__(self, state: Path) -> None:
        super().__init__(daemon=True)
        self.state = state
        self.looks = 0
        self.wrong: list[object] = []
        self.enough = threading.Event()

    def run(self) -> None:
        while not self.enough.wait(0.02):
            if not (self.state / "checkpoint.json").exists():
                continue
            for row in reconciliation.report(self.state)["streams"]:
                parts = ("indexed", "duplicate", "quarantined", "dropped", "expired", "in_flight")
                if row["decoded"] != sum(row[part] for part in parts):
                    self.wrong.append(row)
            self.looks += 1


def test_every_accepted_post_is_stored_once_though_the_server_comes_late_and_both_are_killed(tmp_path: Path) -> None:
    store_port, port, store = free_port(), free_port(), tmp_path / "audit.db"
    config = tmp_path / "agent.yaml"
    inputs = f"[{{http: '127.0.0.1:{port}'}}]"
    config.write_text(f"target: http://127.0.0.1:{store_port}\nstate_dir: {tmp_path}/state\ninputs: {inputs}\n")
    server = Daemon(
        "whodid", ["serve", "--store", f"sqlite:///{store}", "--listen", f"127.0.0.1:{store_port}"], tmp_path / "s.log"
    )
    agent = Daemon("whodid-agent", ["run", "--config", str(config)], tmp_path / "a.log")
    sender, watcher = Sender(port), Watcher(tmp_path / "state")
    with agent:
        wait_until(listening(port), "the receiver is up before there is a store")
        watcher.start()
        sender.start()
        wait_until(lambda: len(sender.accepted) > 10, "posts are accepted without a store")
        (waiting,) = reconciliation.report(tmp_path / "state")["unread"].items()
        assert waiting[0] == f"http:127.0.0.1:{port}"
        assert waiting[1] > 50 * 10, "what was accepted and is nowhere else is named"
        with server:
            for victim in (server, agent, server):
                wait_until(listening(store_port), "the server is up")
                before = len(sender.accepted)
                wait_until(lambda count=before: len(sender.accepted) > count + 30, "posts go on")  # type: ignore[misc]
                victim.kill()
                victim.start()
            sender.enough.set()
            sender.join(20)
            count = ("count", "--store", f"sqlite:///{store}")
            wait_until(lambda: int(whodid(*count).stdout) == len(sender.accepted), "all accepted posts are stored")
            assert agent.stop() == 0
        watcher.enough.set()
        watcher.join(10)
    whodid("export", "--store", f"sqlite:///{store}", "--format", "ndjson", "--output", str(tmp_path / "out.ndjson"))
    records = [json.loads(line) for line in (tmp_path / "out.ndjson").read_text().splitlines()]
    assert Counter(int(record["target"]["id"]) for record in records) == Counter(sender.accepted)
    assert watcher.looks > 20
    assert watcher.wrong == []
    assert reconciliation.report(tmp_path / "state")["unread"] == {}
    balance = totals(config)
    # A server that was killed between its commit and its answer makes duplicates, and so does a retried post.
    assert balance["indexed"] + balance["duplicate"] + balance["in_flight"] == balance["decoded"]
    assert balance["decoded"] >= len(sender.accepted)
