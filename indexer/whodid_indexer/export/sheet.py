r"""Records as CSV (RFC 4180: comma, CRLF, quotes doubled, UTF-8, one header line), safe to open in a spreadsheet.

- A cell that a spreadsheet would compute (it begins with `= + - @`, their full-width forms, a tab or a line end) gets
  an apostrophe in front, and so does one that has apostrophes and then such a character. To read it back take one
  apostrophe away where apostrophes stand before such a character: `unguard`.
- Control and bidi characters are written as `visible` shows them (`\x1b`), line feeds stay. NDJSON has them exact.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from whodid_indexer.export.columns import Cell, cells
from whodid_schema.record import Record, decode
from whodid_schema.visible import visible

_CHUNK = 1 << 16

_COMPUTED = "=+\\-@\t\r\n＝＋－＠"
_computed = re.compile(f"'*[{_COMPUTED}]").match
_guarded = re.compile(f"'+[{_COMPUTED}]").match


def guard(cell: str) -> str:
    """The cell as it is written: an apostrophe first where a spreadsheet would compute it."""
    return f"'{cell}" if _computed(cell) else cell


def unguard(cell: str) -> str:
    """What `guard` was given."""
    return cell[1:] if _guarded(cell) else cell


_BEGINNINGS = frozenset("=+-@\t\r\n＝＋－＠'")
"""What a cell to guard begins with."""


def _written(cell: str) -> str:
    return guard(visible(cell, newlines=True))


class Sheet:
    """Turns records into CSV text with the given columns; `rows` counts those written."""

    def __init__(self, columns: Sequence[str], time: Cell | None = None, *, excel: str | None = None) -> None:
        """`time` makes the cells of the column `time`, in a time zone of choice.

        `excel`, the zone's name, begins the file with the mark by which Excel knows UTF-8, and names the zone in the
        heading of the time, whose cells are to have none.
        """
        self._headings = columns if excel is None else [f"{n} ({excel})" if n == "time" else n for n in columns]
        self._mark = "" if excel is None else "\ufeff"
        made = cells(columns)
        self._cells = [time if time and name == "time" else cell for name, cell in zip(columns, made, strict=True)]
        self.rows = 0

    def row(self, record: Record) -> list[str]:
        """The written cells of one record."""
        row = [cell(record) for cell in self._cells]
        if "".join(row).isprintable() and _BEGINNINGS.isdisjoint([cell[:1] for cell in row]):
            return row  # nothing in it to escape or to guard, as in most: told by one look at all of it
        return [_written(cell) for cell in row]

    def chunks(self, bodies: Iterable[bytes], *, header: bool = True) -> Iterator[bytes]:
        """The file, header first (unless it is there already), in pieces of about 64 KiB, each of whole rows."""
        buffer = io.StringIO(newline="")
        write = csv.writer(buffer, lineterminator="\r\n").writerow
        if header:
            buffer.write(self._mark)
            write([_written(heading) for heading in self._headings])
        for body in bodies:
            write(self.row(decode(body)))
            self.rows += 1
            if buffer.tell() >= _CHUNK:
                yield buffer.getvalue().encode()
                buffer.seek(0)
                buffer.truncate()
        yield buffer.getvalue().encode()
