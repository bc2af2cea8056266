"""`whodid export` as people use it: files, manifests, progress, Ctrl-C, closed pipes, and memory that stays flat."""

import csv
import gzip
import hashlib
import io
import json
import os
import pty
import re
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.asking import ask
from support.records import item
from support.running import BIN, clean_environment, wait_until
from support.serving import Server, make
from whodid_indexer.store.sqlite import SqliteStore
from whodid_schema.meta import default_meta

MEMORY = 150 << 20
"""Bytes that an export may hold, whatever its size."""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with more in it than an export may hold: 2,000 records of 90 KB."""
    path = tmp_path_factory.mktemp("large") / "audit.db"
    SqliteStore.setup(path, default_meta(datetime(2026, 1, 1, tzinfo=UTC)))
    store = SqliteStore(path)
    for start in range(0, 2_000, 500):
        store.create([item(make(number, raw=f"{number:09}" * 10_000)) for number in range(start, start + 500)])
    store.close()
    return f"sqlite://{path}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WHODID_BOOKMARKS", str(tmp_path / "state"))
    return tmp_path


def _measured(*arguments: str) -> tuple[int, int]:
    """The exit code and the most memory of a `whodid`, in bytes.

    Looked at while it runs: what wait4 tells begins with the memory of the process that started it.
    """
    process = subprocess.Popen(
        [str(BIN / "whodid"), *arguments], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=clean_environment()
    )
    most = 0
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)  # none is there in the moment of its end
        most = max(most, int(found[1]) * 1024 if found else 0)
        time.sleep(0.01)
    return process.returncode, most


@pytest.mark.parametrize("name", ["a.ndjson", pytest.param("a.csv.gz", marks=pytest.mark.slow)])
def test_memory_stays_flat_at_any_size(large: str, folder: Path, name: str) -> None:
    code, most = _measured("export", "--store", large, "-o", name, *(["--columns", "raw"] if "csv" in name else []))
    assert code == 0
    size = json.loads((folder / f"{name}.manifest.json").read_text())["rows"] * 90_000
    assert size > MEMORY > most


def test_through_a_server_too(large: str, folder: Path) -> None:
    file = Path(large.removeprefix("sqlite://"))
    with Server(file.parent) as server:
        code, most = _measured("export", "--store", server.url, "-o", "a.ndjson")
    assert code == 0
    assert most < MEMORY
    assert (folder / "a.ndjson").stat().st_size > MEMORY


def test_ctrl_c_is_130_and_the_export_goes_on_where_it_was(large: str, folder: Path) -> None:
    asked = ("export", "--store", large, "--format", "ndjson")
    process = subprocess.Popen(
        [str(BIN / "whodid"), *asked, "-o", "a.ndjson"], stderr=subprocess.PIPE, text=True, env=clean_environment()
    )
    wait_until(lambda: (folder / ".a.ndjson.part").exists() and (folder / ".a.ndjson.part").stat().st_size > 0, "rows")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "go on with: whodid export --resume -o a.ndjson" in said
    assert not (folder / "a.ndjson").exists()
    again = ask("export", "--resume", "-o", "a.ndjson", "--store", large)
    assert again.code == 0
    assert "going on behind row" in again.err
    ask(*asked, "-o", "whole.ndjson")
    digests = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("a.ndjson", "whole.ndjson")]
    assert digests[0] == digests[1]
    assert ask("export", "--verify", "a.ndjson").code == 0


def test_a_kill_leaves_an_export_that_goes_on(large: str, folder: Path) -> None:
    process = subprocess.Popen(
        [str(BIN / "whodid"), "export", "--store", large, "-o", "a.csv"], env=clean_environment()
    )
    wait_until((folder / ".a.csv.part.json").exists, "the export to begin")
    process.kill()
    process.wait(60)
    answer = ask("export", "--store", large, "--resume", "-o", "a.csv")
    assert answer.code == 0
    rows = list(csv.DictReader(io.StringIO((folder / "a.csv").read_text(), newline="")))
    assert [row["id"] for row in rows] == [make(number).id for number in range(2_000)]


def test_on_a_terminal_progress_is_shown_and_away_from_one_nothing(large: str, folder: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(BIN / "whodid"), "export", "--store", large, "-o", "a.ndjson"], stderr=theirs, env=clean_environment()
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # how Linux says that the other side is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.wait(60) == 0
    assert shown.count(b"2,000 rows") > 1  # the progress too; how often, is the machine's affair
    assert shown.endswith(b"2,000 rows in a.ndjson\r\n")
    quiet = ask("export", "--store", large, "-o", "b.ndjson")
    assert quiet.err == "2,000 rows in b.ndjson\n"


def test_asked_for_progress_is_told_in_lines(server: Server, folder: Path) -> None:
    answer = ask("export", "--store", server.store, "--app", "shop", "-o", "a.csv", "--progress")
    assert answer.err == "30 rows\n30 rows in a.csv\n"


def test_a_name_says_the_format_and_the_compression(server: Server, folder: Path) -> None:
    asked = ("export", "--store", server.store, "--app", "shop")
    plain = ask(*asked, "--format", "ndjson").out
    for name in ("a.ndjson", "a.jsonl", "a.ndjson.gz"):
        assert ask(*asked, "-o", name).code == 0
        content = (folder / name).read_bytes()
        assert (gzip.decompress(content) if name.endswith("gz") else content) == plain
    assert gzip.decompress(ask(*asked, "--gzip").out) == ask(*asked).out
    assert (folder / "a.jsonl.manifest.json").exists()


def test_excel_gets_a_mark_and_times_it_can_read(server: Server, folder: Path) -> None:
    answer = ask(
        "export", "--store", server.store, "--app", "shop", "--excel", "--tz", "Europe/Paris", "--columns", "time"
    )
    lines = answer.out.decode("utf-8-sig").split("\r\n")
    assert answer.out.startswith(b"\xef\xbb\xbf")
    assert lines[0] == "time (Europe/Paris)"
    assert datetime.strptime(lines[1], "%Y-%m-%d %H:%M:%S") == datetime(2025, 11, 24, 17)  # noqa: DTZ001, DTZ007


def test_a_daily_export_holds_what_is_new(folder: Path) -> None:
    with Server(folder) as server:
        for day, numbers in enumerate(([5, 6], [1], [], [900])):
            if numbers:
                server.create(map(make, numbers))
            asked = ["export", "--store", server.url, "--since-last", "siem", "-o", f"{day}.ndjson"]
            assert ask(*asked, *(["--app", "shop"] if day == 3 else [])).code == 0
            lines = (folder / f"{day}.ndjson").read_text().splitlines()
            assert [json.loads(line)["id"] for line in lines] == [make(number).id for number in numbers]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--resume"], "-o FILE"),
        (["--since-last", "x"], "-o FILE"),
        (["--since-last", "x", "-o", "a", "--resume"], "made anew by itself"),
        (["--since-last", "x", "-o", "a", "--oldest-first"], "order of arrival"),
        (["--since-last", "../x", "-o", "a"], "no name for a bookmark"),
        (["--format", "ndjson", "--columns", "time"], "whole record"),
        (["-o", "a.ndjson", "--excel"], "whole record"),
        (["--columns", "client.user_agnet"], "did you mean 'client.user_agent'?"),
        (["--verify", "nothing.csv"], "is not there"),
    ],
)
def test_what_is_wrong_is_said(server: Server, folder: Path, flags: list[str], said: str) -> None:
    answer = ask("export", "--store", server.store, *flags)
    assert (answer.code, answer.out) == (2, b"")
    assert said in answer.err
    assert not list(folder.glob("a*"))


def test_the_password_in_a_stores_url_is_nowhere_in_a_file(server: Server, folder: Path) -> None:
    url = server.url.replace("http://", "http://ana:hunter22@")
    answer = ask("export", "--store", url, "--app", "shop", "-o", "a.csv", "--since-last", "siem")
    assert answer.code in (0, 2), answer.err
    for path in folder.rglob("*"):
        if path.is_file():
            assert b"hunter22" not in path.read_bytes(), path


def test_the_rate_is_that_of_the_rows_written_now(monkeypatch: pytest.MonkeyPatch) -> None:
    from whodid_indexer.cli.progress import Progress  # noqa: PLC0415  its clock is ours here
    from whodid_indexer.export.run import Asked  # noqa: PLC0415
    from whodid_indexer.query.model import ALL  # noqa: PLC0415

    now = [0.0]
    said: list[str] = []
    progress = Progress(shown=True, clock=lambda: now[0])
    monkeypatch.setattr(progress, "_line", said.append)
    progress.begins(Asked(ALL, "", "csv", "", "UTC", promised=(4000, 4000)), 1000)
    for seconds, rows in ((0.1, 1100), (1.0, 2000), (1.2, 2200), (2.0, 3000)):
        now[0] = seconds
        progress.rows(rows)
    assert said == ["2,000 of 4,000 rows, 1,000 a second", "3,000 of 4,000 rows, 1,000 a second"]
