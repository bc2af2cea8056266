"""`whodid restore`: archived records back into a store, verified, marked, each once."""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from whodid_indexer.cli.audited import administer
from whodid_indexer.cli.options import Source, source_options
from whodid_indexer.cli.output import counted, say
from whodid_indexer.cli.places import find_store
from whodid_indexer.cli.source import access_to
from whodid_schema.errors import Incomplete
from whodid_schema.visible import visible

if TYPE_CHECKING:
    from whodid_indexer.archive.restore import Restored
    from whodid_indexer.archive.restore import Source as Archived
    from whodid_indexer.archive.sinks import Sink
    from whodid_indexer.audit.recorder import Recorder


class _Into(NamedTuple):
    """Where records go, and where it is recorded that they do; None: whoever takes them does it."""

    sink: "Sink"
    recorder: "Recorder | None"


@click.command("restore")
@click.argument("paths", metavar="FILE|DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@source_options
@click.option("--dry-run", is_flag=True, help="Verify the archives, and store nothing.")
@click.option("--unverified", is_flag=True, help="Take files whose manifest is not there, or says something else.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(paths: tuple[Path, ...], source: Source, dry_run: bool, unverified: bool, form: str) -> None:
    """Put archived records back. All archives are verified before the first record is stored.

    Records go into the class `imported`, whose retention counts from this month, and are found by
    `meta.whodid.restored:*`; all else of them is as it was. Restoring again adds nothing.
    """
    from whodid_indexer.archive.restore import files_of, look_through, restore  # noqa: PLC0415  not needed for help

    archives = look_through(files_of(paths), unverified=unverified)
    for archive in archives:
        if not archive.proven:
            say(f"note: {archive.path} is not proven by a manifest")
    done: list[Restored] = []
    if not dry_run:
        with _into(source) as into:
            if into.recorder is not None:
                administer(into.recorder, "restore", subject=_named(archives), archives=_known(archives))
            now = datetime.now(UTC)
            done = [restore(archive, into.sink, now) for archive in archives]
    _show(archives, done, form)
    refused = next((each for each in done if each.refused), None)
    if refused is not None:
        said = f"the store refused {counted(sum(each.refused for each in done), 'record')}"
        raise Incomplete(said, f"the first of {refused.file}: {refused.reason}")


def _named(archives: "Sequence[Archived]") -> str:
    """What is restored, in one word that tells two restorings apart."""
    first, *others = archives
    return f"{first.path.name} and {counted(len(others), 'other')}" if others else first.path.name


def _known(archives: "Sequence[Archived]") -> list[dict[str, object]]:
    return [{"file": each.path.name, "records": each.records, "proven": each.proven} for each in archives]


def _show(archives: "Sequence[Archived]", done: "Sequence[Restored]", form: str) -> None:
    if form == "json":
        import msgspec  # noqa: PLC0415  as above

        found = {"archives": _known(archives), "restored": done}
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    for each in done:
        click.echo(visible(f"{each.file}: {each.restored:,} restored, {each.there:,} there already"))
    if not done:
        for archive in archives:
            click.echo(visible(f"{archive.path.name}: would restore {archive.records:,} records"))


@contextlib.contextmanager
def _into(source: Source) -> "Iterator[_Into]":
    place = find_store(source.store, source.config)
    into = _network(place.url, source) if place.url.startswith(("http:", "https:")) else _file(place.url)
    with contextlib.closing(into.sink):
        yield into


def _file(url: str) -> _Into:
    from whodid_indexer.audit.recorder import IntoFile  # noqa: PLC0415  apsw only where it is used
    from whodid_indexer.store.open import path_of  # noqa: PLC0415  as above
    from whodid_indexer.store.sqlite import SqliteStore  # noqa: PLC0415  as above

    path = path_of(url)
    return _Into(SqliteStore(path), IntoFile(path))


def _network(url: str, source: Source) -> _Into:
    from whodid_indexer.archive.sinks import IntoOpenSearch, IntoServer, require_ready  # noqa: PLC0415  httpx, as above
    from whodid_indexer.audit.recorder import IntoCluster  # noqa: PLC0415  as above
    from whodid_indexer.store.opensearch.connect import Client  # noqa: PLC0415  as above
    from whodid_indexer.store.opensearch.retire import OpenSearchLifecycle  # noqa: PLC0415  as above

    access = access_to(source)
    client = Client(url, access)
    try:
        root = client.root()
        if isinstance(root, dict) and root.get("product") == "whodid":
            client.close()
            return _Into(IntoServer(url, access), None)
        require_ready(client)
    except BaseException:
        client.close()
        raise
    return _Into(IntoOpenSearch(client), IntoCluster(client, OpenSearchLifecycle(client).meta))
