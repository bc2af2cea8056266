"""`whodid show ID`: everything that one record says, and with --context what stands around it."""

from datetime import timedelta, tzinfo
from typing import TYPE_CHECKING

import click

from whodid_indexer.cli.audited import note
from whodid_indexer.cli.options import Source, bundle, colour_option, source_options
from whodid_indexer.cli.output import write
from whodid_indexer.cli.source import opened
from whodid_indexer.cli.zone import zone_options
from whodid_schema.errors import BadQuery, UsageError, WhodidError

if TYPE_CHECKING:
    from whodid_indexer.query.around import Around
    from whodid_schema.record import Record

LONGEST_SPAN = timedelta(days=31)


def _span(context: bool, around: str | None) -> timedelta | None:
    """How far to look to either side; None where nothing around it is asked for."""
    if around is None:
        return timedelta(minutes=5) if context else None
    from whodid_indexer.query.times import parse_span  # noqa: PLC0415  only where one is given

    try:
        span = parse_span(around.removesuffix("in"))  # 5min is said as often as 5m
    except BadQuery as error:
        raise UsageError(f"--around {around}: {error.message}", "write it like 1m, 5m, 30m or 2h") from error
    if not timedelta() < span <= LONGEST_SPAN:
        raise UsageError(f"--around {around}: not a span up to {LONGEST_SPAN.days}d", "write it like 5m or 2h")
    return span


context_options = bundle(
    "span",
    [
        click.option("--context", is_flag=True, help="What stands around it, and the sign-in it happened under."),
        click.option("--around", metavar="SPAN", help="The same, so far to either side: 1m, 30m, 2h.  [default: 5m]"),
    ],
    _span,
    ["context", "around"],
)


@click.command("show")
@click.argument("identifier", metavar="ID")
@source_options
@zone_options
@colour_option
@context_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--raw", is_flag=True, help="Print the event as the application wrote it (secrets masked), nothing else.")
def command(
    identifier: str,
    source: Source,
    zone: tzinfo,
    color: str,
    span: timedelta | None,
    form: str,
    raw: bool,
) -> None:
    """Show one record: who, what, when, from where, the changes, the metadata, how it came in.

    --context adds the events near it in time, of the same actor, address, target, session and request, and answers:
    was this person signed in, from where, when this was done?
    """
    from whodid_schema.record import decode  # noqa: PLC0415  only when there is something to show

    if raw and span is not None:
        raise UsageError("--raw prints the original and nothing else", "leave out --context and --around, or --raw")
    with opened(source, "show") as reader:
        body = reader.get(identifier.strip().lower())
        if body is None:
            raise WhodidError(f"there is no record {identifier}", "`whodid search --format ndjson` prints ids")
        record = decode(body)
        note(reader, "show", subject=record.id)
        found = None
        if span is not None:
            from whodid_indexer.query.around import around  # noqa: PLC0415  as above

            found = around(reader, record, span)
    if raw:
        _print_raw(record, identifier)
    elif form == "json":
        _print_json(body, found)
    else:
        from whodid_indexer.cli.detail import print_detail  # noqa: PLC0415  rich only here

        print_detail(record, zone, color)
        if found is not None and span is not None:
            from whodid_indexer.cli.vicinity import print_around  # noqa: PLC0415  as above

            print_around(record, found, span, zone, color)


def _print_raw(record: "Record", identifier: str) -> None:
    from whodid_indexer.export.lines import inert  # noqa: PLC0415  as above

    if record.raw is None:
        raise WhodidError(f"record {identifier} was stored without its original")
    write([inert(record.raw.encode(errors="surrogatepass")), b"\n"])


def _print_json(body: bytes, found: "Around | None") -> None:
    from whodid_indexer.export.lines import inert  # noqa: PLC0415  as above

    if found is not None:
        from whodid_indexer.query.answers import around_json  # noqa: PLC0415  as above

        body = around_json(body, found)
    write([inert(body), b"\n"])
