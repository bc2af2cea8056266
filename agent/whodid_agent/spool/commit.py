"""Group commit: posts that arrive while the disk is busy share the next fdatasync.

post ─► waiting ─┐
post ─► waiting ─┼─► one append (in a thread) ─► every sender's future
post ─► waiting ─┘
"""

import asyncio
from concurrent.futures import Executor

from whodid_agent.spool.frame import Post, size_of
from whodid_agent.spool.spool import Receipt, Spool


class GroupCommit:
    """Appends to one spool from one event loop; `executor` must have one thread, which does the writing."""

    def __init__(self, spool: Spool, executor: Executor) -> None:
        self._spool = spool
        self._executor = executor
        self._waiting: list[tuple[Post, asyncio.Future[Receipt]]] = []
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None

    async def append(self, post: Post) -> Receipt:
        """Returns when the post is durable. Raises SpoolFull over the quota, StateError where the disk refuses."""
        size = size_of(post)
        self._spool.admit(size + self._bytes)
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._waiting.append((post, future))
        self._bytes += size
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        try:
            return await future
        finally:
            self._bytes -= size

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                receipts = await loop.run_in_executor(self._executor, self._spool.append, [post for post, _ in group])
            except Exception as error:  # noqa: BLE001  handed to every sender that waits for it
                for _, future in group:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), receipt in zip(group, receipts, strict=True):
                    if not future.done():
                        future.set_result(receipt)
        self._task = None
