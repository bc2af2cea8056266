"""Syslog over TCP or TLS with octet counting (RFC 6587, RFC 5425), as nearly without loss as that can be.

Syslog over TCP has no acknowledgement: what a sender sees is that the other *machine* has the bytes, never that the
receiver has read them, let alone written them. So a batch that was sent is kept in a window, and sent again over the
next connection when this one breaks. It leaves the window

    when the other machine has it and has been there `settle` seconds longer    the receiver had time to write it
    or _WINDOW bytes more were taken over behind it                             no machine buffers so much unread
    or the receiver ended the connection in order after we ended our side       it has read everything

What is sent again may be there already: the record's id, in the structured data of each message, tells doubles.
"""

import threading
import time
from collections import deque
from dataclasses import dataclass

from whodid_indexer.forward.message import messages
from whodid_indexer.forward.settings import ConsumerSettings
from whodid_indexer.forward.sink import Batch, NotTaken
from whodid_indexer.forward.wire import Wire

_WINDOW = 16 * 1024 * 1024
"""Bytes: more than twice what Linux buffers for a reader (net.ipv4.tcp_rmem)."""

_LAST_WORD = 10.0
"""Seconds that the receiver has at the end to read what it was sent."""


@dataclass
class _Sent:
    """A batch in the window: its bytes, how many had been sent when it was, and since when the other machine has it."""

    data: bytes
    total: int
    taken: float | None = None


class SyslogSink:
    """A Sink. `stop` ends its waits. Raises ConfigError for certificates that cannot be used."""

    def __init__(self, settings: ConsumerSettings, stop: threading.Event) -> None:
        self._address = settings.where()
        self._trust = settings.access().trust() if self._address.scheme == "tls" else None
        self._timeout = settings.seconds("timeout")
        self._settle = settings.seconds("settle")
        self._stop = stop
        self._wire: Wire | None = None
        self._window: deque[_Sent] = deque()
        self._total = 0
        self.shortened = 0
        self.line = messages(settings, self._count)

    def send(self, batch: Batch, delivery: str) -> int:  # noqa: ARG002  the messages' ids tell doubles
        """See Sink."""
        data = b"".join([b"%d %s" % (len(line), line) for line in batch.lines])
        try:
            self._connected().send(data)
        except OSError as error:
            raise self._broken(error) from error
        self._total += len(data)
        self._window.append(_Sent(data, self._total))
        return self._acknowledged()

    def rest(self) -> int:
        """See Sink. A connection that ended is found here too, and the window sent again."""
        if not self._window:
            return 0
        try:
            self._connected()
        except OSError as error:
            raise self._broken(error) from error
        return self._acknowledged()

    def finish(self) -> int:
        """See Sink."""
        if not self._window:
            return 0
        try:
            wire = self._connected()
            read = wire.finish(max(self._settle, _LAST_WORD)) or wire.waiting() == 0
        except OSError as error:
            raise self._broken(error) from error
        if not read:
            raise self._broken(TimeoutError("the receiver reads no more"))
        self.close()
        number = len(self._window)
        self._window.clear()
        return number

    def close(self) -> None:
        """See Sink."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def _connected(self) -> Wire:
        """The connection, where it still is one; else a new one, over which the window has been sent again."""
        if self._wire is not None:
            if not self._wire.gone():
                return self._wire
            self.close()
        wire = Wire(self._address, self._trust, self._timeout, self._stop)
        self._wire = wire
        for sent in self._window:
            sent.taken = None
            wire.send(sent.data)
        return wire

    def _acknowledged(self) -> int:
        """How many batches leave the window now. Of what waits no byte can be older than the last so many sent."""
        now = time.monotonic()
        taken = self._total - (self._wire.waiting() if self._wire is not None else self._total)
        for sent in self._window:
            if sent.total > taken:
                break
            sent.taken = sent.taken or now
        number = 0
        while self._window and (since := self._window[0].taken) is not None:
            if now - since < self._settle and self._total - self._window[0].total < _WINDOW:
                break
            self._window.popleft()
            number += 1
        return number

    def _broken(self, error: OSError) -> NotTaken:
        self.close()
        return NotTaken(f"{self._address.shown}: {error.strerror or error}")

    def _count(self) -> None:
        self.shortened += 1
