"""An agent for a test, closed behind it."""

import ctypes
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.inputs.file.tailing import Agent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The configured file."""
    return tmp_path / "a.jsonl"


@pytest.fixture
def tail(path: Path) -> Iterator[Callable[..., Agent]]:
    """Makes agents on `path`, or on other patterns."""
    agents: list[Agent] = []

    def make(*patterns: Path | str, **options: object) -> Agent:
        agents.append(Agent(*(patterns or [path]), **options))
        return agents[-1]

    yield make
    for agent in agents:
        agent.source.close()


@pytest.fixture
def own() -> Iterator[Path]:
    """A folder of an ordinary user, as whom this thread looks at files, so that rights mean something to root too."""
    nobody = 65534
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() != 0:
            yield Path(folder)
            return
        os.chown(folder, nobody, nobody)
        act_as = ctypes.CDLL(None).setfsuid
        act_as(nobody)
        try:
            yield Path(folder)
        finally:
            act_as(0)
