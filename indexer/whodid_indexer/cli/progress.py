"""How far an export is, on stderr: rows and rows a second, in one line; silent away from a terminal."""

import sys
import time
from collections.abc import Callable

from whodid_indexer.cli.output import say
from whodid_indexer.export.run import Asked, Watch

EVERY = 0.5
"""Seconds between two looks."""


class Progress(Watch):
    """Tells of rows as they are written. `shown`: None is only where stderr is a terminal."""

    def __init__(self, shown: bool | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown = self._terminal if shown is None else shown
        self._clock = clock
        self._began = self._last = clock()
        self._there = 0
        self._of = ""
        self.interrupted = 0

    def begins(self, asked: Asked, rows: int) -> None:
        """What is promised, and how much of it is there already."""
        self._began = self._last = self._clock()
        self._there = rows
        if asked.promised is not None:
            least, most = asked.promised
            self._of = f" of {least:,}" if least == most else f" of {least:,} to {most:,}"
        if rows:
            say(f"going on behind row {rows:,}{self._of}, as of {asked.started}")
        elif self._shown and self._of:
            self._line(f"{self._of.removeprefix(' of ')} rows")

    def rows(self, rows: int) -> None:
        """So many are written."""
        now = self._clock()
        if self._shown and now - self._last >= EVERY:
            self._last = now
            rate = (rows - self._there) / (now - self._began)
            self._line(f"{rows:,}{self._of} rows, {rate:,.0f} a second")

    def kept(self, rows: int) -> None:
        """It ended early and can go on behind so many rows."""
        self.interrupted = rows

    def ended(self) -> None:
        """Leave the line free for what is said next."""
        if self._shown and self._terminal:
            self._line("")

    def _line(self, text: str) -> None:
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        else:
            say(text)
