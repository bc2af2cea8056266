"""The file's template document: what it will say of retention, classes and categories, and writing that."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from whodid_indexer.retention.document import Wanted, renewed
from whodid_indexer.store.sqlite.connect import guard, open_for_reading, open_for_writing
from whodid_indexer.store.sqlite.schema import MIGRATIONS, version_of
from whodid_indexer.store.sqlite.settings import read_setting, write_setting
from whodid_indexer.store.sqlite.write import SqliteStore
from whodid_schema.errors import StoreUnreachable
from whodid_schema.meta import Meta, default_meta

TODAY = len(MIGRATIONS)
"""The layout that this version makes."""


class Change(NamedTuple):
    """The document as it is, None where there is no store, and as it is to be; the file's layout before and after."""

    before: Meta | None
    after: Meta
    layouts: tuple[int, int] = (TODAY, TODAY)


def plan_document(path: Path, wanted: Wanted | None, now: datetime) -> Change:
    """What `write_document` would do. `wanted` None: nobody has said anything, and it stays as it is."""
    try:
        connection = open_for_reading(path, older=True)
    except StoreUnreachable:
        return _changed(None, wanted, now)
    try:
        with guard(path):
            change = _changed(read_setting(connection, path), wanted, now)
            return change._replace(layouts=(version_of(connection), TODAY))
    finally:
        connection.close()


def write_document(path: Path, wanted: Wanted | None, now: datetime) -> Change:
    """Set the file up, or bring it up to date, and write what is wanted into its document. Idempotent.

    Raises StateError and StoreUnreachable.
    """
    fresh = plan_document(path, wanted, now)
    SqliteStore.setup(path, fresh.after)
    connection = open_for_writing(path)
    try:
        with guard(path), connection:
            there = read_setting(connection, path)
            change = fresh if there == fresh.after else _changed(there, wanted, now)
            if change.after != there:
                write_setting(connection, "meta", msgspec.json.encode(change.after).decode(), replace=True)
    finally:
        connection.close()
    return change._replace(layouts=fresh.layouts)


def _changed(there: Meta | None, wanted: Wanted | None, now: datetime) -> Change:
    fresh = there is None
    meta = there or default_meta(now)
    return Change(there, meta if wanted is None else renewed(meta, wanted, now, fresh=fresh))
