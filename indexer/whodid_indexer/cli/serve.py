"""`whodid serve`: the store's server on this machine. Agents post to it, people ask it."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import click

from whodid_indexer.cli.options import Source, source_options
from whodid_indexer.cli.places import configured, find_listen, find_store


@click.command("serve")
@source_options
@click.option(
    "--listen", metavar="HOST:PORT", help="Where to listen; port 0 takes a free one.  [default: 127.0.0.1:8642]"
)
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the server's URL there once it takes requests.",
)
def command(source: Source, listen: str | None, ready_file: Path | None) -> None:
    """Serve a SQLite store on this machine; it is set up where it is not there yet.

    Once a day it deletes what is older than its retention, unless `serve_retention` is false in the configuration.
    Prints `listening on URL` once it takes requests. SIGTERM ends it after everything under way is stored.
    """
    from whodid_indexer.api.app import build  # noqa: PLC0415  heavy, and only this command needs it
    from whodid_indexer.api.server import allowed_hosts, bind, parse_address, serve  # noqa: PLC0415  as above
    from whodid_indexer.retention.daily import Daily  # noqa: PLC0415  as above
    from whodid_indexer.store.open import open_reader, path_of  # noqa: PLC0415  as above
    from whodid_indexer.store.sqlite import SqliteStore  # noqa: PLC0415  as above
    from whodid_indexer.store.sqlite.document import write_document  # noqa: PLC0415  as above
    from whodid_indexer.store.sqlite.retire import SqliteLifecycle  # noqa: PLC0415  as above

    host, port = parse_address(find_listen(listen, source.config))
    place = find_store(source.store, source.config)
    path = path_of(place.url)
    settings = configured(source.config)
    change = write_document(path, None if settings is None else settings.wanted(), datetime.now(UTC))
    daily = Daily(lambda leave: SqliteLifecycle(path, leave))
    with bind(host, port) as bound:
        writer = SqliteStore(path)
        click.echo(f"whodid: store {path} ({place.said_by})", err=True)
        click.echo(
            "whodid: no tokens: everyone on this machine may read and write; other machines are refused", err=True
        )
        if change.before is not None and change.before != change.after:
            click.echo("whodid: the store's document was changed to what the configuration says", err=True)
        with daily if settings is None or settings.serve_retention else contextlib.nullcontext():
            serve(build(writer, lambda: open_reader(place.url), allowed_hosts(host)), bound, ready_file)
