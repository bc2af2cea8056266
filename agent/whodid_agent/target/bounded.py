"""Answers of bounded size and time: whoever answers there may be no store, and never come to an end.

httpx waits for a byte at a time, so an answer that trickles, or goes on for ever, would hold delivery for ever.
"""

import time
from collections.abc import Callable, Iterator

import httpx

MOST = 64 << 20
"""Bytes of one answer: thousands of items with a long reason each are a tenth of it."""

LONGEST = 120.0
"""Seconds from an answer's head to its end."""


class Bounded(httpx.BaseTransport):
    """Another transport, whose answers end in an httpx.ReadError or ReadTimeout where they go beyond the bounds."""

    def __init__(self, inner: httpx.BaseTransport, clock: Callable[[], float] = time.monotonic) -> None:
        self._inner = inner
        self._clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask."""
        response = self._inner.handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101  a transport that is not async gives these
        response.stream = _Stream(response.stream, self._clock)
        return response

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream, clock: Callable[[], float]) -> None:
        self._inner = inner
        self._clock = clock

    def __iter__(self) -> Iterator[bytes]:
        end, size = self._clock() + LONGEST, 0
        for part in self._inner:
            size += len(part)
            if size > MOST:
                raise httpx.ReadError(f"an answer of more than {MOST >> 20} MB")
            if self._clock() > end:
                raise httpx.ReadTimeout(f"an answer that does not end in {LONGEST:.0f} s")
            yield part

    def close(self) -> None:
        self._inner.close()
