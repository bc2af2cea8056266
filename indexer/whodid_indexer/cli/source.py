"""Opening the store that a question goes to, and saying where it was looked for when it is not there."""

import contextlib
import os
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from whodid_indexer.cli.options import Source
from whodid_indexer.cli.places import CONFIG_FILE, Place, find_settings, find_store
from whodid_indexer.store.base import Reader
from whodid_schema.errors import StoreUnreachable

if TYPE_CHECKING:
    from whodid_indexer.store.opensearch.access import Access

SETUP = "run whodid setup"
"""What stores give as a hint where they are not there, or not in order."""


@contextlib.contextmanager
def opened(source: Source, action: str) -> Iterator[Reader]:
    """A reader of the store that is meant, closed at the end. Raises StoreUnreachable, saying who named the store.

    `action` is what it is opened for (see `audit.event`); who has asked says so by `audited`.
    """
    from whodid_indexer.store.open import open_reader  # noqa: PLC0415  apsw or httpx, only when there is a question

    place = find_store(source.store, source.config)
    try:
        reader = open_reader(place.url, lambda: access_to(source), action)
    except StoreUnreachable as error:
        looked = f"{error.message}\nlooked at {place.url} ({place.said_by})"
        raise StoreUnreachable(looked, _hint(error.hint, place)) from error
    with contextlib.closing(reader):
        yield reader


def _hint(given: str | None, place: Place) -> str:
    """What to do about it: a set-up, where that helps, of this very store."""
    if given != SETUP:
        return given or "name the store with --store or WHODID_STORE"
    if place.said_by == "--store":
        return f"is it the right one? If so: {SETUP} --store {shlex.quote(place.url)}"
    return f"name the store with --store or WHODID_STORE, or make this one: {SETUP}"


def access_to(source: Source) -> "Access":
    """How a store over the network is reached; pydantic is slow to import, so asked only where anything may be said."""
    from whodid_indexer.store.opensearch.access import Access, access_of  # noqa: PLC0415  only for http and https

    said = source.config is not None or CONFIG_FILE.exists()
    if said or any(name.upper().startswith("WHODID_STORE_") for name in os.environ):
        access = access_of(find_settings(source.config))
    else:
        access = Access()
    token = _token(source.token_file)
    return access if token is None else replace(access, token=token)


def _token(file: Path | None) -> str | None:
    """The token that is shown, where a flag or the environment names one. Raises ConfigError for what is none."""
    from whodid_config.access import checked_token, read_token  # noqa: PLC0415  as above

    if file is not None:
        return read_token(file, "--token-file")
    said = os.environ.get("WHODID_TOKEN", "")
    return checked_token(said, "WHODID_TOKEN") if said else None
