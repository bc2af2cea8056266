"""Nobody holds the server up: not who never ends a body, nor who asks for what takes long."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from starlette.requests import Request
from starlette.types import Message

from whodid_indexer.access.caller import OPEN, enter
from whodid_indexer.api.bodies import TooSlow, pieces
from whodid_indexer.api.problem import status_of
from whodid_indexer.api.readers import AT_ONCE, MOST, Readers
from whodid_indexer.ingest.budget import Overloaded
from whodid_indexer.query.model import ALL
from whodid_indexer.store.base import Reader
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_schema.meta import default_meta


def test_a_body_that_stops_in_the_middle_is_not_waited_for() -> None:
    sent = [{"type": "http.request", "body": b"one", "more_body": True}]

    async def receive() -> Message:
        if not sent:
            await anyio.sleep_forever()
        return sent.pop()

    async def read() -> None:
        arriving = pieces(Request({"type": "http", "method": "POST"}, receive), stalled=0.05)
        assert await anext(arriving) == b"one"
        with pytest.raises(TooSlow) as caught:
            await anext(arriving)
        assert status_of(caught.value) == 408

    anyio.run(read)


def test_a_body_that_comes_in_pieces_is_read_to_its_end() -> None:
    sent = [{"type": "http.request", "body": bytes([65 + n]), "more_body": n > 0} for n in range(3)]

    async def receive() -> Message:
        return sent.pop()

    async def read() -> bytes:
        request = Request({"type": "http", "method": "POST"}, receive)
        return b"".join([piece async for piece in pieces(request)])

    assert anyio.run(read) == b"CBA"


@pytest.fixture
def readers(tmp_path: Path) -> Readers:
    path = tmp_path / "audit.db"
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    return Readers(lambda: SqliteReader(path))


def test_heavy_questions_leave_places_to_the_others(readers: Readers) -> None:
    release = threading.Event()

    def slow(_reader: Reader) -> bool:
        return release.wait(20)

    async def ask() -> int:
        enter(OPEN)
        async with anyio.create_task_group() as tasks:
            for _ in range(3 * AT_ONCE):
                tasks.start_soon(lambda: readers.ask(slow, heavy=True))
            await anyio.sleep(0.1)
            with anyio.fail_after(5):
                answer = await readers.ask(lambda reader: reader.count(ALL))
            release.set()
        return answer

    assert anyio.run(ask) == 0


def test_more_than_can_wait_are_told_so(readers: Readers) -> None:
    release = threading.Event()
    question: Callable[[Reader], bool] = lambda _: release.wait(20)  # noqa: E731  as a handler writes it

    async def ask() -> None:
        enter(OPEN)
        async with anyio.create_task_group() as tasks:
            for _ in range(MOST):
                tasks.start_soon(readers.ask, question)
            await anyio.sleep(0.1)
            with pytest.raises(Overloaded, match=f"{MOST} questions"):
                await readers.ask(question)
            release.set()
        assert await readers.ask(lambda reader: reader.count(ALL)) == 0

    anyio.run(ask)
    readers.close()
