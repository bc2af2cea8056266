"""Promises 1 and 2 through both real processes: killed again and again, every line is in the store exactly once."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from support.running import Daemon, free_port, listening, totals, wait_until, whodid, whodid_agent


def write_lines(path: Path, count: int, seed: int) -> Counter[str]:
    """Audit lines of which many are equal and some have no time; how often each stands in the file."""
    rng = random.Random(seed)
    lines: list[str] = []
    for number in range(count):
        if number and rng.random() < 0.2:
            lines.append(rng.choice(lines[-50:]))
            continue
        event = {
            "action": rng.choice(["user.update", "user.login", "report.export"]),
            "actor": {"type": "user", "id": f"u{rng.randrange(50)}"},
            "target": {"type": "report", "id": str(number)},
        }
        if rng.random() < 0.8:
            event["timestamp"] = (
                f"2026-05-{rng.randrange(1, 29):02d}T10:{rng.randrange(60):02d}:{rng.randrange(60):02d}Z"
            )
        lines.append(json.dumps(event))
    path.write_text("\n".join(lines) + "\n")
    return Counter(lines)


def stored_lines(store: Path, folder: Path) -> tuple[Counter[str], int]:
    """How often each original line stands in the store, and how many ids there are."""
    out = folder / "out.ndjson"
    whodid("export", "--store", f"sqlite:///{store}", "--format", "ndjson", "--output", str(out), "--force")
    records = [json.loads(line) for line in out.read_text().splitlines()]
    return Counter(record["raw"] for record in records), len({record["id"] for record in records})


@pytest.mark.parametrize(
    ("count", "kills"),
    [pytest.param(20_000, 2, id="short"), pytest.param(300_000, 5, id="long", marks=pytest.mark.slow)],
)
@pytest.mark.timeout(600)
def test_every_line_is_stored_exactly_once_however_often_agent_and_server_are_killed(
    tmp_path: Path, count: int, kills: int
) -> None:
    port, store, log = free_port(), tmp_path / "audit.db", tmp_path / "app.jsonl"
    written = write_lines(log, count, seed=count)
    config = tmp_path / "agent.yaml"
    config.write_text(f"target: http://127.0.0.1:{port}\nstate_dir: {tmp_path}/state\ninputs:\n  - file: {log}\n")
    serve = ["serve", "--store", f"sqlite:///{store}", "--listen", f"127.0.0.1:{port}"]
    rng = random.Random(count)
    with (
        Daemon("whodid", serve, tmp_path / "server.log") as server,
        Daemon("whodid-agent", ["run", "--config", str(config)], tmp_path / "agent.log") as agent,
    ):
        for victim in rng.sample([agent, server] * kills, 2 * kills):
            wait_until(listening(port), "the server is up")
            wait_until_it_moves(config, count // (3 * kills))
            victim.kill()
            victim.start()
        wait_until(lambda: settled(config) == count, f"all {count} lines are settled", 300)
        assert agent.stop() == 0
        done = whodid_agent("run", "--once", "--config", str(config))
        assert done.returncode == 0
    balance = totals(config)
    assert balance["decoded"] == count
    assert balance["indexed"] + balance["duplicate"] == count
    assert balance["in_flight"] == balance["quarantined"] == balance["missed_bytes"] == 0
    stored, ids = stored_lines(store, tmp_path)
    assert stored == written
    assert ids == count


def settled(config: Path) -> int:
    balance = totals(config)
    return balance["indexed"] + balance["duplicate"]


def wait_until_it_moves(config: Path, by: int) -> None:
    """Until about `by` more lines are settled, or all are: the next kill falls into the middle of the work."""
    try:
        start = settled(config)
    except AssertionError:  # the agent has not made its state yet
        start = 0
    wait_until(lambda: settled(config) >= start + min(by, 2000), "the agent gets on")
