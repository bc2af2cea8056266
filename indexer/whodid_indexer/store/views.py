"""A shared view: a question under a name. Where views are kept: `store/sqlite/views`, `store/opensearch/state_views`.

A view belongs to a space, which is everybody who sees the same records (`api.views`); in each a name stands once.
"""

from typing import Protocol

from msgspec import Struct

from whodid_schema.errors import UsageError

MOST = 500
"""Views of one space."""


class View(Struct, frozen=True):
    """`texts` are of the query language, and all must hold; `by` says who saved it, `saved` when (RFC 3339, UTC)."""

    name: str
    texts: tuple[str, ...]
    by: str
    saved: str


class Views(Protocol):
    """Where views are kept; calls may take as long as a disk does, and raise StateError and StoreUnreachable."""

    def all(self, space: str) -> list[View]:
        """The views of a space by name."""

    def save(self, space: str, view: View) -> bool:
        """Keep a view, in place of one of its name; whether there was none. Raises UsageError for one too many."""

    def delete(self, space: str, name: str) -> bool:
        """Remove a view; whether it was there."""


def check_room(count: int) -> None:
    """Raises UsageError where a space that has so many views takes no further one."""
    if count >= MOST:
        raise UsageError(f"there are {MOST} views already", "delete one")
