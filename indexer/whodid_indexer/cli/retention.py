"""`whodid retention plan|apply`: what goes, when and why; and letting it go."""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from whodid_config.commandline import LazyGroup
from whodid_indexer.cli.archives import archive_of, archive_option
from whodid_indexer.cli.audited import administer
from whodid_indexer.cli.options import Source, source_options
from whodid_indexer.cli.output import say
from whodid_indexer.cli.places import configured, find_settings, find_store
from whodid_schema.errors import UsageError
from whodid_schema.visible import visible

if TYPE_CHECKING:
    from whodid_indexer.archive.writer import Archive
    from whodid_indexer.audit.recorder import Recorder
    from whodid_indexer.retention.plan import Done, Part, RetentionPlan
    from whodid_indexer.store.base import Lifecycle

at_option = click.option("--at", metavar="TIME", hidden=True, help="As if it were that time (RFC 3339).")
format_option = click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)


@click.group("retention", cls=LazyGroup)
def group() -> None:
    """Say what goes, when and why; or let go of what has outlived its retention."""


@group.command("plan")
@source_options
@archive_option
@format_option
@at_option
def plan(source: Source, folder: Path | None, form: str, at: str | None) -> None:
    """Show what the store holds by class, how long it is kept, and when each part of it goes. Nothing is changed."""
    now = _moment(at)
    with _opened(source, folder) as (lifecycle, _):
        found = lifecycle.plan(now)
        found = msgspec.structs.replace(found, differences=_differences(lifecycle, source, now))
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    for line in (*_table(found), *_holds(found)):
        click.echo(line)
    _tell(found)


@group.command("apply")
@source_options
@archive_option
@format_option
@at_option
def apply(source: Source, folder: Path | None, form: str, at: str | None) -> None:
    """Delete what has outlived its class's retention, as `plan` shows it. Nothing younger is ever deleted.

    Ended early it leaves the store sound, and the next one goes on. A store whose document says something else than
    the configuration is gone by as the document says: `whodid setup` writes what the configuration says.
    """
    now = _moment(at)
    gone: list[Done] = []

    def done(one: "Done") -> None:
        gone.append(one)
        if form == "table":
            for name in one.archives:
                click.echo(visible(f"archived in {name}"))
            click.echo(visible(f"deleted {_number(one.records)} records of {one.class_}: {one.what}"))

    with _opened(source, folder) as (lifecycle, recorder):
        differences = _differences(lifecycle, source, now)
        due = [part for part in lifecycle.plan(now).parts if part.due]
        if due:
            administer(recorder, "retention", due=[(part.class_, part.what, part.records) for part in due])
        lifecycle.apply(now, done)
        found = msgspec.structs.replace(lifecycle.plan(now), differences=differences)
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode({"at": found.at, "deleted": gone}), indent=2).decode())
    elif not gone:
        click.echo("nothing was due")
    _tell(found)


def _moment(at: str | None) -> datetime:
    """Now, or the time of `--at`. Raises UsageError."""
    if at is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise UsageError(f"--at {at}: not a time", "write it like 2026-11-21T08:00:00Z") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@contextlib.contextmanager
def _opened(source: Source, folder: Path | None) -> Iterator[tuple["Lifecycle", "Recorder"]]:
    place = find_store(source.store, source.config)
    lifecycle, recorder = _lifecycle(place.url, source, archive_of(configured(source.config), place.url, folder))
    with contextlib.closing(lifecycle):
        yield lifecycle, recorder


