"""Pages for people that an installed package brings: the entry points of the group `whodid.pages`.

Each names a function from the server's readers to routes. The indexer knows none of them by name.
"""

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import cast

from starlette.routing import BaseRoute

from whodid_indexer.api.readers import Readers

GROUP = "whodid.pages"

Pages = Callable[[Readers], Sequence[BaseRoute]]


def installed(readers: Readers) -> list[BaseRoute]:
    """The routes of every package that brings pages, in the order of their names."""
    found = sorted(entry_points(group=GROUP), key=lambda each: each.name)
    return [route for each in found for route in cast("Pages", each.load())(readers)]
