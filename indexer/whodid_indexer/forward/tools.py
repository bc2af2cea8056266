"""What a consumer works with: a source of batches, a sink, a bookmark, a place for dead letters, a voice."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from whodid_indexer.forward.bookmark import Bookmark
from whodid_indexer.forward.dead import DeadLetters
from whodid_indexer.forward.sink import Batch, Sink

Say = Callable[[str], None]


class Source(Protocol):
    """Where batches come from: the feed, or what is sent again."""

    def next(self) -> Batch | None:
        """The next batch; None where there is no more now. Raises StoreUnreachable."""

    def close(self) -> None:
        """Give back what it holds."""


@dataclass
class Tools:
    """What a consumer works with; `stop` ends it, `until` makes it end at that cursor, or where there is no more."""

    sink: Sink
    feed: Source
    bookmark: Bookmark
    dead: DeadLetters
    stop: threading.Event
    say: Say
    until: str | None = None
    halve: Callable[[int], None] = lambda _: None
    salt: bytes = b""


def delivery_of(batch: Batch, salt: bytes = b"") -> str:
    """The name of a delivery: of the same records always the same, unless `salt` makes it another on purpose."""
    digest = hashlib.sha256(salt)
    for body in batch.bodies:
        digest.update(body)
        digest.update(b"\n")
    return f"msg_{digest.hexdigest()[:32]}"
