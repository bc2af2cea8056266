"""A full or unwritable disk under the state directory: nothing is lost, one clear line, and on it goes with space."""

import json
import os
import resource
from pathlib import Path

import httpx
import pytest

from support.running import Daemon, free_port, listening, totals, wait_until, whodid, whodid_agent
from support.serving import Server

LINES, POSTS = 3000, 40
ROOM = 12_000
"""Bytes that a file may have: a checkpoint fits, the journal of a full batch does not."""


def test_with_a_full_disk_nothing_is_sent_or_lost_and_space_is_all_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # half a file of it would be left for every later process
    log, port, said = tmp_path / "app.jsonl", free_port(), tmp_path / "agent.log"
    config = tmp_path / "agent.yaml"
    event = {"action": "report.open", "actor": {"id": "u1"}, "timestamp": "2026-05-01T08:00:00Z"}
    posted = {"accepted": 0}

    def post() -> int:
        pad = "x" * 1000
        status = httpx.post(f"http://127.0.0.1:{port}/v1/events", json={**event, "action": "post", "pad": pad})
        posted["accepted"] += status.status_code == 202
        return status.status_code

    with Server(tmp_path) as server:
        inputs = f"[{{file: {log}}}, {{http: '127.0.0.1:{port}'}}]"
        config.write_text(f"target: {server.url}\nstate_dir: {tmp_path}/state\ninputs: {inputs}\n")
        with Daemon("whodid-agent", ["run", "--config", str(config)], said) as agent:
            wait_until(listening(port), "the receiver is up")
            resource.prlimit(agent.pid, resource.RLIMIT_FSIZE, (ROOM, resource.RLIM_INFINITY))
            log.write_text("".join(json.dumps({**event, "n": n}) + "\n" for n in range(LINES)))
            wait_until(lambda: "the journal cannot be written" in said.read_text(), "the agent says what is wrong")
            answers = [post() for _ in range(POSTS)]
            assert {202, 503} == set(answers), answers
            assert count(server) == 0
            resource.prlimit(agent.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            wait_until(lambda: post() == 202, "posts are taken again")
            wait_until(lambda: totals(config)["indexed"] == LINES + posted["accepted"], "everything is stored")
            assert agent.stop() == 0
        assert count(server) == LINES + posted["accepted"]
    assert "Traceback" not in said.read_text()
    assert said.read_text().count(f"the journal cannot be written under {tmp_path}/state: File too large") == 1
    assert totals(config)["in_flight"] == 0


def count(server: Server) -> int:
    return int(whodid("count", "--store", server.store).stdout)


def test_a_state_directory_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    log = tmp_path / "app.jsonl"
    log.write_text("{}\n")
    where = Path("/proc/whodid") if os.geteuid() == 0 else tmp_path / "mine"
    if where.parent == tmp_path:
        where.mkdir(mode=0o500)
    done = whodid_agent("run", "--once", "--state-dir", str(where), str(log), check=False)
    assert done.returncode != 0
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"whodid-agent: the state directory {where} cannot be used: ")
    assert "--state-dir" in lines[1]
    assert len(lines) == 2
