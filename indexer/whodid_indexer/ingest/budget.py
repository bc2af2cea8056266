"""How many bytes of request bodies may be in the server at a time: what bounds its memory under load.

A request takes what it is about to hold and gives everything back when it has been answered. What would go over the
limit is refused at once, so that the sender keeps its events and tries again.
"""

from types import TracebackType
from typing import Self

from whodid_schema.errors import WhodidError


class Overloaded(WhodidError):
    """The server holds as many bytes as it may; the same request is welcome in `retry_after` seconds."""

    code = "overloaded"
    retry_after = 1


class Budget:
    """A number of bytes that requests share. Used from the event loop alone, so it needs no lock."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def hold(self) -> "Hold":
        """What one request holds; nothing yet."""
        return Hold(self)


class Hold:
    """One request's share of the budget, given back when the block ends."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._size = 0

    def grow(self, size: int) -> None:
        """Take `size` bytes more. Raises Overloaded where the budget does not have them."""
        if self._budget.held + size > self._budget.limit:
            raise Overloaded(f"{self._budget.held} bytes are waiting to be stored, the limit is {self._budget.limit}")
        self._budget.held += size
        self._size += size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._budget.held -= self._size
        self._size = 0
