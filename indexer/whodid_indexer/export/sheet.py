r"""Records as CSV (RFC 4180: comma, CRLF, quotes doubled, UTF-8, one header line), safe to open in a spreadsheet.

- A cell that a spreadsheet would compute (it begins with `= + - @`, their full-width forms, a tab or a line end) gets
  an apostrophe in front, and so does one that has apostrophes and then such a character. To read it back take one
  apostrophe away where apostrophes stand before such a character: `unguard`.
- Control and bidi characters are written as `visible` shows them (`\x1b`), line feeds stay. NDJSON has them exact.
"""

import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from whodid_indexer.export.columns import Cell, cells, light_decoder
from whodid_schema.visible import visible

_MOST, _LARGEST = 128, 1 << 18
"""Records, and bytes of records, that are made into text at a time."""

_COMPUTED = "=+\\-@\t\r\n＝＋－＠"
_computed = re.compile(f"'*[{_COMPUTED}]").match
_guarded = re.compile(f"'+[{_COMPUTED}]").match


def guard(cell: str) -> str:
    """The cell as it is written: an apostrophe first where a spreadsheet would compute it."""
    return f"'{cell}" if _computed(cell) else cell


def unguard(cell: str) -> str:
    """What `guard` was given."""
    return cell[1:] if _guarded(cell) else cell


_suspect = re.compile(f"\n['{_COMPUTED.replace(chr(10), '')}]").search
"""A cell that may be guarded, among cells with a line feed before each."""


def _written(cell: str) -> str:
    return guard(visible(cell, newlines=True))


def _harmless(row: Sequence[str]) -> bool:
    """Whether there is nothing to escape or to guard in any of the cells, told by one look at all of them."""
    text = "\n" + "\n".join(row)
    return text.count("\n") == len(row) and not _suspect(text) and text.replace("\n", "").isprintable()


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
        self._decode = light_decoder(columns)
        self._cells = [time if time and name == "time" else cell for name, cell in zip(columns, made, strict=True)]
        self.rows = 0

    def chunks(self, bodies: Iterable[bytes], *, header: bool = True) -> Iterator[bytes]:
        """The file, header first (unless it is there already), in pieces of whole rows, some dozen KiB each."""
        if header:
            yield f"{self._mark}{_line([_written(heading) for heading in self._headings])}".encode()
        for batch in _batches(bodies):
            self.rows += len(batch)
            yield "".join(map(_line, self._written_rows(batch))).encode()

    def _written_rows(self, batch: Sequence[bytes]) -> list[list[str]]:
        """The written cells. Each record is let go of before the next: many at a time keep the collector busy."""
        rows = [[cell(record) for cell in self._cells] for body in batch for record in (self._decode(body),)]
        if _harmless(list(itertools.chain.from_iterable(rows))):
            return rows
        return [row if _harmless(row) else [_written(cell) for cell in row] for row in rows]


def _line(row: Sequence[str]) -> str:
    """The row as a line of the file. Most have nothing to quote, and need no writer."""
    line = ",".join(row)
    if len(row) > 1 and line.count(",") == len(row) - 1 and '"' not in line and "\n" not in line:
        return f"{line}\r\n"
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerow(row)
    return buffer.getvalue()


def _batches(bodies: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The records some hundred at a time, fewer where they are large."""
    batch: list[bytes] = []
    size = 0
    for body in bodies:
        batch.append(body)
        size += len(body)
        if size >= _LARGEST or len(batch) == _MOST:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
