"""`whodid tail`: the newest records, then every further one as it arrives; no doubles, no gaps.

The place behind everything is taken first, then the newest are shown: what arrives in between is in both and is shown
once. From there on the store's change feed leads, in order of arrival, also over a restart of the server. What of it
matches is decided here (export.match), as `export --since-last` decides it.
"""

import itertools
import select
import sys
import time
from collections.abc import Iterator
from datetime import tzinfo

import click

from whodid_indexer.cli.audited import note
from whodid_indexer.cli.filters import Question, filter_options
from whodid_indexer.cli.options import Source, colour_option, source_options
from whodid_indexer.cli.output import COLOURS, console, say, write
from whodid_indexer.cli.source import opened
from whodid_indexer.cli.zone import zone_options
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.query.zones import shown_time
from whodid_indexer.store.base import Changes, Page, Reader
from whodid_schema.errors import StoreUnreachable

INTERVAL = 1.0
"""Seconds between two looks at a store where nothing has arrived."""

BATCH = 500
"""Changes asked for at a time."""


@click.command("tail")
@source_options
@filter_options
@zone_options
@colour_option
@click.option(
    "-n", "number", type=click.IntRange(0, 1000), default=10, show_default=True, help="Newest records to begin with."
)
@click.option("--format", "form", type=click.Choice(["table", "ndjson"]), default="table", show_default=True)
@click.option("--no-follow", is_flag=True, help="End after the newest ones.")
def command(
    source: Source,
    question: Question,
    zone: tzinfo,
    color: str,
    number: int,
    form: str,
    no_follow: bool,
) -> None:
    """Show the newest records, then every further one as it arrives, until Ctrl-C.

    Every filter has a --not- form that leaves out what it names (--not-actor bob).
    """
    query = question.query(zone)
    with opened(source, "tail") as reader:
        note(reader, "tail", query)
        for bodies in feed(reader, query, number, None if no_follow else INTERVAL):
            if no_follow and not bodies:
                say("nothing matches")
            if form == "ndjson":
                _print_lines(bodies)
            else:
                _print_rows(bodies, zone, color)


def feed(reader: Reader, query: AuditQuery, number: int, interval: float | None) -> Iterator[list[bytes]]:
    """The newest `number` matches, oldest of them first; then what arrives, looked for every `interval` seconds."""
    from whodid_indexer.export.match import matcher  # noqa: PLC0415  not needed to print help
    from whodid_indexer.export.snapshot import place_of  # noqa: PLC0415  as above
    from whodid_schema.record import decode  # noqa: PLC0415  as above

    cursor = reader.now()
    newest = reader.search(query, Page(limit=number)).records[::-1] if number else []
    yield newest
    if interval is None:
        return
    matches = matcher(query)
    shown = {place_of(body) for body in newest}
    while True:
        changes = _patiently(reader, cursor, interval)
        if not changes.records:
            _rest(interval)
            continue
        cursor = changes.cursor
        bodies = (stored.body for stored in changes.records)
        yield [body for body in bodies if matches(decode(body)) and place_of(body) not in shown]


def _rest(seconds: float) -> None:
    """Wait. Raises BrokenPipeError when whoever reads our output has gone: a quiet store would never tell us."""
    try:
        output = sys.stdout.fileno()
    except OSError:  # not a file of the operating system: nobody who could go
        time.sleep(seconds)
        return
    gone = select.poll()
    gone.register(output, 0)  # errors are told unasked
    if gone.poll(seconds * 1000):
        raise BrokenPipeError


def _patiently(reader: Reader, cursor: str, interval: float) -> Changes:
    """The next changes; while the store does not answer it is asked again, more and more rarely; both are said once."""
    silent = False
    for wait in itertools.chain((interval, 2 * interval, 4 * interval), itertools.repeat(8 * interval)):
        try:
            changes = reader.changes(cursor, BATCH)
        except StoreUnreachable as error:
            if not silent:
                say(f"{error.message}; waiting")
            silent = True
            time.sleep(wait)
        else:
            if silent:
                say("the store answers again")
            return changes
    raise AssertionError("the waits never end")


def _print_lines(bodies: list[bytes]) -> None:
    from whodid_indexer.export.lines import Lines  # noqa: PLC0415  as above

    write(Lines().chunks(bodies))


def _print_rows(bodies: list[bytes], zone: tzinfo, color: str) -> None:
    from rich.text import Text  # noqa: PLC0415  as above

    from whodid_schema.record import decode  # noqa: PLC0415  as above
    from whodid_schema.visible import visible  # noqa: PLC0415  as above

    out = console(color)
    for body in bodies:
        record = decode(body)
        outcome = record.outcome or "unknown"
        line = Text(f"{shown_time(record.timestamp, zone)}  ", "dim")
        line.append(f"{visible(outcome):<8}", f"not dim {COLOURS.get(outcome, '')}")
        line.append(f"  {visible(record.description or record.action or '')}", "not dim")
        if record.client is not None and record.client.ip:
            line.append(f"  {visible(record.client.ip)}")
        out.print(line, soft_wrap=True)
    sys.stdout.flush()
