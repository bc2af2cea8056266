"""The rows of a list: who, what, on what, when, as plain text of the record."""

from collections.abc import Sequence
from datetime import tzinfo

from msgspec import Struct

from whodid_dashboards.viewer import times
from whodid_dashboards.viewer.links import Links
from whodid_indexer.export.columns import Cell, actor_label, cells, target_label
from whodid_indexer.query.initials import initials
from whodid_schema.record import Record, decode
from whodid_schema.taxonomy import OUTCOMES, badge
from whodid_schema.timestamp import to_micros


class Row(Struct, frozen=True):
    """One event of a list. `outcome` is one of the closed set, `micros` its time since the epoch."""

    id: str
    href: str
    actor: str
    initials: str
    by: str
    badge: str
    description: str
    outcome: str
    reason: str
    resource: str
    more: int
    micros: int
    time: str
    written: str
    further: tuple[str, ...] = ()


def row_of(record: Record, links: Links, zone: tzinfo, further: Sequence[Cell] = ()) -> Row:
    """The row of a record, its link among those of the page's query; `further` are cells beside the usual ones."""
    micros = to_micros(record.timestamp or "")
    actor = record.actor
    label = actor_label(record) or "System"
    description = record.description or record.action or record.id or ""
    reason = record.reason or ""
    return Row(
        id=record.id or "",
        href=links.event(record.id or ""),
        actor=cut(label),
        initials=initials(label),
        by=cut(
            (actor.email if actor and actor.email and actor.email != label else None) or (actor and actor.type) or ""
        ),
        badge=cut(badge(record.action, record.verb), 30),
        description=cut(description, 300),
        outcome=outcome_of(record),
        reason="" if reason in description else cut(reason),
        resource=cut(target_label(record.target)),
        more=max(len(record.targets or ()) - 1, 0),
        micros=micros,
        time=times.moment(micros, zone),
        written=record.timestamp or "",
        further=tuple(cut(cell(record)) for cell in further),
    )


def rows_of(bodies: list[bytes], links: Links, zone: tzinfo) -> list[Row]:
    """The rows of stored records."""
    further = cells(links.question.columns)
    return [row_of(decode(body), links, zone, further) for body in bodies]


def outcome_of(record: Record) -> str:
    """The outcome, as one of the closed set."""
    return record.outcome if record.outcome in OUTCOMES else "unknown"


def cut(text: str, longest: int = 120) -> str:
    """The text, or its beginning: a cell of a list is no place for a megabyte."""
    return text if len(text) <= longest else f"{text[:longest]}…"
