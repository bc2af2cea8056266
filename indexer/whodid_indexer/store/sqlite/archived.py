"""Records of a SQLite file on their way into an archive, by their numbers, before these are deleted."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import apsw

from whodid_indexer.archive.writer import Archive, Leaving
from whodid_indexer.store.sqlite.bodies import Unpacker
from whodid_indexer.store.sqlite.entry import joined

TOGETHER = 250_000
"""Records of one file: two megabytes of memory here, and what is written anew where that is interrupted."""

_BODY = "SELECT idh, idl, body FROM event WHERE seq = ?"


class _Left(Exception):
    """It is time to leave."""


class Archiver:
    """Reads by one connection. `leave`, once set, ends an archiving early: then nothing of it may be deleted."""

    def __init__(self, connection: apsw.Connection, archive: Archive, leave: threading.Event) -> None:
        self._connection = connection
        self._archive = archive
        self._leave = leave

    def takes(self, class_: str) -> bool:
        """Whether records of the class are archived."""
        return self._archive.takes(class_)

    def keep(self, leaving: Leaving, numbers: Sequence[int]) -> str | None:
        """Archive the rows of these numbers; the name of the file that has them, None where it was time to leave.

        A row that is gone by now, because another apply was quicker, is not in it. Raises WhodidError.
        """
        try:
            kept = self._archive.keep(leaving, self._records(numbers))
        except _Left:
            return None
        return None if kept is None else kept.path.name

    def _records(self, numbers: Sequence[int]) -> Iterator[tuple[str, bytes]]:
        unpack = Unpacker(self._connection).unpack
        for number in numbers:
            if self._leave.is_set():
                raise _Left
            row: Any = self._connection.execute(_BODY, (number,)).fetchone()
            if row is not None:
                yield joined(row[0], row[1]), unpack(row[2])
