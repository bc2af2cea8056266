"""What a consumer hands batches to, and hears back from: webhook, syslog and file are three of them.

A sink acknowledges batches in the order in which it was given them, never before the receiver has taken them. It tries
once; patience, dead letters and the bookmark are the consumer's.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from whodid_schema.errors import WhodidError


class Batch(NamedTuple):
    """Records that are sent together: as they are stored, and as this receiver is sent them.

    `cursor` is behind all that was read for it, `filtered` how many of that did not match.
    """

    bodies: Sequence[bytes]
    lines: Sequence[bytes]
    cursor: str
    read: int
    filtered: int


class NotTaken(WhodidError):
    """The receiver does not take it now; `after` says how many seconds it asked to be left alone."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


class Refused(WhodidError):
    """The receiver will not take this batch, however often it is asked; `too_long`: a shorter one it may."""

    def __init__(self, message: str, *, too_long: bool = False) -> None:
        super().__init__(message)
        self.too_long = too_long


class Sink(Protocol):
    """One receiver. `send` and `rest` give back how many batches, of those sent longest ago, are acknowledged now."""

    def line(self, body: bytes) -> bytes:
        """The record as this receiver is sent it."""

    def send(self, batch: Batch, delivery: str) -> int:
        """Send a batch; `delivery` names it, the same in every attempt. Raises NotTaken and Refused."""

    def rest(self) -> int:
        """Called while nothing arrives, at least every second. Raises NotTaken where what was sent is sent again."""

    def finish(self) -> int:
        """The end: wait for what can be acknowledged. Raises NotTaken; unacknowledged batches are sent again."""

    def close(self) -> None:
        """Give back files and connections, at once."""
