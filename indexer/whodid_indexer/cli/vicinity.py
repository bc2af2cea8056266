"""What stands around an event, printed under its detail; each list with the command that shows all of it."""

from collections.abc import Iterator
from datetime import timedelta, tzinfo

from rich.console import Console
from rich.text import Text

from whodid_indexer.cli.output import COLOURS, console
from whodid_indexer.export.columns import actor_label
from whodid_indexer.query.around import HOW, Around, Neighbours, SignIn
from whodid_indexer.query.printer import to_command
from whodid_indexer.query.zones import shown_time, zone_name
from whodid_schema.record import Record, decode
from whodid_schema.visible import visible

_TITLES = {
    "time": "Around it",
    "actor": "Same actor",
    "ip": "Same address",
    "target": "Same target",
    "session": "Same session",
    "request": "Same request",
}


def print_around(record: Record, found: Around, span: timedelta, zone: tzinfo, color: str) -> None:
    """Print it to stdout."""
    out = console(color)
    _title(out, f"Signed in? ({zone_name(zone)})")
    for line in answer(record, found.sign_in, zone):
        out.print(Text(f"  {line}"), soft_wrap=True)
    width = f"±{_minutes(span)}"
    for neighbours in found.neighbours:
        reach = "all time" if neighbours.relation in ("session", "request") else width
        _title(out, f"{_TITLES[neighbours.relation]} ({reach})")
        _print(out, record, neighbours, zone)
    for relation in found.unasked:
        _title(out, _TITLES[relation])
        out.print(Text("  its value has a * in it, or is too long: no query can name it"))


def answer(record: Record, signed: SignIn | None, zone: tzinfo) -> Iterator[str]:
    """Was this person signed in, from where, when this was done? In lines, safe to print."""
    who = visible(actor_label(record)) or "nobody named"
    if signed is None:
        yield f"not known: no sign-in of {who} before this is recorded"
        return
    began = decode(signed.sign_in)
    how = "this is the sign-in" if signed.how == "itself" else f"found by {HOW[signed.how]}"
    if signed.ended is not None:
        ended = decode(signed.ended)
        yield f"no: {who} had signed out at {shown_time(ended.timestamp, zone)} ({how})"
    else:
        yield f"yes: {who}, {how}"
    yield f"signed in   {shown_time(began.timestamp, zone)}{_where(began)}  {began.id}"
    if signed.sign_out is not None:
        out = decode(signed.sign_out)
        yield f"signed out  {shown_time(out.timestamp, zone)}{_where(out)}  {out.id}"
    elif signed.ended is None:
        yield "no sign-out after it is recorded"


def _where(record: Record) -> str:
    client = record.client
    if client is None:
        return ""
    return visible("".join(f"  {part}" for part in (client.ip, client.device) if part))


def _title(out: Console, title: str) -> None:
    out.print()
    out.print(Text(title, "bold underline"))


def _print(out: Console, record: Record, neighbours: Neighbours, zone: tzinfo) -> None:
    if not neighbours.total:
        out.print(Text("  nothing else", "dim"))
        return
    for body in reversed(neighbours.before):
        _line(out, decode(body), zone)
    out.print(Text(f"› {shown_time(record.timestamp, zone)}  this event", "bold"))
    for body in neighbours.after:
        _line(out, decode(body), zone)
    left = neighbours.total - len(neighbours.before) - len(neighbours.after)
    more = f"{left:,} more: " if left else "the list: "
    out.print(Text(f"  {more}{visible(to_command(neighbours.query))}", "dim"), soft_wrap=True)


def _line(out: Console, record: Record, zone: tzinfo) -> None:
    line = Text(f"  {shown_time(record.timestamp, zone)}  ")
    outcome = record.outcome or "unknown"
    line.append(f"{visible(outcome):<8}", COLOURS.get(outcome, ""))
    line.append(f"  {visible(record.description or record.action or '')}  ")
    line.append(visible(record.id or ""), "dim")
    out.print(line, soft_wrap=True)


def _minutes(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
