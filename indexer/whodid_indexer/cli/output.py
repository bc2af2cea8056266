"""How answers are printed: data on stdout, everything about it on stderr, every value through `visible`.

A table on a terminal is cut to its width and coloured; not on a terminal nothing is cut and nothing coloured.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING

import click

from whodid_indexer.query.zones import shown_time, zone_name
from whodid_schema.excerpt import marked
from whodid_schema.taxonomy import badge
from whodid_schema.visible import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from whodid_indexer.query.parse import Hint
    from whodid_schema.record import Record

FORMATS = ("table", "json", "ndjson", "csv")
COLOURS = {"success": "green", "warning": "yellow", "failure": "red", "unknown": "dim"}
"""Of an outcome; its word stands beside the colour always."""

_UNCUT = 1_000_000
"""The width of a table that nothing cuts."""

TABLE = ("time", "verb", "actor", "description", "target", "outcome")
_HEADINGS = {"target": "Resource", "ip": "IP", "id": "ID"}
_FIXED = {"time", "verb", "outcome", "layer", "ip", "id", "kind", "surface"}
"""Columns that are never cut: half a time or an outcome says nothing."""

_NARROW = ("time", "verb", "description", "outcome")
"""Those of a terminal with fewer than `_WIDE` columns: the description says who did it, and to what."""

_WIDE = 120
_GAP = "  "
_NARROWEST = 8


def console(color: str) -> "Console":
    """A rich console on stdout with the manners above."""
    from rich.console import Console  # noqa: PLC0415  60 ms that `count` and the machine formats do not need

    terminal = sys.stdout.isatty()
    coloured = color == "always" or (color == "auto" and terminal and not os.environ.get("NO_COLOR"))
    return Console(
        force_terminal=coloured,
        no_color=not coloured,
        width=None if terminal else _UNCUT,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def fitting() -> tuple[str, ...]:
    """The table's columns where none are asked for, as the terminal has room."""
    return _NARROW if sys.stdout.isatty() and shutil.get_terminal_size().columns < _WIDE else TABLE


def print_table(records: Sequence["Record"], columns: Sequence[str], zone: tzinfo, color: str) -> None:
    """One line per record under a line of headings."""
    from rich.text import Text  # noqa: PLC0415  as above

    makers = _cells(columns, zone)
    rows = [[make(record) for make in makers] for record in records]
    headings = [Text(_heading(name, zone), "bold") for name in columns]
    print_cells([headings, *rows], [place for place, name in enumerate(columns) if name not in _FIXED], color)


def print_cells(rows: Sequence[Sequence["Text"]], shrinking: Sequence[int], color: str) -> None:
    """Rows of equal length, column under column; on a terminal the `shrinking` columns are cut to its width."""
    from rich.text import Text  # noqa: PLC0415  as above

    out = console(color)
    widths = [max(cell.cell_len for cell in cells) for cells in zip(*rows, strict=True)]
    if sys.stdout.isatty():
        _fit(widths, shrinking, out.width)
    for row in rows:
        for cell, width in zip(row, widths, strict=True):
            cell.truncate(width, overflow="ellipsis", pad=True)
        line = Text(_GAP).join(row)
        line.rstrip()
        out.print(line, no_wrap=True, crop=False, overflow="ignore")


def _heading(name: str, zone: tzinfo) -> str:
    if name == "time":
        return f"Time ({zone_name(zone)})"
    return name if "." in name else _HEADINGS.get(name, name.capitalize())  # a path is written as it is asked for


def _fit(widths: list[int], shrinking: Sequence[int], room: int) -> None:
    """Cut the `shrinking` columns so that a line has `room` cells: the widest give most, the others stay whole."""
    left = room - len(_GAP) * (len(widths) - 1) - sum(w for place, w in enumerate(widths) if place not in shrinking)
    for done, place in enumerate(sorted(shrinking, key=lambda place: widths[place])):
        share = left // (len(shrinking) - done)
        widths[place] = max(min(widths[place], share), _NARROWEST)
        left -= widths[place]


def _cells(columns: Sequence[str], zone: tzinfo) -> list[Callable[["Record"], "Text"]]:
    from rich.text import Text  # noqa: PLC0415  as above

    from whodid_indexer.export.columns import cells  # noqa: PLC0415  as above

    def plain(cell: Callable[["Record"], str]) -> Callable[["Record"], Text]:
        return lambda record: Text(visible(cell(record)))

    special: dict[str, Callable[[Record], Text]] = {
        "time": lambda record: Text(shown_time(record.timestamp, zone)),
        "verb": lambda record: Text(visible(badge(record.action, record.verb)), "bold"),
        "outcome": lambda record: Text(visible(record.outcome or ""), COLOURS.get(record.outcome or "", "")),
    }
    return [special.get(name) or plain(cell) for name, cell in zip(columns, cells(columns), strict=True)]


def write(chunks: Iterable[bytes]) -> None:
    """Bytes to stdout as they come."""
    for chunk in chunks:
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


def counted(number: int, noun: str) -> str:
    """`1 row`, `1,234 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def say_hint(hint: "Hint") -> None:
    """What may have been meant otherwise, marked in what was typed."""
    lines = marked(hint.text, hint.position, hint.length).split("\n")
    say("\n".join([f"hint: {hint.message}", *(f"    {line}" for line in lines)]))


def say(text: str) -> None:
    """A line about the answer, to stderr."""
    click.echo(visible(text, newlines=True), err=True)
