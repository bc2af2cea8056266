"""The query guide is true: each of its commands prints what the page shows, on a file and on OpenSearch."""

import difflib
from itertools import chain
from pathlib import Path

import pytest

from support.guide import PAGE, chapters, deliver, in_process, on_file
from support.opensearch.server import Server as OpenSearch
from support.running import whodid


def differences(store: str, home: Path) -> str:
    """Where the commands of the page print something else, as a diff a person can read."""
    home.mkdir()
    said: list[str] = []
    for step in chain(*chapters(PAGE.read_text(encoding="utf-8")).values()):
        printed = in_process(step.command, store, home)
        if printed != step.output:
            lines = difflib.unified_diff(step.output.splitlines(), printed.splitlines(), "page", "printed", lineterm="")
            said += [f"$ {step.command}", *lines]
    return "\n".join(said)


AGAIN = "if what is printed now is right: cd tests && ../.venv/bin/python -m support.guide"


def test_every_command_of_the_guide_prints_what_the_page_shows_on_a_file(tmp_path: Path) -> None:
    with on_file(tmp_path) as store:
        different = differences(store, tmp_path / "home")
    assert not different, f"{different}\n{AGAIN}"


def test_every_command_of_the_guide_prints_the_same_on_opensearch(tmp_path: Path, opensearch: OpenSearch) -> None:
    whodid("setup", "--store", opensearch.url)
    deliver(opensearch.url, tmp_path)
    opensearch.request("POST", "/whodid*/_refresh")
    different = differences(opensearch.url, tmp_path / "home")
    assert not different, f"{different}\n{AGAIN}"


@pytest.mark.parametrize(
    "chapter",
    [
        *("1. Signal", "2. Filter", "3. Trace", "4. Export", "5. Hand over"),
        *("Accountability", "Troubleshooting", "Security review", "Compliance"),
    ],
)
def test_each_workflow_and_each_use_has_a_transcript(chapter: str) -> None:
    named = {title.partition(":")[0]: steps for title, steps in chapters(PAGE.read_text(encoding="utf-8")).items()}
    assert named[chapter]
    assert all(step.output for step in named[chapter])


def test_the_guide_shows_no_command_that_failed() -> None:
    for step in chain(*chapters(PAGE.read_text(encoding="utf-8")).values()):
        assert not any(sign in step.output for sign in ("Traceback", "Usage:", "whodid: ")), step.command
