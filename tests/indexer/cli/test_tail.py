"""`whodid tail`: nothing twice, nothing left out, over a restart of the server too."""

import json
import subprocess
import threading
from pathlib import Path

import pytest

from support.asking import ask
from support.running import BIN, clean_environment, wait_until
from support.serving import Server, make
from whodid_indexer.cli.tail import feed
from whodid_indexer.query.model import ALL, AuditQuery, Term
from whodid_indexer.query.own import without_own
from whodid_indexer.store.base import Found, Page
from whodid_indexer.store.remote import RemoteStore

EVERYTHING = without_own(ALL)
"""As the command asks: the server records these very questions."""


class Tail:
    """`whodid tail --format ndjson` as a process, its lines as they come."""

    def __init__(self, *arguments: str) -> None:
        self.ids: list[str] = []
        self.process = subprocess.Popen(
            [str(BIN / "whodid"), "tail", "--format", "ndjson", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean_environment(),
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.ids.append(json.loads(line)["id"])

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(2)
        code = self.process.wait(20)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def numbers(*several: int) -> list[str]:
    return [str(make(number).id) for number in several]


def test_tail_shows_the_newest_then_everything_that_arrives_once(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.create(make(number) for number in range(100, 120))
        tail = Tail("--store", server.store, "-n", "3")
        wait_until(lambda: len(tail.ids) == 3, "the newest three", 20)
        for start in range(0, 90, 30):
            server.create(make(number) for number in range(start, start + 30))
        wait_until(lambda: len(tail.ids) >= 93, "the ninety that arrived", 20)
        assert tail.interrupt() == 130
    assert tail.ids == numbers(102, 101, 100, *range(90))


class Racing(RemoteStore):
    """A reader during whose first search more records arrive."""

    def __init__(self, server: Server) -> None:
        super().__init__(server.url)
        self._server = server
        self._raced = False

    def search(self, query: AuditQuery, page: Page) -> Found:
        """As the store's, after an arrival."""
        if not self._raced:
            self._raced = True
            self._server.create([make(2)])
        return super().search(query, page)


@pytest.mark.parametrize("query", [EVERYTHING, AuditQuery(terms=(Term("actor", ("Marcus Wei",)),))])
def test_what_arrives_while_the_newest_are_looked_up_is_shown_once(tmp_path: Path, query: AuditQuery) -> None:
    with Server(tmp_path) as server:
        server.create([make(5)])
        reader = Racing(server)
        batches = feed(reader, query, 10, 0.01)
        first = [json.loads(body)["id"] for body in next(batches)]
        server.create(make(number) for number in range(8, 12))
        further = [json.loads(body)["id"] for body in next(batches)]
        reader.close()
    assert first == numbers(5, 2)
    assert further == (numbers(8, 9, 10, 11) if query == EVERYTHING else numbers(8, 11))


def test_tail_goes_on_where_it_was_after_the_server_came_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Server(tmp_path) as server:
        port = server.url.rpartition(":")[2]
        reader = RemoteStore(server.url)
        batches = feed(reader, EVERYTHING, 0, 0.05)
        assert next(batches) == []
        server.create([make(1)])
        assert len(next(batches)) == 1
        server.daemon.kill()
        server.daemon._command[server.daemon._command.index("127.0.0.1:0")] = f"127.0.0.1:{port}"
        got: list[list[bytes]] = []
        waiting = threading.Thread(target=lambda: got.append(next(batches)))
        waiting.start()
        server.start()
        server.create([make(2)])
        waiting.join(20)
        reader.close()
    assert [json.loads(body)["id"] for body in got[0]] == numbers(2)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[0].endswith("; waiting")
    assert said[1] == "the store answers again"


def test_a_filter_means_of_what_arrives_what_it_means_of_what_is_there(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        reader = RemoteStore(server.url)
        query = AuditQuery(
            since=1_764_000_000_000_000 - 9_000_000,
            terms=(Term("ip", ("203.0.113.0/29",)), Term("actor", ("Ana Ruiz",), negated=True)),
        )
        batches = feed(reader, query, 0, 0.01)
        assert next(batches) == []
        server.create(make(number) for number in range(20))
        arrived = [json.loads(body)["id"] for body in next(batches)]
        there = [json.loads(body)["id"] for body in reader.search(query, Page(limit=100)).records]
        reader.close()
    assert arrived == there == numbers(1, 2, 4, 5, 7)


def test_late_events_are_shown_when_they_arrive(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.create([make(0)])
        tail = Tail("--store", server.url, "-n", "1")
        wait_until(lambda: len(tail.ids) == 1, "the newest", 20)
        server.create([make(90_000), make(5)])
        wait_until(lambda: len(tail.ids) == 3, "the late ones", 20)
        assert tail.interrupt() == 130
    assert tail.ids == numbers(0, 90_000, 5)


def test_where_nothing_matches_and_nothing_is_waited_for_it_says_so(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.create([make(1)])
        assert ask("tail", "--store", server.url, "--app", "nobody", "--no-follow").err == "nothing matches\n"
        assert ask("stats", "--store", server.url, "--app", "shop").err.startswith("1 record of ")


def test_a_reader_that_goes_ends_it_though_nothing_arrives(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.create([make(1)])
        with subprocess.Popen(
            [str(BIN / "whodid"), "tail", "--store", server.url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(),
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline()
            process.stdout.close()
            assert process.wait(20) == 1
            assert process.stderr.read() == b""
