"""Everything one record says, in sections of named values; what a query can ask for comes with its links."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from whodid_dashboards.viewer import times
from whodid_dashboards.viewer.links import Links
from whodid_indexer.export.columns import actor_label, target_label
from whodid_schema.diff import is_masked, show
from whodid_schema.record import Actor, Person, Record, Ref
from whodid_schema.timestamp import to_micros

LONGEST = 4_000
"""Characters of one value; the raw original has all of it."""

_PRECISION = {
    "received": "the event has no time of its own: this is when it was received",
    "implausible": "the event's own time is not plausible: this is when it was received",
}


class Fact(Struct, frozen=True):
    """One named value, with the addresses that ask for it, or for everything else."""

    name: str
    value: str
    include: str | None = None
    exclude: str | None = None


class Side(Struct, frozen=True):
    """One side of a change: `mark` is `-` or `+`."""

    mark: str
    value: str
    masked: bool


class Changed(Struct, frozen=True):
    """A changed field, with its old and new value where there is one."""

    field: str
    sides: tuple[Side, ...]
    include: str | None


class _Facts:
    """Makes facts; a field's name brings the links."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def __call__(self, name: str, value: str | None, field: str = "", asked: str | None = None) -> Iterator[Fact]:
        if not value:
            return
        shown = value if len(value) <= LONGEST else f"{value[:LONGEST]}… ({len(value):,} characters)"
        what = asked or value
        if not field or len(what) > LONGEST:
            yield Fact(name, shown)
            return
        links = self._links
        yield Fact(name, shown, links.adding(field, what), links.adding(field, what, negated=True))


def sections(record: Record, links: Links) -> list[tuple[str, list[Fact]]]:
    """Title and facts of each section that has any."""
    fact = _Facts(links)
    found = (
        ("When", list(_when(record, links, fact))),
        ("Who", list(_who(record, fact))),
        ("What", list(_what(record, fact))),
        ("From where", list(_where(record, fact))),
    )
    return [(title, facts) for title, facts in found if facts]


def _when(record: Record, links: Links, fact: _Facts) -> Iterator[Fact]:
    question = links.question
    micros = to_micros(record.timestamp or "")
    yield from fact("time", f"{times.exact(micros, question.zone)} {question.zone_name}")
    yield from fact("exactly", record.timestamp)
    yield from fact("distance", times.distance(micros, question.now_micros))
    yield from fact("precision", _PRECISION.get(record.time_precision or "", record.time_precision))
    yield from fact("reported", record.reported_time)
    yield from fact("zone", "the event names none: read as UTC" if record.zone_assumed else None)
    yield from fact("received", record.received_at)


def _who(record: Record, fact: _Facts) -> Iterator[Fact]:
    actor = record.actor or Actor()
    yield from fact("actor", actor_label(record), "actor.key" if actor.key else "", actor.key)
    yield from fact("type", actor.type, "actor.type")
    yield from fact("id", actor.id)
    yield from fact("e-mail", actor.email, "email")
    yield from fact("role", actor.role, "role")
    yield from fact("provider", actor.provider, "provider")
    yield from fact("token", _named(actor.token))
    yield from fact("owner", actor.owner)
    yield from fact("on behalf of", _named(actor.on_behalf_of))
    yield from fact("key", actor.key)
    yield from fact("session", record.session_id, "session")


def _what(record: Record, fact: _Facts) -> Iterator[Fact]:
    yield from fact("action", record.action, "action")
    yield from fact("verb", record.verb, "verb")
    for target in record.targets or ([record.target] if record.target else []):
        identity = f" ({target.id})" if target.name and target.id else ""
        count = f" × {target.count:,}" if target.count and target.count > 1 else ""
        asked = f"{target.type}:{target.id}" if target.type and target.id else target.id or target.name
        yield from fact(target.relation or "resource", f"{target_label(target)}{identity}{count}", "target", asked)
    yield from fact("reason", record.reason, "reason")
    yield from fact("category", record.category_label or record.category, "category", record.category)
    for name in ("app", "surface", "kind", "layer"):
        yield from fact(name, getattr(record, name), name)
    yield from fact("workspace", _named(record.workspace), "workspace", _id(record.workspace))
    yield from fact("project", _named(record.project), "project", _id(record.project))
    yield from fact("request", record.request_id, "request")


def _where(record: Record, fact: _Facts) -> Iterator[Fact]:
    client = record.client
    if client is not None:
        yield from fact("IP", client.ip, "ip")
        yield from fact("device", client.device, "device")
        yield from fact("country", client.country)
        yield from fact("user agent", client.user_agent)


def origin(record: Record) -> list[Fact]:
    """How the record came in."""
    found = [Fact("id", record.id or "")]
    found += [Fact("native id", record.native_id)] if record.native_id else []
    if record.ingest is not None:
        found += [Fact(n, str(v)) for n, v in msgspec.structs.asdict(record.ingest).items() if v is not None]
    return found


def changes(record: Record, links: Links) -> list[Changed]:
    """Only what changed, list elements by their place; what is masked says that it is."""
    return [
        Changed(
            change.field,
            tuple(_sides(change.from_, change.to, hidden=bool(change.redacted))),
            links.adding("changed", change.field),
        )
        for change in record.changes or ()
    ]


def _sides(before: Any, after: Any, *, hidden: bool) -> Iterator[Side]:
    for mark, value in (("−", before), ("+", after)):
        if value is not None:
            masked = is_masked(value)
            yield Side(mark, "hidden" if masked else _text(show(value)), masked)
    if hidden and before is None and after is None:
        yield Side("±", "hidden", masked=True)


def pretty(value: Any) -> str:
    """A value as JSON for people; empty for nothing."""
    if value is None or value == {}:
        return ""
    return _text(msgspec.json.format(msgspec.json.encode(value), indent=2).decode(), 100_000)


def _text(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def _id(ref: Ref | None) -> str | None:
    return None if ref is None else ref.id or ref.name


def _named(ref: Ref | Person | None) -> str | None:
    if ref is None:
        return None
    identity = f"({ref.id})" if ref.name and ref.id else ref.id
    parts: Sequence[str | None] = (ref.name, identity, ref.email if isinstance(ref, Person) else None)
    return " ".join(part for part in parts if part)
