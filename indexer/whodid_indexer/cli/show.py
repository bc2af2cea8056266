"""`whodid show ID`: everything that one record says."""

from datetime import tzinfo

import click

from whodid_indexer.cli.options import Source, colour_option, source_options
from whodid_indexer.cli.output import write
from whodid_indexer.cli.source import opened
from whodid_indexer.cli.zone import zone_options
from whodid_schema.errors import WhodidError


@click.command("show")
@click.argument("identifier", metavar="ID")
@source_options
@zone_options
@colour_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--raw", is_flag=True, help="Print the event as the application wrote it (secrets masked), nothing else.")
def command(
    identifier: str,
    source: Source,
    zone: tzinfo,
    color: str,
    form: str,
    raw: bool,
) -> None:
    """Show one record: who, what, when, from where, the changes, the metadata, how it came in."""
    from whodid_indexer.cli.detail import print_detail  # noqa: PLC0415  rich only when there is something to show
    from whodid_indexer.export.lines import inert  # noqa: PLC0415  as above
    from whodid_schema.record import decode  # noqa: PLC0415  as above

    with opened(source) as reader:
        body = reader.get(identifier.strip().lower())
    if body is None:
        raise WhodidError(f"there is no record {identifier}", "`whodid search --format ndjson` prints ids")
    record = decode(body)
    if raw:
        if record.raw is None:
            raise WhodidError(f"record {identifier} was stored without its original")
        write([inert(record.raw.encode(errors="surrogatepass")), b"\n"])
    elif form == "json":
        write([inert(body), b"\n"])
    else:
        print_detail(record, zone, color)
