"""Sending again: what happened since a time, or the dead letters; the bookmark stays where it is.

It is a consumer like every other, with a bookmark that is thrown away at the end and deliveries under new names, so
that a receiver that remembers deliveries takes them. A file is held against the running `whodid forward`.
"""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from whodid_indexer.forward.bookmark import Bookmark, Counts
from whodid_indexer.forward.consumer import Consumer
from whodid_indexer.forward.dead import DeadLetters
from whodid_indexer.forward.feed import Limits
from whodid_indexer.forward.file import FileSink
from whodid_indexer.forward.run import Order, ended, sink_of
from whodid_indexer.forward.settings import ConsumerSettings
from whodid_indexer.forward.sink import Batch, Sink
from whodid_indexer.forward.tools import Tools


class _Again:
    """A Source of these records."""

    def __init__(self, bodies: Iterable[bytes], sink: Sink, limits: Limits) -> None:
        self._bodies: Iterator[bytes] = iter(bodies)
        self._sink = sink
        self._limits = limits

    def next(self) -> Batch | None:
        """See Source."""
        bodies: Sequence[bytes] = list(islice(self._bodies, self._limits.records))
        lines = [self._sink.line(body) for body in bodies]
        return Batch(bodies, lines, "", len(bodies), 0) if bodies else None

    def close(self) -> None:
        """See Source."""


def replay(settings: ConsumerSettings, order: Order, bodies: Iterable[bytes]) -> Counts:
    """Send these records, in their order; what became of them.

    Raises Incomplete where the receiver did not take everything within the order's time, and what `run` raises.
    """
    stop = threading.Event()
    order.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = Path(tempfile.mkdtemp(prefix="replay-", dir=order.folder))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, scratch)
        held = None
        if settings.kind == "file":
            held = stack.enter_context(Bookmark(order.folder, settings.name, order.store))
        bookmark = stack.enter_context(Bookmark(scratch, settings.name, order.store))
        sink = sink_of(settings, stop, held)
        limits = Limits(settings.batch, settings.batch_bytes)
        tools = Tools(
            sink,
            _Again(bodies, sink, limits),
            bookmark,
            DeadLetters(order.folder, settings.name),
            stop,
            order.say,
            until="",
            halve=limits.halve,
            salt=f"{time.time_ns()} {os.getpid()}".encode(),
        )
        consumer = Consumer(settings, tools)
        ended([consumer], stop, order)
        if held is not None and isinstance(sink, FileSink):
            held.save(file=sink.state)
        return consumer.now.counts
