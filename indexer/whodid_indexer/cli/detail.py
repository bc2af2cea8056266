"""One record in full, for people: the sentence, then what it says in sections; nothing empty is shown."""

from collections.abc import Iterator
from datetime import UTC, tzinfo
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from whodid_indexer.cli.output import COLOURS, console
from whodid_indexer.export.columns import actor_label, target_label
from whodid_indexer.query.zones import shown_time, zone_name
from whodid_schema.diff import lines
from whodid_schema.record import Actor, Person, Record, Ref
from whodid_schema.taxonomy import badge
from whodid_schema.visible import visible

Line = tuple[str, str | None]

_PRECISION = {
    "received": "the event has no time of its own: this is when it was received",
    "implausible": "the event's own time is not plausible: this is when it was received",
}


def print_detail(record: Record, zone: tzinfo, color: str) -> None:
    """Print the record to stdout."""
    out = console(color)
    out.print(Text(visible(record.description or record.action or record.id or ""), "bold"))
    outcome = record.outcome or "unknown"
    mark = Text(visible(f"{badge(record.action, record.verb)} · "))
    mark.append(visible(outcome), COLOURS.get(outcome, ""))
    if record.reason:
        mark.append(visible(f" · {record.reason}"))
    out.print(mark)
    for title, fields in (
        ("When", _when(record, zone)),
        ("Who", _who(record)),
        ("What", _what(record)),
        ("From where", _where(record)),
    ):
        _section(out, title, fields)
    _changes(out, record)
    _json(out, "Before", record.snapshot and record.snapshot.before)
    _json(out, "After", record.snapshot and record.snapshot.after)
    _json(out, "Metadata", record.metadata)
    _section(out, "Record", _record(record))


def _section(out: Console, title: str, fields: Iterator[Line]) -> None:
    there = [(name, value) for name, value in fields if value]
    if not there:
        return
    out.print()
    out.print(Text(title, "bold underline"))
    for name, value in there:
        out.print(Text(f"  {name:<14}", "dim").append(visible(value), "not dim"), soft_wrap=True)


def _when(record: Record, zone: tzinfo) -> Iterator[Line]:
    yield "time", f"{shown_time(record.timestamp, zone)} {zone_name(zone)}"
    yield "exactly", record.timestamp
    if zone is not UTC:
        yield "UTC", shown_time(record.timestamp, UTC)
    yield "precision", _PRECISION.get(record.time_precision or "", record.time_precision)
    yield "reported", record.reported_time
    yield "zone", "the event names none: read as UTC" if record.zone_assumed else None
    yield "received", record.received_at


def _who(record: Record) -> Iterator[Line]:
    yield "actor", actor_label(record)
    actor = record.actor or Actor()
    yield "type", actor.type
    yield "id", actor.id
    yield "email", actor.email
    yield "role", actor.role
    yield "provider", actor.provider
    yield "token", _named(actor.token)
    yield "owner", actor.owner
    yield "on behalf of", _named(actor.on_behalf_of)
    yield "key", actor.key
    yield "session", record.session_id


def _what(record: Record) -> Iterator[Line]:
    yield "action", record.action
    yield "verb", record.verb
    yield "app", record.app
    yield "surface", record.surface
    yield "kind", record.kind
    yield "category", record.category_label or record.category
    for target in record.targets or ([record.target] if record.target else []):
        identity = f" ({target.id})" if target.name and target.id else ""
        count = f" × {target.count:,}" if target.count and target.count > 1 else ""
        yield target.relation or "target", f"{target_label(target)}{identity}{count}"
    yield "workspace", _named(record.workspace)
    yield "project", _named(record.project)
    yield "layer", record.layer
    yield "request", record.request_id


def _where(record: Record) -> Iterator[Line]:
    if record.client is not None:
        yield "ip", record.client.ip
        yield "device", record.client.device
        yield "country", record.client.country
        yield "user agent", record.client.user_agent


def _record(record: Record) -> Iterator[Line]:
    yield "id", record.id
    yield "native id", record.native_id
    if record.ingest is not None:
        for name, value in msgspec.structs.asdict(record.ingest).items():
            yield name, None if value is None else str(value)
    if record.raw is not None:
        masked = ", secrets masked" if record.raw_redacted else ""
        yield "original", f"{len(record.raw):,} characters{masked}: whodid show {record.id} --raw"


def _named(ref: Ref | Person | None) -> str | None:
    if ref is None:
        return None
    identity = f"({ref.id})" if ref.name and ref.id else ref.id
    parts = (ref.name, identity, ref.email if isinstance(ref, Person) else None)
    return " ".join(part for part in parts if part)


def _changes(out: Console, record: Record) -> None:
    if not record.changes:
        return
    out.print()
    out.print(Text("Changes", "bold underline"))
    for line in lines(record.changes):
        style = {"-": "red", "+": "green"}.get(line[:1], "")
        out.print(Text(f"  {visible(line)}", style), soft_wrap=True)


def _json(out: Console, title: str, value: Any) -> None:
    if value is None or value == {}:
        return
    out.print()
    out.print(Text(title, "bold underline"))
    text = msgspec.json.format(msgspec.json.encode(value)).decode()
    for line in text.splitlines():
        out.print(Text(f"  {visible(line)}"), soft_wrap=True)