def _lifecycle(url: str, source: Source, archive: "Archive | None") -> tuple["Lifecycle", "Recorder"]:
    """The keeping side of the store at `url`, and where what is done to it is recorded.

    Raises StoreUnreachable and what its store raises.
    """
    from whodid_indexer.audit.recorder import IntoCluster, IntoFile  # noqa: PLC0415  not needed to print help

    if not url.startswith(("http:", "https:")):
        from whodid_indexer.store.open import path_of  # noqa: PLC0415  apsw only where it is used
        from whodid_indexer.store.sqlite.retire import SqliteLifecycle  # noqa: PLC0415  as above

        return SqliteLifecycle(path_of(url), archive=archive), IntoFile(path_of(url))
    from whodid_indexer.store.opensearch.access import access_of  # noqa: PLC0415  httpx only where it is used
    from whodid_indexer.store.opensearch.connect import Client  # noqa: PLC0415  as above
    from whodid_indexer.store.opensearch.retire import OpenSearchLifecycle  # noqa: PLC0415  as above

    settings = find_settings(source.config)
    client = Client(url, access_of(settings))
    try:
        _require_cluster(client.url, client.root())
    except BaseException:
        client.close()
        raise
    if archive is not None and settings.archive is None and settings.ism_deletes:
        say("note: the next whodid setup lets ISM delete again, which archives nothing: set archive: in whodid.yaml")
    lifecycle = OpenSearchLifecycle(
        client, deletes_by_ism=settings.ism_deletes, repository=settings.snapshot_repository, archive=archive
    )
    return lifecycle, IntoCluster(client, lifecycle.meta)


def _require_cluster(url: str, root: Any) -> None:
    """Raises UsageError for a whodid server, StoreUnreachable for anything else that is not OpenSearch."""
    from whodid_indexer.store.opensearch.connect import read_root  # noqa: PLC0415  as above

    if isinstance(root, dict) and root.get("product") == "whodid":
        raise UsageError(
            f"{url} is a whodid server, which deletes by itself once a day",
            "name its file where it runs: --store sqlite:///path/audit.db; the server may run meanwhile",
        )
    read_root(url, root)


def _differences(lifecycle: "Lifecycle", source: Source, now: datetime) -> list[str]:
    from whodid_indexer.retention.document import differences  # noqa: PLC0415  only these commands need it

    settings = configured(source.config)
    return [] if settings is None else differences(lifecycle.meta(), settings.wanted(), now)


_HEADINGS = ("Class", "Kept for", "What", "Records", "Goes", "Why")


def _table(found: "RetentionPlan") -> list[str]:
    rows = [
        (each.class_, each.kept, visible(each.what), _number(each.records), _goes(each.due, each.goes), _why(each))
        for each in found.parts
    ]
    if not rows:
        return ["the store holds no records"]
    return _columns([_HEADINGS, *rows], right=3)


def _holds(found: "RetentionPlan") -> list[str]:
    """What legal holds keep back, below the table of the classes."""
    rows = [("Hold", "Keeps back", "Of all it covers", "Until", "Question", "Why")]
    for hold in found.holds:
        by_class: dict[str, int | None] = {}
        for kept in hold.keeps:
            before = by_class.get(kept.class_, 0)
            by_class[kept.class_] = None if before is None or kept.records is None else before + kept.records
        keeps = ", ".join(f"{_number(records)} of {name}" for name, records in by_class.items())
        unknown = "nobody can tell: everything" if hold.problem is not None else ""
        told = (hold.name, unknown or keeps or "nothing yet", _number(hold.matches), hold.until or "it is released")
        rows.append((*told, visible(hold.query), visible(f"{hold.reason} ({hold.by}, {hold.at})")))
    return ["", *_columns(rows, right=2)] if found.holds else []


def _columns(rows: Sequence[tuple[str, ...]], right: int) -> list[str]:
    """The rows in columns; the one with numbers stands to the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if place == right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _why(part: "Part") -> str:
    return f"{part.why}; archived first" if part.archived else part.why


def _goes(due: bool, goes: str | None) -> str:
    return "now" if due else goes or "never"


def _number(records: int | None) -> str:
    return "?" if records is None else f"{records:,}"


def _tell(found: "RetentionPlan") -> None:
    for step in found.steps:
        say(f"to do: {step}")
    for note in found.notes:
        say(f"note: {note}")
    for difference in found.differences:
        say(f"difference: {difference}; whodid setup writes the configuration into the store")
