"""Small tables of counts: printed with the manners of `output`, or written as CSV."""

import csv
import io
from collections.abc import Iterable, Sequence

from whodid_indexer.cli.output import print_cells, write
from whodid_schema.visible import visible


def print_block(rows: Sequence[Sequence[str]], color: str, *, right: Sequence[int] = (0,), bold: bool = True) -> None:
    """Rows of equal length, the first of them a heading; the columns `right` have their cells at the right edge.

    Where a terminal is too narrow, the other columns are cut.
    """
    from rich.text import Text  # noqa: PLC0415  60 ms that the machine formats do not need

    cells = [[Text(visible(cell)) for cell in row] for row in rows]
    if bold:
        for cell in cells[0]:
            cell.stylize("bold")
    for place in right:
        width = max(row[place].cell_len for row in cells)
        for row in cells:
            row[place].pad_left(width - row[place].cell_len)
    print_cells(cells, [place for place in range(len(rows[0])) if place not in right], color)


def print_csv(rows: Iterable[Sequence[str]]) -> None:
    """Rows as CSV, safe to open in a spreadsheet like every other."""
    from whodid_indexer.export.sheet import guard  # noqa: PLC0415  not needed to print help

    text = io.StringIO(newline="")
    put = csv.writer(text, lineterminator="\r\n").writerow
    for row in rows:
        put([guard(visible(cell, newlines=True)) for cell in row])
    write([text.getvalue().encode()])
