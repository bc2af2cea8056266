"""Promises 1 and 2 through both real processes: killed again and again, every line is in the store exactly once."""

import json
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from support.running import Daemon, free_port, listening, totals, wait_until, whodid, whodid_agent


def make_lines(count: int, seed: int) -> list[str]:
    """Audit lines of which many are equal and some have no time."""
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
    return lines


def stored_lines(store: Path, folder: Path) -> tuple[Counter[str], int]:
    """How often each original line stands in the store, and how many ids there are."""
    out = folder / "out.ndjson"
    whodid("export", "--store", f"sqlite:///{store}", "--format", "ndjson", "--output", str(out), "--force")
    records = [json.loads(line) for line in out.read_text().splitlines()]
    return Counter(record["raw"] for record in records), len({record["id"] for record in records})


@pytest.mark.parametrize(
    ("count", "kills"),
    [pytest.param(40_000, 2, id="short"), pytest.param(300_000, 5, id="long", marks=pytest.mark.slow)],
)
@pytest.mark.timeout(600)
def test_every_line_is_stored_exactly_once_however_often_agent_and_server_are_killed(
    tmp_path: Path, count: int, kills: int
) -> None:
    port, store, log = free_port(), tmp_path / "audit.db", tmp_path / "app.jsonl"
    lines = make_lines(count, seed=count)
    config = tmp_path / "agent.yaml"
    config.write_text(f"target: http://127.0.0.1:{port}\nstate_dir: {tmp_path}/state\ninputs:\n  - file: {log}\n")
    serve = ["serve", "--store", f"sqlite:///{store}", "--listen", f"127.0.0.1:{port}"]
    rng = random.Random(count)
    share = count // (2 * kills)
    with (
        Daemon("whodid", serve, tmp_path / "server.log") as server,
        Daemon("whodid-agent", ["run", "--config", str(config)], tmp_path / "agent.log") as agent,
    ):
        for number, victim in enumerate(rng.sample([agent, server] * kills, 2 * kills)):
            wait_until(listening(port), "the server is up")
            append(log, lines[number * share : (number + 1) * share])
            time.sleep(rng.uniform(0.2, 2.0))  # the kill falls somewhere into the work on what was just written
            victim.kill()
            victim.start()
        wait_until(lambda: settled(config) == count, f"all {count} lines are settled", 300)
        assert agent.stop() == 0
        whodid_agent("run", "--once", "--config", str(config))
    balance = totals(config)
    assert balance["decoded"] == count
    assert balance["indexed"] + balance["duplicate"] == count
    assert balance["in_flight"] == balance["quarantined"] == balance["missed_bytes"] == 0
    stored, ids = stored_lines(store, tmp_path)
    assert stored == Counter(lines)
    assert ids == count


def append(log: Path, lines: list[str]) -> None:
    with log.open("a") as out:
        out.write("".join(f"{line}\n" for line in lines))


def settled(config: Path) -> int:
    balance = totals(config)
    return balance["indexed"] + balance["duplicate"]
