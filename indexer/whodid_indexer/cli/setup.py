"""`whodid setup`: make the store, or bring it up to this version. Idempotent."""

from datetime import UTC, datetime

import click
import msgspec

from whodid_indexer.cli.options import Source, source_options
from whodid_indexer.cli.places import find_store
from whodid_schema.meta import default_meta


@click.command("setup")
@source_options
@click.option("--dry-run", is_flag=True, help="Print the document that a new store would get, and write nothing.")
def command(source: Source, dry_run: bool) -> None:
    """Make the store, or bring it up to this version. Done already, it changes nothing."""
    meta = default_meta(datetime.now(UTC))
    if dry_run:
        click.echo(msgspec.json.encode(meta))
        return
    from whodid_indexer.store.open import path_of  # noqa: PLC0415  apsw only where it is used
    from whodid_indexer.store.sqlite import SqliteStore  # noqa: PLC0415  as above

    place = find_store(source.store, source.config)
    path = path_of(place.url)
    existed = path.exists()
    SqliteStore.setup(path, meta)
    click.echo(f"{'up to date' if existed else 'set up'}: {path}", err=True)
