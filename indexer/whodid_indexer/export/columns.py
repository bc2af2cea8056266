"""The columns that tables and CSV files can have: every query name, the record's times and texts, and `meta.<path>`.

A cell is text, exact as the record has it; making it safe for a terminal or a spreadsheet is the writer's work.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from whodid_schema.diff import inline
from whodid_schema.errors import UsageError
from whodid_schema.fields import META_PREFIX
from whodid_schema.record import Record, Ref, Target

Cell = Callable[[Record], str]

AUDITOR = ("time", "layer", "outcome", "actor", "workspace", "action", "target", "ip", "device", "details", "id")
"""What an auditor expects, and the id to find the record again."""


def target_label(target: Target | None) -> str:
    """`broadcast: May Newsletter`, `user #42`, `19 imported rows`; empty for none."""
    if target is None:
        return ""
    kind = target.type or ""
    if target.name:
        return f"{kind}: {target.name}" if kind else target.name
    return f"{kind} #{target.id}".strip() if target.id else kind


def actor_label(record: Record) -> str:
    """The actor's name, else e-mail, else id, else type; with whom it acted for: `Ann (as Bob)`."""
    actor = record.actor
    if actor is None:
        return ""
    label = actor.name or actor.email or actor.id or actor.type or ""
    behalf = actor.on_behalf_of
    if behalf is None:
        return label
    return f"{label} (as {behalf.name or behalf.email or behalf.id or 'somebody'})"


def details(record: Record) -> str:
    """The description, the reason, and the changes where the description does not tell them already."""
    parts = [record.description or ""]
    if record.reason and record.reason not in parts[0]:
        parts.append(record.reason)
    for change in record.changes or ():
        text = inline(change)
        if text not in parts[0]:
            parts.append(text)
    return "; ".join(part for part in parts if part)


def _ref(ref: Ref | None) -> str:
    return "" if ref is None else ref.name or ref.id or ""


def _json(value: Any) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()


def _actor(attribute: str) -> Cell:
    def cell(record: Record) -> str:
        return "" if record.actor is None else getattr(record.actor, attribute) or ""

    return cell


def _client(attribute: str) -> Cell:
    def cell(record: Record) -> str:
        return "" if record.client is None else getattr(record.client, attribute) or ""

    return cell


def _plain(attribute: str) -> Cell:
    def cell(record: Record) -> str:
        return getattr(record, attribute) or ""

    return cell


_COLUMNS: dict[str, Cell] = {
    "time": _plain("timestamp"),
    "received": _plain("received_at"),
    "id": _plain("id"),
    **{name: _plain(name) for name in ("app", "surface", "kind", "category", "action", "verb", "outcome", "reason")},
    "description": _plain("description"),
    "details": details,
    "actor": actor_label,
    "actor.type": _actor("type"),
    "actor.id": _actor("id"),
    "actor.key": _actor("key"),
    "email": _actor("email"),
    "role": _actor("role"),
    "provider": _actor("provider"),
    "target": lambda record: target_label(record.target),
    "target.id": lambda record: (record.target and record.target.id) or "",
    "targets": lambda record: "; ".join(target_label(target) for target in record.targets or ()),
    "type": lambda record: (record.target and record.target.type) or "",
    "workspace": lambda record: _ref(record.workspace),
    "project": lambda record: _ref(record.project),
    "layer": _plain("layer"),
    "ip": _client("ip"),
    "device": _client("device"),
    "country": _client("country"),
    "user_agent": _client("user_agent"),
    "session": _plain("session_id"),
    "request": _plain("request_id"),
    "changed": lambda record: "; ".join(record.changed or ()),
    "changes": lambda record: _json(record.changes),
    "metadata": lambda record: _json(record.metadata),
    "raw": _plain("raw"),
}

COLUMNS: Mapping[str, Cell] = MappingProxyType(_COLUMNS)
"""Column → the cell of a record. `meta.<path>` makes further ones, see `cells`."""


def parse_columns(text: str) -> tuple[str, ...]:
    """The names of a comma-separated list. Raises UsageError naming the nearest column for an unknown one."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError("no columns are named", f"columns are {', '.join(COLUMNS)}, meta.<path>")
    for name in names:
        if name not in COLUMNS and not (name.startswith(META_PREFIX) and len(name) > len(META_PREFIX)):
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            known = f"did you mean {near[0]!r}?" if near else f"columns are {', '.join(COLUMNS)}, meta.<path>"
            raise UsageError(f"there is no column {name!r}", known)
    return names


def cells(columns: Sequence[str]) -> list[Cell]:
    """The cell functions of columns that `parse_columns` has passed."""
    return [_COLUMNS[name] if name in _COLUMNS else _meta(name.removeprefix(META_PREFIX)) for name in columns]


def _meta(path: str) -> Cell:
    steps = path.split(".")

    def cell(record: Record) -> str:
        return _written(_lookup(record.metadata, steps))

    return cell


def _lookup(value: Any, steps: list[str]) -> Any:
    """The value at a dotted path; a key may contain dots itself, so the longest one that fits is taken first."""
    if not steps:
        return value
    if isinstance(value, dict):
        for size in range(len(steps), 0, -1):
            key = ".".join(steps[:size])
            if key in value:
                return _lookup(value[key], steps[size:])
    return None


def _written(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)
