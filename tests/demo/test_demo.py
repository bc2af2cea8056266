"""The demonstration does what the README promises, and its answers come from the store."""

import contextlib
import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import pytest

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
    assert re.search(r"192\.0\.2\.\d", said), "failed sign-ins show where they came from"
    assert list(tmp_path.iterdir()) == []


def test_another_seed_gives_other_data(tmp_path: Path) -> None:
    answers = [
        re.sub(r"/\S+|\d\d:\d\d:\d\d|:\d{4,5}", "", run_demo("--exit", "--seed", seed, home=tmp_path)) for seed in "12"
    ]
    assert answers[0] != answers[1]


def test_keep_leaves_files_store_and_export(tmp_path: Path) -> None:
    run_demo("--exit", "--keep", home=tmp_path)
    (folder,) = tmp_path.iterdir()
    assert {"logs", "audit.db", "audit.csv", "agent.yaml"} <= {path.name for path in folder.iterdir()}
    assert (folder / "audit.csv").read_bytes().count(b"\n") > 100


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
