"""Shared views of a SQLite store: questions under a name, in the table `view`, apart from all records.

A view belongs to a space, which is everybody who sees the same records (`api.views`); in each a name stands once.
"""

from contextlib import closing
from typing import Any

import apsw
import msgspec

from whodid_indexer.store.sqlite.connect import guard, open_for_reading
from whodid_indexer.store.sqlite.write import SqliteStore
from whodid_indexer.store.views import View, check_room

_ALL = "SELECT json FROM view WHERE space = ? ORDER BY name"
_decode = msgspec.json.Decoder(View).decode


class SqliteViews:
    """The views of the file that the store writes.

    It is the store's connection that writes them: a second one would have to wait for groups of records without any
    order, and by chance too long.
    """

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def all(self, space: str) -> list[View]:
        """The views of a space by name. Raises StateError and StoreUnreachable, as all three."""
        with closing(open_for_reading(self._store.path)) as connection, guard(self._store.path):
            rows: Any = connection.execute(_ALL, (space,)).fetchall()
        return [_decode(json) for (json,) in rows]

    def save(self, space: str, view: View) -> bool:
        """Keep a view, in place of one of its name; whether there was none. Raises UsageError for one too many."""

        def saved(connection: apsw.Connection) -> bool:
            known = _knows(connection, space, view.name)
            if not known:
                check_room(connection.execute("SELECT count(*) FROM view WHERE space = ?", (space,)).get)
            json = msgspec.json.encode(view).decode()
            connection.execute("INSERT OR REPLACE INTO view VALUES (?, ?, ?)", (space, view.name, json))
            return not known

        return self._store.alone(saved)

    def delete(self, space: str, name: str) -> bool:
        """Remove a view; whether it was there."""

        def deleted(connection: apsw.Connection) -> bool:
            known = _knows(connection, space, name)
            connection.execute("DELETE FROM view WHERE space = ? AND name = ?", (space, name))
            return known

        return self._store.alone(deleted)


def _knows(connection: apsw.Connection, space: str, name: str) -> bool:
    return bool(connection.execute("SELECT count(*) FROM view WHERE space = ? AND name = ?", (space, name)).get)
