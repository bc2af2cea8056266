"""A real receiver on a free port, with the real redaction, and a client that posts to it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from whodid_agent.inputs.contract import Block, Line, StreamRow
from whodid_agent.inputs.http.metrics import ReceiverMetrics
from whodid_agent.inputs.http.options import HttpOptions
from whodid_agent.inputs.http.source import HttpSource
from whodid_agent.normalise.contract import Event, Origin, Sent
from whodid_agent.normalise.redact import Redactor


class RedactOnly(Redactor):
    """The receiver asks the normaliser for nothing else."""

    def events(self, line: bytes, origin: Origin, sent: Mapping[int, Sent] | None = None) -> list[Event]:
        raise AssertionError("the receiver normalises nothing")


REDACTOR = RedactOnly()


@dataclass
class Receiver:
    """A running receiver and what it has in its spool."""

    source: HttpSource
    client: httpx.Client

    def post(self, content: bytes, kind: str = "application/json", **headers: str) -> httpx.Response:
        """Post these bytes; keyword arguments are headers, `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post("/v1/events", content=content, headers={"Content-Type": kind, **named})

    def blocks(self) -> list[Block]:
        """Everything that is there and was not read before."""
        found = []
        while block := self.source.read(1 << 20):
            found.append(block)
        return found

    def lines(self) -> list[Line]:
        return [line for block in self.blocks() for line in block.lines]


Start = Callable[..., Receiver]


def _begin(stack: ExitStack, folder: Path, rows: Mapping[str, StreamRow], changes: Mapping[str, Any]) -> Receiver:
    given = {"name": "in", "address": "127.0.0.1:0", "spool_dir": folder / "spool", "agent": "a1", "host": "h1"}
    source = HttpSource(HttpOptions(**{**given, **changes}), REDACTOR, ReceiverMetrics(CollectorRegistry()))
    stack.callback(source.close)
    source.open(rows)
    return Receiver(source, stack.enter_context(httpx.Client(base_url=f"http://{source.address}", timeout=20)))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts receivers; keyword arguments are those of HttpOptions, `rows` the checkpoint."""
    with ExitStack() as stack:

        def begin(rows: Mapping[str, StreamRow] | None = None, **changes: Any) -> Receiver:
            return _begin(stack, tmp_path, rows or {}, changes)

        yield begin


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with ExitStack() as stack:
        yield _begin(stack, tmp_path_factory.mktemp("receiver"), {}, {})


@pytest.fixture
def receiver(shared: Receiver) -> Receiver:
    """A receiver with the usual options, shared by a module's tests; what others posted is read already."""
    shared.blocks()
    return shared
