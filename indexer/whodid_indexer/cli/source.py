"""Opening the store that a question goes to, and saying where it was looked for when it is not there."""

import contextlib
from collections.abc import Iterator

from whodid_indexer.cli.options import Source
from whodid_indexer.cli.places import find_store
from whodid_indexer.store.base import Reader
from whodid_schema.errors import StoreUnreachable


@contextlib.contextmanager
def opened(source: Source) -> Iterator[Reader]:
    """A reader of the store that is meant, closed at the end. Raises StoreUnreachable, saying who named the store."""
    from whodid_indexer.store.open import open_reader  # noqa: PLC0415  apsw or httpx, only when there is a question

    place = find_store(source.store, source.config)
    try:
        reader = open_reader(place.url)
    except StoreUnreachable as error:
        looked = f"{error.message}\nlooked at {place.url} ({place.said_by})"
        raise StoreUnreachable(looked, error.hint or "name the store with --store or WHODID_STORE") from error
    with contextlib.closing(reader):
        yield reader
