"""Promises 1 and 2 at the agent: killed at random moments, throttled and cut off, every line arrives exactly once.

The store is a real socket that keeps what it takes by id; the recount shares nothing with the agent.
"""

import json
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from support.bulk_target import Fault, Item, Script, Target
from support.running import Daemon, totals, wait_until, whodid_agent


def lines_of(count: int, rng: random.Random) -> list[str]:
    """Lines of which many are equal, some timeless, some broken."""
    lines: list[str] = []
    for number in range(count):
        chance = rng.random()
        if chance < 0.2 and number:
            lines.append(rng.choice(lines[-40:]))
        elif chance < 0.201:
            lines.append(f'{{"action": "broken {number}')
        else:
            event = {
                "action": "user.update",
                "actor": {"id": f"u{number % 60}"},
                "target": {"type": "doc", "id": str(number)},
            }
            if chance < 0.8:
                event["timestamp"] = f"2026-05-01T10:{number // 60 % 60:02d}:{number % 60:02d}Z"
            lines.append(json.dumps(event))
    return lines


def append(path: Path, lines: list[str]) -> None:
    with path.open("a") as file:
        file.write("".join(line + "\n" for line in lines))


def hostile(rng: random.Random) -> Script:
    """Every kind of trouble a store gives, in turn and by chance; most requests pass."""
    troubles = [
        lambda: Fault(429, {"retry-after": "0"}),
        lambda: Fault(503),
        lambda: Fault(cut=True),
        lambda: Fault(drop_item=True),
        lambda: Fault(body=b"{}"),
        lambda: Fault(413),
        lambda: Fault(items=lambda item: (429, "es_rejected_execution_exception") if rng.random() < 0.3 else None),
        lambda: Fault(items=lambda item: (403, "cluster_block_exception") if rng.random() < 0.01 else None),
    ]

    def script(items: list[Item], number: int) -> Fault | None:
        time.sleep(0.02)
        return rng.choice(troubles)() if rng.random() < 0.35 else None

    return script


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_line_arrives_once_though_the_agent_is_killed_and_the_store_is_hostile(tmp_path: Path) -> None:
    count, kills, seed = 60_000, 25, 2
    rng = random.Random(seed)
    log, state = tmp_path / "app.jsonl", tmp_path / "state"
    lines = lines_of(count, rng)
    written = Counter(lines)
    portion = count // (kills + 1) + 1
    config = tmp_path / "agent.yaml"
    with Target(hostile(random.Random(seed))) as target:
        config.write_text(f"target: {target.url}\nstate_dir: {state}\ninputs: [{{file: {log}}}]\n")
        with Daemon("whodid-agent", ["run", "--config", str(config)], tmp_path / "agent.log") as agent:
            for number in range(kills):
                append(log, lines[number * portion : (number + 1) * portion])
                reached = len(target.requests) + rng.randrange(1, 4)
                end = time.monotonic() + (
                    4 if number else 30
                )  # the first may not come before there is a state to ask for
                while len(target.requests) < reached and time.monotonic() < end:
                    time.sleep(0.005)
                time.sleep(rng.random() * 0.05)
                agent.kill()
                balance = totals(config)
                assert balance["decoded"] == sum(balance.values()) - balance["decoded"] - balance["missed_bytes"]
                agent.start()
            append(log, lines[kills * portion :])
            target.script = lambda items, number: None
            wait_until(lambda: totals(config)["decoded"] == count, "everything is read")
            assert agent.stop() == 0
        done = whodid_agent("run", "--once", "--config", str(config), check=False)
    broken = sum(times for line, times in written.items() if "broken" in line)
    assert done.returncode == (5 if broken else 0), done.stderr
    good = Counter({line: times for line, times in written.items() if "broken" not in line})
    assert Counter(record["raw"] for record in target.stored.values()) == good
    assert len(target.stored) == good.total()
    aside = [json.loads(line) for path in (state / "quarantine").iterdir() for line in path.read_text().splitlines()]
    assert Counter(entry["line"] for entry in aside) == written - good
    balance = totals(config)
    assert balance["decoded"] == count
    assert balance["indexed"] + balance["duplicate"] == good.total()
    assert (balance["quarantined"], balance["in_flight"], balance["missed_bytes"]) == (broken, 0, 0)
