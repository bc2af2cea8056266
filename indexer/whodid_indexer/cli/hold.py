"""`whodid hold add|list|release`: what must not be deleted, whatever retention says."""

import contextlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, NamedTuple, cast

import click
import msgspec

from whodid_config.commandline import LazyGroup
from whodid_indexer.cli.audited import administer, whoever
from whodid_indexer.cli.filters import Question, filters_without
from whodid_indexer.cli.options import Source, source_options
from whodid_indexer.cli.output import counted, say
from whodid_indexer.cli.places import find_settings
from whodid_indexer.cli.source import opened
from whodid_indexer.cli.zone import zone_options
from whodid_schema.visible import visible

if TYPE_CHECKING:
    from whodid_indexer.audit.recorder import Recorder
    from whodid_indexer.holds.hold import Hold, Holds
    from whodid_indexer.store.base import Reader
    from whodid_indexer.store.remote import RemoteStore

format_option = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)


class _Place(NamedTuple):
    """The store's holds, the store itself, and where what is done is recorded (None: whoever answers does it)."""

    holds: "Holds"
    reader: "Reader"
    recorder: "Recorder | None"


@click.group("hold", cls=LazyGroup)
def group() -> None:
    """Keep records from being deleted, whatever retention says, until they are let go by name.

    A hold covers what is stored and what arrives later. Holds that have ended stay listed.
    """


@group.command("add")
@source_options
@filters_without("reason", "until")
@zone_options
@click.option("--reason", required=True, metavar="TEXT", help="Why: shown wherever the hold is.")
@click.option("--until", metavar="TIME", help="When it ends by itself; without it, when it is released.")
@click.option("--name", metavar="NAME", help="What it is called, once and for all; else hold-1, hold-2 …")
@format_option
def add(
    source: Source, question: Question, zone: tzinfo, reason: str, until: str | None, name: str | None, form: str
) -> None:
    """Hold what the filters find. Times are fixed now: --last 30d is the thirty days before today.

    A record's own reason and the end of a time range are asked by -q: -q 'reason:timeout until:2026-11-21'.
    """
    from whodid_indexer.holds.hold import named, new_hold  # noqa: PLC0415  not needed to print help

    now = datetime.now(UTC)
    query = question.query(zone, now, own=True)
    hold = new_hold(query, reason, _me(), now, name=name, until=_time(until, now, zone))
    with _opened(source, "count") as place:
        hold = named(hold, place.holds.all(), now)
        found = place.reader.count(query)
        if place.recorder is not None:
            administer(place.recorder, "hold_add", subject=hold.name, found=found, **_about(hold))
        place.holds.add(hold)
    if form == "json":
        click.echo(msgspec.json.encode({**msgspec.to_builtins(hold), "matches": found}).decode())
    else:
        click.echo(hold.name)
        say(f"holds {counted(found, 'record')} and what arrives later: {visible(hold.query)}{_ends(hold)}")
    if not found:
        say("warning: nothing that is stored matches; the hold covers only what comes later. Is the question right?")


@group.command("list")
@source_options
@format_option
def list_holds(source: Source, form: str) -> None:
    """List every hold there is and was: who asked for it, why, and how it ended."""
    with _opened(source, "count") as place:
        holds = place.holds.all()
    now = datetime.now(UTC)
    if form == "json":
        told = [{"state": hold.state_at(now), **msgspec.to_builtins(hold)} for hold in holds]
        click.echo(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
        return
    for line in _lines(holds, now):
        click.echo(line)
    if not holds:
        say("there are no holds; whodid hold add makes one")


@group.command("release")
@source_options
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why it may be deleted now.")
@format_option
def release(source: Source, name: str, reason: str, form: str) -> None:
    """Let go of a hold. What retention has been waiting for goes with the next apply."""
    from whodid_indexer.holds.hold import released  # noqa: PLC0415  as above

    now = datetime.now(UTC)
    with _opened(source, "count") as place:
        hold = released(place.holds.all(), name, _me(), reason, now)
        if place.recorder is not None:
            about = _about(hold) | {"released_reason": hold.released_reason}
            administer(place.recorder, "hold_release", subject=name, **about)
        hold = place.holds.release(name, _me(), reason, now)
    if form == "json":
        click.echo(msgspec.json.encode(hold).decode())
    else:
        say(f"released: {visible(name)}; what is older than its retention goes with the next apply")


@contextlib.contextmanager
def _opened(source: Source, action: str) -> Iterator[_Place]:
    from whodid_indexer.audit.recorder import recorder_of  # noqa: PLC0415  as above

    with opened(source, action) as reader:
        yield _Place(_holds(source, reader), reader, recorder_of(reader))


def _holds(source: Source, reader: "Reader") -> "Holds":
    """Where the store that `reader` asks keeps its holds."""
    from whodid_indexer.store.sqlite.read import SqliteReader  # noqa: PLC0415  apsw only where it is used

    if isinstance(reader, SqliteReader):
        from whodid_indexer.store.sqlite.holds import SqliteHolds  # noqa: PLC0415  as above

        return SqliteHolds(reader.path)
    from whodid_indexer.store.opensearch.read import OpenSearchReader  # noqa: PLC0415  httpx only where it is used

    if isinstance(reader, OpenSearchReader):
        from whodid_indexer.store.opensearch.holds import ClusterHolds  # noqa: PLC0415  as above

        settings = find_settings(source.config)
        return ClusterHolds(reader.client, deletes_by_ism=settings.ism_deletes, repository=settings.snapshot_repository)
    from whodid_indexer.holds.remote import RemoteHolds  # noqa: PLC0415  as above

    return RemoteHolds(cast("RemoteStore", reader))


def _me() -> str:
    who = whoever()
    return f"{who.name}@{who.host}"


def _time(text: str | None, now: datetime, zone: tzinfo) -> datetime | None:
    """When the hold ends. Raises BadQuery for what is no time."""
    from whodid_indexer.query.times import parse_time  # noqa: PLC0415  as above
    from whodid_indexer.retention.due import moment_of  # noqa: PLC0415  as above

    return None if text is None else moment_of(parse_time(text, now, zone))


def _about(hold: "Hold") -> dict[str, object]:
    """What is recorded of a hold."""
    return {"held": hold.query, "hold_reason": hold.reason, **({"until": hold.until} if hold.until else {})}


def _ends(hold: "Hold") -> str:
    return f", until {hold.until}" if hold.until else ", until it is released"


def _lines(holds: Iterable["Hold"], now: datetime) -> Iterator[str]:
    for hold in holds:
        yield visible(f"{hold.name}  {hold.state_at(now)}  {hold.query}")
        yield visible(f"    {hold.at} {hold.by}: {hold.reason}{_ends(hold) if hold.state_at(now) == 'active' else ''}")
        if hold.released_at is not None:
            yield visible(f"    {hold.released_at} {hold.released_by}: released: {hold.released_reason}")
        elif hold.state_at(now) == "expired":
            yield f"    {hold.until}: ended by itself"
