"""The server's one writing thread: whatever requests are waiting go into the store in one transaction.

    handlers ─ submit ─► queue ─► thread: take all that wait, up to a group ─► Writer.create ─► COMMIT ─► results

A request is answered only when its group is committed. The queue is bounded by the bytes that the handlers hold
(`budget.Budget`), so it needs no bound of its own.
"""

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from whodid_indexer.store.base import Item
from whodid_schema.bulk import Result
from whodid_schema.errors import StateError, WhodidError

GROUP_ITEMS = 5_000
"""A group takes no further request once it has this many items: it keeps a transaction at some hundred milliseconds."""

log = logging.getLogger(__name__)

Create = Callable[[Sequence[Item]], list[Result]]
Waiting = tuple[Sequence[Item], "Future[list[Result]]"]


class GroupWriter:
    """Takes requests from any thread and stores them from one. `create` is the store's, used by this thread alone."""

    def __init__(self, create: Create, group_items: int = GROUP_ITEMS) -> None:
        self._create = create
        self._group_items = group_items
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._closed = False
        self.groups = 0

    def start(self) -> None:
        """Begin to store."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether items that are submitted will be stored."""
        return self._thread.is_alive() and not self._closed

    def submit(self, items: Sequence[Item]) -> "Future[list[Result]]":
        """Queue one request's items. The future has one result per item, in order, or the store's error."""
        if self._closed:
            raise RuntimeError("the writer has been closed")
        future: Future[list[Result]] = Future()
        future.set_running_or_notify_cancel()  # a request that is given up is stored all the same; nothing to cancel
        self._queue.put((items, future))
        return future

    def close(self) -> None:
        """Store what is queued, then end the thread."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        ending = False
        while not ending:
            first = self._queue.get()
            if first is None:
                return
            group, ending = self._gather(first)
            self._store(group)

    def _gather(self, first: Waiting) -> tuple[list[Waiting], bool]:
        """The group that begins with `first`, and whether the end was met behind it."""
        group, size = [first], len(first[0])
        with contextlib.suppress(queue.Empty):
            while size < self._group_items:
                waiting = self._queue.get_nowait()
                if waiting is None:
                    return group, True
                group.append(waiting)
                size += len(waiting[0])
        return group, False

    def _store(self, group: list[Waiting]) -> None:
        items = group[0][0] if len(group) == 1 else [item for waiting in group for item in waiting[0]]
        try:
            results = self._create(items)
        except Exception as error:
            log.error("storing %d items failed: %s", len(items), error, exc_info=not isinstance(error, WhodidError))  # noqa: TRY400  a foreseen error needs no traceback
            for _, future in group:
                future.set_exception(error)
            return
        self.groups += 1
        _share_out(group, results)


def _share_out(group: list[Waiting], results: list[Result]) -> None:
    """Give each request its own results. Never one item's to another: a wrong number of them is an error for all."""
    sent = sum(len(items) for items, _ in group)
    start = 0
    for items, future in group:
        if len(results) == sent:
            future.set_result(results[start : start + len(items)])
        else:
            future.set_exception(StateError(f"the store gave {len(results)} results for {sent} items"))
        start += len(items)
