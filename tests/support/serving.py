"""A real `whodid serve` on a free port over a real file, records to post to it, and texts that want to do harm."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec

from support.running import Daemon, wait_until
from whodid_schema import identity
from whodid_schema.bulk import CONTENT_TYPE, Result, action, read_response
from whodid_schema.record import Actor, Client, Record, Target, encode
from whodid_schema.timestamp import from_micros

NEWEST = 1_764_000_000_000_000
"""When record 0 happened (2025-11-24T16:00:00Z); each further one a second before."""

HOSTILE = {
    "ansi": "\x1b[31mred\x1b[0m",
    "title": "\x1b]0;owned\x07",
    "osc52": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "c1": "\x9b31mred\x9c",
    "bidi": "safe\u202egnp.exe\u202c\u2066x\u2069",
    "nul": "a\x00b",
    "lines": "one\r\ntwo\u2028three",
    "formula": "=cmd|' /C calc'!A0",
    "at": "@SUM(1+9)*cmd",
    "minus": "-2+3+cmd|'x'!A0",
    "apostrophe": "'=1+1",
    "markup": "[red]not red[/red]",
    "close": "[/x] [link=http://evil]x[/link]",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "template": "{{7*7}} ${7*7} %s %(x)s",
    "csv": 'a,"b";c\td',
}
"""By what they try; none may reach a terminal, a spreadsheet or a page as anything but text."""


def make(number: int, **changed: Any) -> Record:
    """A record that differs from others by its number."""
    name = ("Ana Ruiz", "Devi Patel", "Marcus Wei")[number % 3]
    target = Target(type="report", id=str(number), name=f"Report {number}")
    time = from_micros(NEWEST - number * 1_000_000)
    record = Record(
        timestamp=time,
        received_at=time,
        id=identity.file_id("source", "generation", number, 0, b""),
        app="shop",
        surface="activity",
        kind="write",
        action="report.update",
        verb="update",
        description=f"{name} updated report {number}",
        outcome="failure" if number % 5 == 0 else "success",
        actor=Actor(type="user", id=str(number % 3), name=name, key=f"shop/user:{number % 3}"),
        target=target,
        targets=[target],
        target_refs=[f"report:{number}"],
        target_types=["report"],
        layer="workspace",
        client=Client(ip=f"203.0.113.{number % 250}", device="Chrome 126 on macOS"),
    )
    return msgspec.structs.replace(record, **changed)


def bulk_body(records: Iterable[Record]) -> bytes:
    """The `_bulk` body that creates these records."""
    return b"".join(action("whodid-activity", str(record.id)) + encode(record) + b"\n" for record in records)


class Server:
    """`whodid serve` over `folder`/audit.db, or the store named, as a process; entering starts it, leaving ends it."""

    def __init__(self, folder: Path, store: str | None = None, *more: str) -> None:
        self.file = folder / "audit.db"
        self.store = store or f"sqlite://{self.file}"
        self.log = folder / "server.log"
        self._ready = folder / "url"
        arguments = ["serve", "--store", self.store, "--listen", "127.0.0.1:0", "--ready-file", str(self._ready)]
        self.daemon = Daemon("whodid", [*arguments, *more], self.log)
        self.client = httpx.Client()

    @property
    def url(self) -> str:
        """Where it listens now."""
        return self._ready.read_text().strip()

    def start(self) -> Self:
        """Start it, and wait until it takes requests."""
        self._ready.unlink(missing_ok=True)
        self.daemon.start()
        wait_until(self._listens, "the server listens")
        return self

    def _listens(self) -> bool:
        assert self.daemon.running, f"the server has ended: {self.log.read_text()}"
        return self._ready.exists() and self.url != ""

    def get(self, path: str, parameters: Any = None, **more: Any) -> httpx.Response:
        """GET a path of it."""
        return self.client.get(self.url + path, params=parameters, timeout=30, **more)

    def post(self, body: bytes, **headers: str) -> httpx.Response:
        """POST a `_bulk` body; `content_encoding="gzip"` becomes a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(
            self.url + "/_bulk", content=body, headers={"content-type": CONTENT_TYPE} | named, timeout=30
        )

    def create(self, records: Iterable[Record]) -> list[Result]:
        """Store records; what became of each."""
        listed = list(records)
        response = self.post(bulk_body(listed))
        assert response.status_code == 200, response.text
        return read_response(response.content, len(listed))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.daemon.__exit__()
