"""Shared views of a SQLite store: questions under a name, in the table `view`, apart from all records.

A view belongs to a space, which is everybody who sees the same records (`api.views`); in each a name stands once.
"""

from pathlib import Path
from typing import Any

import apsw
import msgspec
from msgspec import Struct

from whodid_indexer.store.sqlite.connect import guard, open_for_reading, open_for_writing
from whodid_indexer.store.sqlite.schema import require_version
from whodid_schema.errors import UsageError

MOST = 500
"""Views of one space."""


class View(Struct, frozen=True):
    """`texts` are of the query language, and all must hold; `by` says who saved it, `saved` when (RFC 3339, UTC)."""

    name: str
    texts: tuple[str, ...]
    by: str
    saved: str


_ALL = "SELECT json FROM view WHERE space = ? ORDER BY name"
_decode = msgspec.json.Decoder(View).decode


class SqliteViews:
    """The views of one file; each call opens it, so that nothing is held between two."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self, space: str) -> list[View]:
        """The views of a space by name. Raises StateError and StoreUnreachable, as all three."""
        connection = open_for_reading(self._path)
        try:
            with guard(self._path):
                rows: Any = connection.execute(_ALL, (space,)).fetchall()
        finally:
            connection.close()
        return [_decode(json) for (json,) in rows]

    def save(self, space: str, view: View) -> bool:
        """Keep a view, in place of one of its name; whether there was none. Raises UsageError for one too many."""
        connection = self._writing()
        try:
            with guard(self._path), connection:
                known = _knows(connection, space, view.name)
                if not known and connection.execute("SELECT count(*) FROM view WHERE space = ?", (space,)).get >= MOST:
                    raise UsageError(f"there are {MOST} views already", "delete one")
                json = msgspec.json.encode(view).decode()
                connection.execute("INSERT OR REPLACE INTO view VALUES (?, ?, ?)", (space, view.name, json))
        finally:
            connection.close()
        return not known

    def delete(self, space: str, name: str) -> bool:
        """Remove a view; whether it was there."""
        connection = self._writing()
        try:
            with guard(self._path), connection:
                known = _knows(connection, space, name)
                connection.execute("DELETE FROM view WHERE space = ? AND name = ?", (space, name))
        finally:
            connection.close()
        return known

    def _writing(self) -> apsw.Connection:
        connection = open_for_writing(self._path)
        try:
            with guard(self._path):
                require_version(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _knows(connection: apsw.Connection, space: str, name: str) -> bool:
    return bool(connection.execute("SELECT count(*) FROM view WHERE space = ? AND name = ?", (space, name)).get)
