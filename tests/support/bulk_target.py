"""A target whose every answer a test decides: the faults that no real store can be made to show on demand.

It keeps what it took by id like a store (a second `create` is 409) and every request as it came. `script` is asked
before each bulk request: None lets it through, a `Fault` changes what happens. It speaks HTTP/1.1 on a real socket.
"""

import json
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

META = {"schema": 1, "epoch": "2020-01-01", "rules": "r1", "partitions": "server"}
Item = tuple[str, str, dict[str, Any]]
"""Index, id and record of one item."""


@dataclass
class Fault:
    """What happens instead of an ordinary answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    items: Callable[[Item], tuple[int, str] | None] | None = None
    """Status and error type of an item; None: it is taken."""
    cut: bool = False
    """The items are taken, and the connection breaks in the middle of the answer."""
    drop_item: bool = False
    """The items are taken, and the answer lacks its last one."""


Script = Callable[[list[Item], int], Fault | None]


class Target:
    """The server; use as a context. `requests` holds the ids of every bulk request, `stored` what was taken.

    `made` are the indices that were asked for, `make` what is answered to that.
    """

    def __init__(self, script: Script | None = None, meta: dict[str, Any] | None = None) -> None:
        self.script = script or (lambda _items, _number: None)
        self.meta: dict[str, Any] | None = META if meta is None else meta
        self.root: Any = {"product": "whodid", "partitions": "server"}
        self.root_status = 200
        self.stored: dict[str, dict[str, Any]] = {}
        self.indexes: Counter[str] = Counter()
        self.requests: list[list[str]] = []
        self.made: list[tuple[str, dict[str, Any]]] = []
        self.make: tuple[int, Any] = (200, {"acknowledged": True})
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"target": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def sent(self) -> Counter[str]:
        """How often each id was sent."""
        return Counter(identifier for request in self.requests for identifier in request)

    def take(self, items: list[Item], fault: Fault) -> list[dict[str, Any]]:
        """Store the items as far as the fault lets them; their results."""
        return [self._take(item, fault) for item in items]

    def _take(self, item: Item, fault: Fault) -> dict[str, Any]:
        index, identifier, body = item
        refused = fault.items(item) if fault.items else None
        if refused is not None:
            status, kind = refused
            return {"create": {"status": status, "error": {"type": kind, "reason": "as the test says"}}}
        if identifier in self.stored:
            return {
                "create": {"status": 409, "error": {"type": "version_conflict_engine_exception", "reason": "there"}}
            }
        self.stored[identifier] = body
        self.indexes[index] += 1
        return {"create": {"status": 201}}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients are killed in these tests; a broken connection is no news."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    target: Target

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path == "/":
            self._answer(self.target.root_status, self.target.root)
        elif self.path.startswith("/_index_template/whodid") and self.target.meta is not None:
            template = {"index_template": {"_meta": self.target.meta}}
            self._answer(200, {"index_templates": [{"name": "whodid", **template}]})
        else:
            self._answer(404, {"error": "not here"})

    def do_PUT(self) -> None:
        """The making of an index."""
        self.target.made.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
        self._answer(*self.target.make)

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["content-length"]))
        lines = data.split(b"\n")
        items: list[Item] = []
        for action, body in zip(lines[0::2], lines[1::2], strict=False):
            head = json.loads(action)["create"]
            items.append((head["_index"], head["_id"], json.loads(body)))
        with self.target.lock:
            self.target.requests.append([identifier for _, identifier, _ in items])
            number = len(self.target.requests)
        fault = self.target.script(items, number) or Fault()
        if fault.status != 200 or fault.body is not None:
            self._answer(fault.status, fault.body or {"error": "as the test says"}, fault.headers)
            return
        with self.target.lock:
            results = self.target.take(items, fault)
        if fault.drop_item:
            results.pop()
        answer = json.dumps({"errors": any("error" in each["create"] for each in results), "items": results}).encode()
        if fault.cut:
            self._head(200, len(answer), {})
            self.wfile.write(answer[: len(answer) // 2])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self._answer(200, answer)

    def _head(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(length))
        self.end_headers()

    def _answer(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self._head(status, len(body), headers or {})
        self.wfile.write(body)
