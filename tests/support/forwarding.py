"""Receivers that misbehave as asked, a store to forward from, and the `forward:` of a whodid.yaml."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self

import yaml

from support.asking import Answer, ask
from support.records import item
from support.serving import make
from whodid_indexer.forward.consumer import Consumer
from whodid_indexer.forward.run import Order, run
from whodid_indexer.forward.settings import ConsumerSettings
from whodid_indexer.store.open import open_reader
from whodid_indexer.store.sqlite import SqliteStore
from whodid_schema.meta import default_meta
from whodid_schema.record import Record

NOT_OWN = "-surface:audit"
"""A query that leaves out what forwarding records of itself."""


class Post(NamedTuple):
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


class Hook:
    """An HTTP receiver. `answer` says with which status, and headers, a post is answered; None: not at all."""

    def __init__(self, answer: Callable[[Post], int | tuple[int, dict[str, str]] | None] = lambda _: 200) -> None:
        self.posts: list[Post] = []
        self.taken: list[Post] = []
        self.answer = answer
        self.ending = threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                promised = int(self.headers["content-length"])
                body = self.rfile.read(promised)
                if len(body) < promised:  # its sender was killed in the middle: nobody takes half a body
                    self.close_connection = True
                    return
                post = Post(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                hook.posts.append(post)
                answer = hook.answer(post)
                if answer is None:  # the connection just ends
                    self.close_connection = True
                    return
                status, headers = answer if isinstance(answer, tuple) else (answer, {})
                if 200 <= status < 300:
                    hook.taken.append(post)
                self.send_response(status)
                for name, value in ({"content-length": "0"} | headers).items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.05))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/hooks/path-secret"

    def hang(self, _: Post) -> int:
        """An answer that does not come while the test lasts."""
        self.ending.wait(60)
        return 200

    @property
    def ids(self) -> list[str]:
        """Ids of the records that were taken, in order; of JSON lines."""
        return [json.loads(line)["id"] for post in self.taken for line in post.body.splitlines()]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def store_in(folder: Path, records: Iterable[Record] = ()) -> str:
    """A new store with these records; its URL."""
    path = folder / "audit.db"
    SqliteStore.setup(path, default_meta(datetime(2026, 11, 21, tzinfo=UTC)))
    add(f"sqlite://{path}", records)
    return f"sqlite://{path}"


def add(store: str, records: Iterable[Record]) -> None:
    """More of them."""
    with closing(SqliteStore(Path(store.removeprefix("sqlite://")))) as open_store:
        listed = [item(record) for record in records]
        if listed:
            open_store.create(listed)


def made(start: int, stop: int, **changed: Any) -> list[Record]:
    """Records by number."""
    return [make(number, **changed) for number in range(start, stop)]


def ids_of(records: Sequence[Record]) -> list[str]:
    return [str(record.id) for record in records]


def order_of(folder: Path, store: str, *settings: ConsumerSettings, **given: Any) -> Order:
    """What `--once` runs; `said` hears what is said."""
    said: list[str] = given.pop("said", [])
    return Order(settings, store, lambda: open_reader(store), folder / "state", said.append, **({"once": True} | given))


def drained(folder: Path, store: str, *settings: ConsumerSettings, **given: Any) -> list[Consumer]:
    """The consumers after `--once`."""
    seen: list[Consumer] = []
    run(order_of(folder, store, *settings, **given), seen.extend)
    return seen


@contextmanager
def running(order: Order) -> Iterator[Sequence[Consumer]]:
    """The consumers, at work until the end of the block."""
    stops: list[threading.Event] = []
    seen: list[Consumer] = []

    def watched(found: Sequence[Consumer]) -> None:
        seen.extend(found)
        stops.append(found[0]._tools.stop)

    thread = threading.Thread(target=run, args=(order, watched))
    thread.start()
    assert eventually(lambda: bool(stops))
    try:
        yield seen
    finally:
        stops[0].set()
        thread.join()


def configured(folder: Path, store: str, *consumers: dict[str, Any]) -> list[str]:
    """The arguments that make `whodid forward` run these consumers, with its state below `folder`."""
    file = folder / "whodid.yaml"
    named = [{"query": NOT_OWN} | one for one in consumers]
    file.write_text(yaml.safe_dump({"store": store, "forward": named}))
    return ["--config", str(file), "--state", str(folder / "state")]


def forward(*arguments: str, check: bool = True) -> Answer:
    """`whodid forward` in this process; with `check` it ends well."""
    answer = ask("forward", *arguments)
    assert not check or answer.code == 0, answer
    return answer


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
