"""`whodid search`: the matching records, newest first, a page at a time."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import NamedTuple

import click
from msgspec.structs import replace

from whodid_indexer.cli.audited import note
from whodid_indexer.cli.explain import explain_option, say_explained
from whodid_indexer.cli.filters import Question, filter_options
from whodid_indexer.cli.options import Source, bundle, colour_option, source_options
from whodid_indexer.cli.output import FORMATS, TABLE, counted, fitting, print_table, say, write
from whodid_indexer.cli.source import opened
from whodid_indexer.cli.zone import zone_options
from whodid_indexer.query.loose import as_words
from whodid_indexer.query.model import ALL, AuditQuery
from whodid_indexer.query.own import LEFT_OUT, without_own
from whodid_indexer.query.zones import shown_time, written_time, zone_name
from whodid_indexer.store.base import Found, Page, Reader
from whodid_indexer.store.places import format_key, parse_key
from whodid_schema.errors import UsageError

MAX_OFFSET = 10_000
"""Numbered pages reach so many records; further on `--after` leads."""


def _page(limit: int, number: int, after: str | None, oldest_first: bool) -> Page:
    offset = (number - 1) * limit
    if offset > MAX_OFFSET:
        raise UsageError(
            f"--page {number}: numbered pages reach record {MAX_OFFSET:,}",
            "go on with the --after that each page names",
        )
    place = None if after is None else parse_key(after, "--after")
    return Page(limit=limit, after=place, offset=offset, ascending=oldest_first)


page_options = bundle(
    "page",
    [
        click.option(
            "-n", "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Records on a page."
        ),
        click.option(
            "--page", "number", type=click.IntRange(1), default=1, show_default=True, help="Which page, from 1."
        ),
        click.option("--after", metavar="CURSOR", help="Go on behind this place, as the page before named it."),
        click.option("--oldest-first", is_flag=True, help="In the order of time instead of newest first."),
    ],
    _page,
    ["limit", "number", "after", "oldest_first"],
)


class Shape(NamedTuple):
    """How the records are written: the format, and the columns of a table or a sheet."""

    form: str
    columns: Sequence[str]


def _shape(form: str, columns: str | None) -> Shape:
    from whodid_indexer.export.columns import AUDITOR, parse_columns  # noqa: PLC0415  only where there are columns

    if columns is None:
        return Shape(form, AUDITOR if form == "csv" else fitting())
    if form not in ("table", "csv"):
        raise UsageError(f"--columns is for table and csv, not {form}", "JSON has the whole record")
    return Shape(form, parse_columns(columns))


shape_options = bundle(
    "shape",
    [
        click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True),
        click.option(
            "--columns", metavar="NAMES", help=f"Comma-separated, for table and csv.  [default: {','.join(TABLE)}]"
        ),
    ],
    _shape,
    ["form", "columns"],
)


@click.command("search")
@source_options
@filter_options
@zone_options
@colour_option
@page_options
@explain_option
@shape_options
def command(
    source: Source,
    question: Question,
    zone: tzinfo,
    color: str,
    page: Page,
    explain: bool,
    shape: Shape,
) -> None:
    """List the records that match, newest first.

    All time is searched unless --last, --since or --until say otherwise.
    Every filter has a --not- form that leaves out what it names (--not-actor bob).
    """
    query = question.query(zone)
    with opened(source, "search") as reader:
        if explain:
            say_explained(reader, query, "search")
        found = reader.search(query, page)
        note(reader, "search", query, found=found.total)
        _print(found, shape, zone, color)
        if found.records:
            _say_place(found, page)
        else:
            _say_way_out(reader, query, question, found.total, zone)


def _print(found: Found, shape: Shape, zone: tzinfo, color: str) -> None:
    from whodid_indexer.export.lines import Lines, inert  # noqa: PLC0415  as above
    from whodid_indexer.export.sheet import Sheet  # noqa: PLC0415  as above
    from whodid_schema.record import decode  # noqa: PLC0415  as above

    if shape.form == "json":
        following = b"" if found.next is None else b',"next":"%s"' % format_key(found.next).encode()
        events = b",\n".join(inert(record) for record in found.records)
        write([b'{"events":[%s],"total":%d%s}\n' % (events, found.total, following)])
    elif shape.form == "ndjson":
        write(Lines().chunks(found.records))
    elif shape.form == "csv":
        write(Sheet(shape.columns, lambda record: written_time(record.timestamp, zone)).chunks(found.records))
    elif found.records:
        print_table([decode(body) for body in found.records], shape.columns, zone, color)


def _say_place(found: Found, page: Page) -> None:
    shown = len(found.records)
    if page.after is None:
        say(f"Showing {page.offset + 1:,}–{page.offset + shown:,} of {found.total:,}")
    else:
        say(f"Showing {shown:,} of {found.total:,}")
    if found.next is not None:
        say(f"next: --after {format_key(found.next)}")


def _say_words(query: AuditQuery, mentions: int) -> None:
    from whodid_indexer.query.printer import to_command  # noqa: PLC0415  only where nothing was found

    say(f"a value is compared as a whole ('ana*': what begins so); as words anywhere in a record, {mentions:,} match:")
    say(to_command(replace(query, terms=tuple(term for term in query.terms if term != LEFT_OUT))))


def _say_way_out(reader: Reader, query: AuditQuery, question: Question, total: int, zone: tzinfo) -> None:
    """What to change where nothing is shown: the page, the time range, the filters, or the store."""
    if total:
        say(f"nothing on this page; {total:,} records match")
        return
    say("nothing matches")
    if question.ranged:
        wider = replace(query, since=None, until=None)
        newest = reader.search(wider, Page(limit=1))
        if newest.records:
            from whodid_schema.record import decode  # noqa: PLC0415  as above

            time = shown_time(decode(newest.records[0]).timestamp, zone)
            say(f"{newest.total:,} match in all time, the newest of {time} {zone_name(zone)}")
            say(f"show it: --since {time[:10]}")
            return
    words = without_own(as_words(query))
    for asked in (words, replace(words, since=None, until=None)) if words != query else ():
        if mentions := reader.count(asked):
            _say_words(asked, mentions)
            return
    everything = reader.count(without_own(ALL))
    say(
        f"the store has {counted(everything, 'record')} of all time; none fits the filters"
        if everything
        else "the store is empty: whodid-agent brings it events"
    )
