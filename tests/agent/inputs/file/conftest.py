"""An agent for a test, closed behind it."""

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
