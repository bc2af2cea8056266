"""Readers for a server: each question has a reader and a thread of its own, so that none holds up the event loop.

Whoever asks, by whatever surface, gets a reader that knows no more than they may see (`store.allowed`).
"""

import contextlib
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from whodid_indexer.access.caller import current
from whodid_indexer.ingest.budget import Overloaded
from whodid_indexer.store.allowed import allowed
from whodid_indexer.store.base import Reader

Answer = TypeVar("Answer")

AT_ONCE = 8
"""Questions answered at a time; further ones wait their turn."""

MOST = 256
"""Questions under way, those that wait among them."""


class Readers:
    """Opens readers as they are needed, at most `at_once`, and keeps them for the next question."""

    def __init__(self, opener: Callable[[], Reader], at_once: int = AT_ONCE) -> None:
        self._open = opener
        self._idle: deque[Reader] = deque()
        self._limiter = CapacityLimiter(at_once)
        self._heavy = CapacityLimiter(max(at_once // 2, 1))
        self._under_way = 0

    async def ask(self, question: Callable[[Reader], Answer], *, heavy: bool = False) -> Answer:
        """What `question` answers, asked on a thread, of what the caller may see.

        Those that are `heavy` (they count over all of the store) take half of the places at most. Raises Overloaded
        where too many wait already.
        """
        if self._under_way >= MOST:
            raise Overloaded(f"{self._under_way} questions are under way already", "ask again in a moment")
        self._under_way += 1
        try:
            async with self._heavy if heavy else contextlib.nullcontext():
                return await to_thread.run_sync(self._ask, question, limiter=self._limiter)
        finally:
            self._under_way -= 1

    def _ask(self, question: Callable[[Reader], Answer]) -> Answer:
        reader = self._take()
        try:
            return question(allowed(reader, current().access))
        finally:
            self._idle.append(reader)

    def _take(self) -> Reader:
        try:
            return self._idle.pop()
        except IndexError:
            return self._open()

    def open(self) -> Reader:
        """A reader outside the pool, for an answer that takes as long as its client, who closes it."""
        return allowed(self._open(), current().access)

    def close(self) -> None:
        """Close those that are idle; called when no question is running any more."""
        while self._idle:
            self._idle.pop().close()
