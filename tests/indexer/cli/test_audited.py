"""Whoever asks at the command line is in the store afterwards; what leaves a store that cannot record it is refused."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from support.asking import ask
from support.serving import make
from whodid_indexer.store.base import Item
from whodid_indexer.store.sqlite import SqliteStore
from whodid_schema.meta import default_meta
from whodid_schema.record import encode


@pytest.fixture
def store(tmp_path: Path) -> str:
    path = tmp_path / "audit.db"
    SqliteStore.setup(path, default_meta(datetime.now(UTC)))
    writer = SqliteStore(path)
    records = [make(number) for number in range(9)]
    writer.create([Item("whodid-activity", record.id or "", encode(record)) for record in records])
    writer.close()
    return f"sqlite://{path}"


def own(store: str) -> list[dict[str, object]]:
    """What whodid has recorded of its own use, oldest first, but for this question."""
    answer = ask("search", "--store", store, "--surface", "audit", "--format", "ndjson", "--oldest-first")
    assert answer.code == 0
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.fixture
def locked(store: str) -> Iterator[str]:
    """A store that somebody else's right to write keeps: its own file says so to SQLite."""
    path = Path(store.removeprefix("sqlite://"))

    holder = apsw.Connection(str(path))
    holder.execute("BEGIN IMMEDIATE")
    yield store
    holder.execute("ROLLBACK")
    holder.close()


@pytest.mark.parametrize(
    ("command", "action"),
    [
        (["search", "--actor", "Ana Ruiz"], "search"),
        (["count", "--actor", "Ana Ruiz"], "count"),
        (["facets", "--actor", "Ana Ruiz"], "facets"),
        (["stats", "--actor", "Ana Ruiz"], "stats"),
        (["tail", "--no-follow", "--actor", "Ana Ruiz"], "tail"),
        (["report", "incident", "--actor", "Ana Ruiz"], "report"),
        (["export", "--actor", "Ana Ruiz"], "export"),
    ],
)
def test_every_question_is_recorded_with_who_asked_and_what(store: str, command: list[str], action: str) -> None:
    assert ask(*command, "--store", store).code == 0
    (event,) = own(store)
    assert event["action"] == f"whodid.{action}"
    assert event["metadata"]["question"] == 'actor:"Ana Ruiz" -surface:audit'  # type: ignore[index]  # an object
    assert event["actor"]["id"] == str(os.getuid())  # type: ignore[index]  # as above


def test_a_record_that_was_looked_at_is_named(store: str) -> None:
    identity = make(3).id or ""
    assert ask("show", identity, "--store", store).code == 0
    (event,) = own(store)
    assert event["target"] == {"type": "record", "id": identity}


def test_asking_the_same_again_is_the_same_event(store: str) -> None:
    for _ in range(3):
        assert ask("count", "--store", store).text == "9\n"
    assert len(own(store)) in (1, 2)  # two where five minutes ended in between


def test_what_whodid_records_of_itself_is_not_found_unasked(store: str) -> None:
    ask("search", "--store", store)
    assert ask("count", "--store", store).text == "9\n"
    assert ask("count", "--store", store, "--app", "whodid").text == "2\n"
    assert "whodid" not in ask("export", "--store", store).text


def run(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command in a process of its own, with something done to it first."""
    code = (
        f"{script}\nimport sys\nfrom whodid_indexer.cli.main import main\nsys.argv = ['whodid', *sys.argv[1:]]\nmain()"
    )
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


IMPATIENT = """
from whodid_indexer.store.sqlite import connect
from whodid_indexer.cli import audited
connect.BUSY_MS = audited.PATIENCE_MS = 50
"""


def test_a_search_that_cannot_be_recorded_is_answered_and_says_so(locked: str) -> None:
    done = run(IMPATIENT, "count", "--store", locked)
    assert (done.returncode, done.stdout) == (0, "9\n")
    assert "is not recorded" in done.stderr


def test_an_export_that_cannot_be_recorded_is_refused_and_leaves_nothing(locked: str, tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    done = run(IMPATIENT, "export", "--store", locked, "-o", str(file))
    assert done.returncode == 3
    assert "--unrecorded" in done.stderr
    assert not list(tmp_path.glob("all.csv*"))


def test_an_unrecorded_export_says_so_in_its_manifest(locked: str, tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    done = run(IMPATIENT, "export", "--unrecorded", "--store", locked, "-o", str(file))
    assert done.returncode == 0
    assert json.loads((tmp_path / "all.csv.manifest.json").read_text())["recorded"] is False


def test_a_recorded_export_says_so_in_its_manifest(store: str, tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    assert ask("export", "--store", store, "-o", str(file)).code == 0
    assert json.loads((tmp_path / "all.csv.manifest.json").read_text())["recorded"] is True
