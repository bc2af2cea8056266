"""The embedded store: one SQLite file, through apsw only (two SQLite libraries on a file break each other's locks)."""

from whodid_indexer.store.sqlite.read import SqliteReader
from whodid_indexer.store.sqlite.write import SqliteStore

__all__ = ["SqliteReader", "SqliteStore"]
