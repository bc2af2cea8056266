"""The demonstration does what the README promises, and its answers come from the store."""

import contextlib
import csv
import os
import pty
import re
import signal
import subprocess
import urllib.error
from pathlib import Path

import pytest

from support.opensearch.server import Server
from support.running import BIN, clean_environment, wait_until


def run_demo(*arguments: str, home: Path) -> str:
    done = subprocess.run(
        [str(BIN / "whodid"), "demo", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(TMPDIR=str(home)),
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_the_demo_answers_its_questions_and_leaves_nothing_behind(tmp_path: Path) -> None:
    said = run_demo("--exit", home=tmp_path)
    assert "Devi Patel deleted 19 imported rows" in said
    assert "Aisha Karim created broadcast May Newsletter #38" in said
    assert "Aisha Karim scheduled drip Welcome series → Newsletter list" in said
    assert "hourly limit 30k → 50k" in said
    assert re.search(r"delivery +30d +since .*the oldest is 30 days old then", said), "the plan of its retention"
    assert re.search(r"192\.0\.2\.\d", said), "failed sign-ins show where they came from"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_on_opensearch_the_answers_are_the_same_and_nothing_is_left_there(tmp_path: Path, opensearch: Server) -> None:
    said = run_demo("--exit", "--store", opensearch.url, home=tmp_path)
    assert "created index template whodid" in said
    assert "Devi Patel deleted 19 imported rows" in said
    assert "hourly limit 30k → 50k" in said
    assert list(tmp_path.iterdir()) == []
    assert opensearch.request("GET", "/_cat/indices/whodid*,.whodid*?format=json") == []
    with pytest.raises(urllib.error.HTTPError, match="404"):
        opensearch.request("GET", "/_index_template/whodid")


def test_an_opensearch_in_use_is_refused_and_left_as_it_is(tmp_path: Path, opensearch: Server) -> None:
    opensearch.request("PUT", "/whodid-mine/_doc/1", {"mine": True})
    done = subprocess.run(
        [str(BIN / "whodid"), "demo", "--exit", "--store", opensearch.url],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(TMPDIR=str(tmp_path)),
        timeout=60,
    )
    assert (done.returncode, "is in use: it has whodid-mine" in done.stderr) == (2, True), done.stderr
    assert opensearch.request("GET", "/whodid-mine/_doc/1")["_source"] == {"mine": True}


@pytest.mark.slow
def test_a_seed_gives_its_own_data_and_keep_leaves_files_store_and_export(tmp_path: Path) -> None:
    people = []
    for seed in "12":
        run_demo("--exit", "--keep", "--seed", seed, home=tmp_path)
        (folder,) = tmp_path.iterdir()
        assert {"logs", "audit.db", "audit.csv", "agent.yaml"} <= {path.name for path in folder.iterdir()}
        with (folder / "audit.csv").open(newline="") as table:
            rows = list(csv.DictReader(table))
        assert len(rows) > 100
        people.append({row["actor"] for row in rows})
        folder.rename(tmp_path.parent / f"{tmp_path.name}-{seed}")
    assert people[0] != people[1]


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_runs_until_it_is_interrupted_and_cleans_up(tmp_path: Path, how: signal.Signals) -> None:
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [str(BIN / "whodid"), "demo"],
        stdin=child,
        stdout=child,
        stderr=child,
        env=clean_environment(TMPDIR=str(tmp_path)),
    )
    os.close(child)
    os.set_blocking(parent, False)
    said = bytearray()

    def runs_on() -> bool:
        with contextlib.suppress(BlockingIOError):
            said.extend(os.read(parent, 1 << 16))
        return b"Running until Ctrl-C" in said

    try:
        wait_until(runs_on, "the demonstration has answered", 90)
    finally:
        process.send_signal(how)
        assert process.wait(timeout=60) == 0
        os.close(parent)
    assert list(tmp_path.iterdir()) == []
