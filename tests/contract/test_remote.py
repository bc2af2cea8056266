"""A store behind a whodid server under the same contracts: read through the API, written through `_bulk`.

The server is the real one on a real socket, in a thread of this process so that each test can have its own.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import pytest
import uvicorn
from starlette.applications import Starlette

from contract.analyst import AnalystContract
from contract.reader import ReaderContract
from contract.writer import Recount, WriterContract
from support.running import free_port
from whodid_indexer.api.app import build
from whodid_indexer.api.server import bind, url_of
from whodid_indexer.query.model import ALL
from whodid_indexer.store.base import Item
from whodid_indexer.store.remote import RemoteStore
from whodid_indexer.store.sqlite import SqliteReader, SqliteStore
from whodid_schema.bulk import CONTENT_TYPE, INDEXED, Result, read_response
from whodid_schema.errors import StoreUnreachable, UsageError
from whodid_schema.meta import default_meta


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread of its own, for the servers of all tests one after the other."""
    running = asyncio.new_event_loop()
    thread = threading.Thread(target=running.run_forever)
    thread.start()
    yield running
    running.call_soon_threadsafe(running.stop)
    thread.join()
    running.close()


@contextlib.asynccontextmanager
async def _served(app: Starlette, bound: socket.socket) -> AsyncIterator[None]:
    """uvicorn's life without its signals and its tick of 0.1 s."""
    config = uvicorn.Config(app, http="h11", ws="none", lifespan="on", log_level="warning")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[bound])
    yield
    await server.shutdown(sockets=[bound])


class _Unwatched(SqliteStore):
    """Keeps no event of whodid's own, which every question makes: the contracts know all that is in their store."""

    def create(self, items: Sequence[Item]) -> list[Result]:
        """As the store's, for all others."""
        results = iter(super().create([item for item in items if not _is_own(item)]))
        return [INDEXED if _is_own(item) else next(results) for item in items]


def _is_own(item: Item) -> bool:
    return b'"app":"whodid"' in item.body and b'"surface":"audit"' in item.body


@contextlib.contextmanager
def serving(path: Path, loop: asyncio.AbstractEventLoop) -> Iterator[str]:
    """The application over the file, at a URL."""
    app = build(_Unwatched(path), lambda: SqliteReader(path), frozenset({"127.0.0.1"}))
    bound = bind("127.0.0.1", 0)
    life = _served(app, bound)
    asyncio.run_coroutine_threadsafe(life.__aenter__(), loop).result(20)
    try:
        yield url_of(bound)
    finally:
        asyncio.run_coroutine_threadsafe(life.__aexit__(None, None, None), loop).result(20)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "audit.db"
    SqliteStore.setup(file, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    return file


@pytest.fixture
def url(path: Path, loop: asyncio.AbstractEventLoop) -> Iterator[str]:
    with serving(path, loop) as address:
        yield address


def post(url: str, items: Sequence[Item]) -> list[Result]:
    """What became of each; a body without items is not spoken."""
    if not items:
        return []
    lines = [
        line
        for item in items
        for line in (msgspec.json.encode({"create": {"_index": item.index, "_id": item.id}}), item.body)
    ]
    response = httpx.post(
        url + "/_bulk",
        content=b"\n".join(lines) + b"\n",
        headers={"content-type": CONTENT_TYPE},
        timeout=60,
        verify=False,  # noqa: S501  plain http: there is no certificate to check
    )
    assert response.status_code == 200, response.text
    return read_response(response.content, len(items))


class TestRemoteReader(ReaderContract, AnalystContract):
    examples = 20

    @pytest.fixture
    def open_on(self, url: str) -> Iterator[Callable[[Sequence[Item]], RemoteStore]]:
        opened: list[RemoteStore] = []

        def open_on(items: Sequence[Item]) -> RemoteStore:
            assert {result.outcome for result in post(url, items)} <= {"indexed"}
            opened.append(RemoteStore(url))
            return opened[-1]

        yield open_on
        for reader in opened:
            reader.close()


class _OverHttp:
    """A Writer that posts to the server."""

    def __init__(self, url: str) -> None:
        self._url = url

    def create(self, items: Sequence[Item]) -> list[Result]:
        """As the server answers."""
        return post(self._url, items)


class TestRemoteWriter(WriterContract):
    @pytest.fixture
    def writer(self, url: str) -> _OverHttp:
        return _OverHttp(url)

    @pytest.fixture
    def recount(self, path: Path) -> Recount:
        def recount() -> list[bytes]:
            with closing(SqliteReader(path)) as reader:
                return list(reader.scan(ALL))

        return recount


def _banner(answer: bytes) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(200, content=answer)


def test_nobody_there_is_said_with_the_address() -> None:
    with closing(RemoteStore(f"http://127.0.0.1:{free_port()}")) as store:
        with pytest.raises(StoreUnreachable, match="does not answer"):
            store.count(ALL)
        with pytest.raises(StoreUnreachable, match="does not answer"):
            list(store.scan(ALL))


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"version":{"distribution":"opensearch"}}', b""])
def test_a_foreign_server_is_named_as_such(answer: bytes) -> None:
    transport = httpx.MockTransport(_banner(answer))
    with (
        closing(RemoteStore("http://127.0.0.1:1", transport)) as store,
        pytest.raises(StoreUnreachable, match="not a whodid server"),
    ):
        store.count(ALL)


def test_a_url_that_is_none_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        RemoteStore("http://127.0.0.1:port").count(ALL)


def test_a_scan_that_breaks_off_raises(path: Path) -> None:
    def cut(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/":
            return httpx.Response(200, content=b'{"product":"whodid"}')

        def pieces() -> Iterator[bytes]:
            yield b'{"id":"a"}\n{"id":'
            raise httpx.RemoteProtocolError("peer closed connection")

        return httpx.Response(200, content=pieces())

    with closing(RemoteStore("http://127.0.0.1:1", httpx.MockTransport(cut))) as store:
        scan = store.scan(ALL)
        assert next(scan) == b'{"id":"a"}'
        with pytest.raises(StoreUnreachable):
            list(scan)
