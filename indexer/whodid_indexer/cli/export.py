"""`whodid export`: every matching record into a file, at constant memory, checked against the count."""

from collections.abc import Iterable, Iterator
from datetime import tzinfo
from pathlib import Path
from typing import NamedTuple, Protocol

import click

from whodid_indexer.cli.filters import Question, filter_options
from whodid_indexer.cli.options import Source, bundle, source_options
from whodid_indexer.cli.output import say, write
from whodid_indexer.cli.source import opened
from whodid_indexer.cli.zone import written_time, zone_options
from whodid_indexer.export.columns import AUDITOR, parse_columns
from whodid_indexer.export.file import write_whole
from whodid_indexer.export.lines import Lines
from whodid_indexer.export.sheet import Sheet
from whodid_schema.errors import Incomplete, UsageError


class Destination(NamedTuple):
    """Where the export goes: a file, or `-` for stdout; `force` replaces a file that is there."""

    output: str
    force: bool


destination_options = bundle(
    "to",
    [
        click.option("-o", "--output", default="-", metavar="FILE", help="Where to write; - is stdout (the default)."),
        click.option("--force", is_flag=True, help="Replace FILE where it exists."),
    ],
    Destination,
    ["output", "force"],
)


class RowWriter(Protocol):
    """What turns records into a file: `Sheet` or `Lines`."""

    rows: int

    def chunks(self, bodies: Iterable[bytes]) -> Iterator[bytes]:
        """The file in pieces."""


@click.command("export")
@source_options
@filter_options
@zone_options
@click.option("--format", "form", type=click.Choice(["csv", "ndjson"]), default="csv", show_default=True)
@destination_options
@click.option(
    "--columns", metavar="NAMES", help=f"Comma-separated columns of a CSV file.  [default: {','.join(AUDITOR)}]"
)
@click.option("--oldest-first", is_flag=True, help="In the order of time instead of newest first.")
def command(
    source: Source,
    question: Question,
    zone: tzinfo,
    to: Destination,
    form: str,
    columns: str | None,
    oldest_first: bool,
) -> None:
    """Write every matching record, newest first, as CSV or NDJSON.

    The file appears when it is whole; the number of its rows is checked against the count and said.
    Every filter has a --not- form that leaves out what it names (--not-actor bob).
    """
    writer = _writer(form, columns, zone)
    query = question.query(zone)
    with opened(source) as reader:
        promised = reader.count(query)
        chunks = writer.chunks(reader.scan(query, ascending=oldest_first))
        if to.output == "-":
            write(chunks)
        else:
            write_whole(Path(to.output), chunks, force=to.force)
    say(f"{writer.rows:,} rows" + ("" if to.output == "-" else f" in {to.output}"))
    if writer.rows < promised:
        raise Incomplete(f"{promised:,} records match, but {writer.rows:,} rows were written", "export again")


def _writer(form: str, columns: str | None, zone: tzinfo) -> RowWriter:
    if form == "csv":
        names = AUDITOR if columns is None else parse_columns(columns)
        return Sheet(names, lambda record: written_time(record.timestamp, zone))
    if columns is not None:
        raise UsageError("--columns is for CSV", "an NDJSON line is the whole record")
    return Lines()
