"""The query guide's transcripts: read from the page, run, and written anew.

    ```console
    $ whodid count --verb delete        a command as typed; lines that end with a backslash go on
    3                                   what it printed, standard error included
    ```

`cd tests && ../.venv/bin/python -m support.guide` runs all of them on a file of its own and puts what they print into
the page. What differs from one machine or run to the next is written as ‹name›.
"""

import contextlib
import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from support.asking import ask
from support.running import BIN, clean_environment, whodid_agent
from support.serving import Server

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guide.md"
EVENTS = ROOT / "tests" / "scenarios" / "workflows"

_PART = re.compile(r"^###? (?P<title>[^\n]*)$|^```console\n(?P<block>.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (?P<command>(?:.*\\\n)*.*)\n(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)

_VARYING = (
    ("moment", re.compile(r"(?<=  received      )\S+|(?<=\| made \| )[-\d]+ [:\d]+")),
    ("agent", re.compile(r"(?<=  agent         )\S+")),
    ("host", re.compile(r"(?<=  host          )\S+")),
    ("rules", re.compile(r"(?<=  rules         )\S+")),
    ("store", re.compile(r"(?<=\| store \| ).*(?= \|$)", re.MULTILINE)),
    ("you", re.compile(r"(?<= by )\S+@\S+(?=, whodid )")),
    ("version", re.compile(r"(?<=, whodid )\d+\.\d+\.\w+")),
)
"""By name, what is printed and cannot be known beforehand."""


class Step(NamedTuple):
    """A command as typed, and what the page says it prints."""

    command: str
    output: str


def chapters(page: str) -> dict[str, list[Step]]:
    """The commands under each heading, in order; what looks like a heading within a transcript is none."""
    found: dict[str, list[Step]] = {}
    title = ""
    for part in _PART.finditer(page):
        title = part["title"] or title
        found.setdefault(title, []).extend(Step(*match.groups()) for match in _COMMAND.finditer(part["block"] or ""))
    return found


def in_shell(command: str, store: str, folder: Path) -> str:
    """What the command prints in a shell at `folder`, which is its home too, with the varying parts named."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=_environment(store, folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return _named(done.stdout, folder)


def in_process(command: str, store: str, folder: Path) -> str:
    """As `in_shell`, but a plain `whodid …` runs inside this process, which spares its start."""
    words = shlex.split(command)
    if words[0] != "whodid" or "|" in words:
        return in_shell(command, store, folder)
    with mock.patch.dict(os.environ, _environment(store, folder), clear=True), contextlib.chdir(folder):
        answer = ask(*words[1:])
    return _named(answer.text + answer.err, folder)


def _environment(store: str, folder: Path) -> dict[str, str]:
    return clean_environment(
        PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}",
        HOME=str(folder),
        XDG_CONFIG_HOME=str(folder / ".config"),
        WHODID_BOOKMARKS=str(folder / "bookmarks"),
        WHODID_STORE=store,
        LC_ALL="C.UTF-8",
        TZ="UTC",
    )


def _named(output: str, folder: Path) -> str:
    output = output.replace(str(folder), "~")
    for name, pattern in _VARYING:
        output = pattern.sub(f"‹{name}›", output)
    return re.sub(r"[ \t]+$", "", output, flags=re.MULTILINE)


def deliver(url: str, folder: Path) -> None:
    """Send the guide's events through a real agent to the store at `url`."""
    configuration = folder / "agent.yaml"
    text = (EVENTS / "agent.yaml").read_text(encoding="utf-8")
    configuration.write_text(text.replace("tests/scenarios/workflows", str(EVENTS)), encoding="utf-8")
    whodid_agent("run", "--once", "--config", str(configuration), "--state-dir", str(folder / "agent"), "--target", url)


@contextlib.contextmanager
def on_file(folder: Path) -> Iterator[str]:
    """A file with the guide's records, written by a server that has ended; its store URL."""
    with Server(folder) as server:
        deliver(server.url, folder)
    yield server.store


def rewrite(page: str, store: str, folder: Path) -> str:
    """The page with what its commands print now."""

    def again(match: re.Match[str]) -> str:
        return f"$ {match['command']}\n{in_shell(match['command'], store, folder)}"

    return _PART.sub(lambda part: _COMMAND.sub(again, part[0]) if part["block"] else part[0], page)


def main() -> None:
    """Write the page anew."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "store").mkdir()
        (place / "home").mkdir()
        with on_file(place / "store") as store:
            PAGE.write_text(rewrite(PAGE.read_text(encoding="utf-8"), store, place / "home"), encoding="utf-8")


if __name__ == "__main__":
    main()
