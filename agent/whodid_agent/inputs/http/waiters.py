"""Posts with `?wait=stored`: answered when everything up to their end in the spool is settled."""

import asyncio
import heapq
import itertools


class Waiters:
    """Used from the receiver's event loop only."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, asyncio.Future[bool]]] = []
        self._numbers = itertools.count()
        self._position = 0

    async def until(self, position: int, seconds: float) -> bool:
        """Whether the spool was settled up to `position` within that time."""
        if position <= self._position:
            return True
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._heap, (position, next(self._numbers), future))
        try:
            return await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return False

    def settled(self, position: int) -> None:
        """Everything before `position` is settled."""
        self._position = max(self._position, position)
        while self._heap and self._heap[0][0] <= self._position:
            _, _, future = heapq.heappop(self._heap)
            if not future.done():
                future.set_result(True)

    def give_up(self) -> None:
        """The receiver stops: nobody waits any longer."""
        for _, _, future in self._heap:
            if not future.done():
                future.set_result(False)
        self._heap = []
