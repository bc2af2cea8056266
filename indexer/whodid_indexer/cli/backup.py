"""`whodid backup`: a copy of a SQLite store while it is in use, checked, with a manifest beside it."""

from pathlib import Path

import click

from whodid_indexer.cli.audited import administer
from whodid_indexer.cli.options import Source, place_options
from whodid_indexer.cli.output import counted, say
from whodid_indexer.cli.places import find_store
from whodid_schema.errors import StoreTooOld, UsageError


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@place_options
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(file: Path, source: Source, form: str) -> None:
    """Copy the SQLite store to FILE while it is in use. The copy is of one moment, and checked before it has its name.

    It holds everything, tokens too, and only its owner may read it. The way back: stop the server, put FILE in the
    store's place without the old -wal and -shm, and run `whodid doctor`.
    """
    place = find_store(source.store, source.config)
    if place.url.startswith(("http:", "https:")):
        raise UsageError(
            f"{place.url} is not a file", "back up where the file is; OpenSearch has snapshots (docs/operations.md)"
        )
    from whodid_indexer.audit.recorder import IntoFile  # noqa: PLC0415  apsw only where it is used
    from whodid_indexer.store.open import path_of  # noqa: PLC0415  as above
    from whodid_indexer.store.sqlite.backup import back_up, require_new  # noqa: PLC0415  as above
    from whodid_indexer.store.sqlite.connect import open_for_reading  # noqa: PLC0415  as above

    require_new(file)
    path = path_of(place.url)
    try:
        open_for_reading(path).close()
    except StoreTooOld as error:
        hint = "the version that made it backs it up; or copy it, with its -wal, while nothing runs on it"
        raise StoreTooOld(error.message, hint) from error
    administer(IntoFile(path), "backup", subject=str(file.absolute()))
    backup = back_up(path, file)
    if form == "json":
        import msgspec  # noqa: PLC0415  as above

        click.echo(msgspec.json.format(msgspec.json.encode(backup), indent=2).decode())
    say(f"{counted(backup.records, 'record')} in {file}: checked, SHA-256 {backup.sha256}")
