"""The columns that tables and CSV files can have: every query name, the record's times and texts, and paths.

A path leads into the metadata (`meta.plan.name`) or is that of a field in the record's JSON (`client.user_agent`).
A cell is text, exact as the record has it; making it safe for a terminal or a spreadsheet is the writer's work.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast, get_args, get_type_hints

import msgspec

from whodid_schema.diff import inline
from whodid_schema.errors import UsageError
from whodid_schema.fields import META_PREFIX
from whodid_schema.record import Record, Ref, Target

Cell = Callable[[Record], str]
Steps = tuple[str, ...]

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
    "workspace.id": lambda record: (record.workspace and record.workspace.id) or "",
    "project": lambda record: _ref(record.project),
    "project.id": lambda record: (record.project and record.project.id) or "",
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


def _paths(kind: type[msgspec.Struct], names: str = "", steps: tuple[str, ...] = ()) -> Iterator[tuple[str, Steps]]:
    """Every field below a struct by its path in the record's JSON."""
    hints = get_type_hints(kind)
    for field, name in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True):
        path, way = f"{names}{name}", (*steps, field)
        yield path, way
        inner = [each for each in get_args(hints[field]) if isinstance(each, type) and issubclass(each, msgspec.Struct)]
        if inner:
            yield from _paths(inner[0], f"{path}.", way)


PATHS: Mapping[str, Steps] = MappingProxyType({**dict(_paths(Record)), "timestamp": ("timestamp",)})
"""Path in the record's JSON → the attributes that lead there; also without the @ that spreadsheets would compute."""


def parse_columns(text: str) -> tuple[str, ...]:
    """The names of a comma-separated list. Raises UsageError naming the nearest column for an unknown one."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError("no columns are named", f"columns are {', '.join(COLUMNS)}, meta.<path>")
    for name in names:
        if name not in COLUMNS and not _is_path(name):
            near = difflib.get_close_matches(name, [*COLUMNS, *PATHS], n=1)
            known = f"columns are {', '.join(COLUMNS)}, meta.<path>, and a record's paths like client.user_agent"
            raise UsageError(f"there is no column {name!r}", f"did you mean {near[0]!r}?" if near else known)
    return names


def _is_path(name: str) -> bool:
    return name in PATHS or (name.startswith(META_PREFIX) and len(name) > len(META_PREFIX))


def cells(columns: Sequence[str]) -> list[Cell]:
    """The cell functions of columns that `parse_columns` has passed."""
    return [_cell(name) for name in columns]


_HEAVY = frozenset({"metadata", "meta", "related", "ingest", "raw", "snapshot", "target_refs", "target_types"})
"""Fields of a record that most columns never look at; to leave them out makes a third of the decoding."""


def light_decoder(columns: Sequence[str]) -> Callable[[bytes], Record]:
    """Decodes what the cells of these columns look at, into something that has the other attributes of a record."""
    wanted = {PATHS[name][0] for name in columns if name in PATHS}
    wanted |= {"metadata"} if any(name.startswith(META_PREFIX) for name in columns) else set()
    hints = get_type_hints(Record)
    fields = [(name, hints[name], None) for name in Record.__struct_fields__ if name in wanted or name not in _HEAVY]
    light = msgspec.defstruct("Light", fields, rename={"timestamp": "@timestamp"}, gc=False)
    return cast("Callable[[bytes], Record]", msgspec.json.Decoder(light).decode)


def _cell(name: str) -> Cell:
    if name in _COLUMNS:
        return _COLUMNS[name]
    return _path(PATHS[name]) if name in PATHS else _meta(name.removeprefix(META_PREFIX))


def _meta(path: str) -> Cell:
    steps = path.split(".")

    def cell(record: Record) -> str:
        return _written(_lookup(record.metadata, steps))

    return cell


def _path(steps: Steps) -> Cell:
    def cell(record: Record) -> str:
        value: Any = record
        for step in steps:
            value = None if value is None else getattr(value, step)
        return _written(value)

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
