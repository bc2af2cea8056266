"""`whodid doctor`: is the store well, and what is to be done where it is not."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import click

from whodid_indexer.cli.options import Source, source_options
from whodid_indexer.cli.places import FORWARDING, configured, find_settings, find_store, own_place
from whodid_indexer.cli.source import access_to
from whodid_schema.errors import WhodidError
from whodid_schema.visible import visible

if TYPE_CHECKING:
    from whodid_indexer.doctor.finding import Check, Finding
    from whodid_indexer.retention.document import Wanted

_SIGNS = {"ok": "ok     ", "warn": "WARN   ", "fail": "FAIL   ", "skipped": "skipped"}


@click.command("doctor")
@source_options
@click.option("--budget", type=click.FloatRange(min=1), default=60.0, show_default=True, metavar="SECONDS",
              help="What is not looked at by then is named.")  # fmt: skip
@click.option("--silent", default="7d", show_default=True, metavar="SPAN",
              help="An application without a record for so long is named.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(source: Source, budget: float, silent: str, form: str) -> None:
    """Look the store over and say for each check: ok, warn, fail or skipped, and how to mend it. Nothing is changed.

    Ends with 0 where nothing fails (warnings are no failure), with 1 where something does, with 4 where there is no
    store to look at.
    """
    from whodid_indexer.doctor.finding import Budget, look_over  # noqa: PLC0415  not needed to print help
    from whodid_indexer.query.times import parse_span  # noqa: PLC0415  as above

    found: list[Finding] = []
    span = parse_span(silent)
    with _checks(source, span) as (url, checks):
        for finding in look_over(checks, Budget(budget)):
            found.append(finding)
            if form == "table":
                _show(finding)
    if form == "json":
        import msgspec  # noqa: PLC0415  as above

        click.echo(msgspec.json.format(msgspec.json.encode({"store": url, "findings": found}), indent=2).decode())
    failed = sum(finding.status == "fail" for finding in found)
    if failed:
        raise WhodidError(f"{failed} of {len(found)} checks failed", "each says above how to mend it")


def _show(finding: "Finding") -> None:
    click.echo(visible(f"{_SIGNS[finding.status]}  {finding.check}: {finding.said}"))
    if finding.mend:
        click.echo(visible(f"           {finding.mend}"))


class _Own(NamedTuple):
    """The checks of one kind of store: those before and those behind what records tell, which take longer."""

    first: "list[tuple[str, Check]]"
    last: "list[tuple[str, Check]]"


@contextlib.contextmanager
def _checks(source: Source, silent: timedelta) -> "Iterator[tuple[str, list[tuple[str, Check]]]]":
    """The store's URL without credentials, and all checks that there are for its kind."""
    from whodid_indexer.doctor.contents import Contents  # noqa: PLC0415  as above
    from whodid_indexer.doctor.folder import Folder  # noqa: PLC0415  as above
    from whodid_indexer.doctor.forwarding import Forwarding  # noqa: PLC0415  as above
    from whodid_indexer.export.manifest import without_credentials  # noqa: PLC0415  as above
    from whodid_indexer.store.open import open_reader  # noqa: PLC0415  apsw or httpx, as above

    settings = configured(source.config)
    wanted = None if settings is None else settings.wanted()
    place = find_store(source.store, source.config)
    with contextlib.ExitStack() as opened:
        if place.url.startswith(("http:", "https:")):
            own = _network(place.url, source, wanted, opened)
        else:
            own = _file(place.url, opened)
        reader = opened.enter_context(contextlib.closing(open_reader(place.url, lambda: access_to(source), "count")))
        contents = Contents(reader, wanted, datetime.now(UTC), silent)
        folder = Folder(None if settings is None or settings.archive is None else settings.archive.directory)
        forwarding = Forwarding([] if settings is None else settings.forward, own_place(FORWARDING), reader)
        others = [*folder.checks(), *forwarding.checks(), *contents.checks()]
        yield without_credentials(place.url), [*own.first, *others, *own.last]


def _file(url: str, opened: contextlib.ExitStack) -> _Own:
    from whodid_indexer.access.tokens import SqliteRegister  # noqa: PLC0415  apsw only where it is used
    from whodid_indexer.doctor.file import StoreFile  # noqa: PLC0415  as above
    from whodid_indexer.doctor.rows import Rows  # noqa: PLC0415  as above
    from whodid_indexer.doctor.tokens import Tokens  # noqa: PLC0415  as above
    from whodid_indexer.store.open import path_of  # noqa: PLC0415  as above

    path = path_of(url)
    file = opened.enter_context(contextlib.closing(StoreFile(path)))
    tokens = Tokens(SqliteRegister(path).all, datetime.now(UTC))
    return _Own([*file.checks(), *tokens.checks()], Rows(file).checks())


def _network(url: str, source: Source, wanted: "Wanted | None", opened: contextlib.ExitStack) -> _Own:
    """A cluster's own checks; a whodid server has none from outside: its file is looked over where it is."""
    from whodid_indexer.doctor.cluster import Cluster  # noqa: PLC0415  httpx only where it is used
    from whodid_indexer.doctor.server import Served  # noqa: PLC0415  as above
    from whodid_indexer.doctor.tokens import Tokens  # noqa: PLC0415  as above
    from whodid_indexer.store.opensearch.connect import Client  # noqa: PLC0415  as above
    from whodid_indexer.store.opensearch.state_tokens import ClusterRegister  # noqa: PLC0415  as above

    client = opened.enter_context(contextlib.closing(Client(url, access_to(source))))
    root = client.root()
    if isinstance(root, dict) and root.get("product") == "whodid":
        return _Own(Served(client).checks(), [])
    settings = find_settings(source.config)
    cluster = Cluster(client, wanted, ism=settings.ism_deletes, repository=settings.snapshot_repository)
    tokens = Tokens(ClusterRegister(client).all, datetime.now(UTC))
    return _Own([*cluster.checks(), *tokens.checks()], [])
