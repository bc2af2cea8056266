"""What it was done to and what changed: a draft's targets, changes and payloads, read into its record."""

from typing import Any

import msgspec

from whodid_agent.normalise import values
from whodid_agent.normalise.draft import Draft, keep
from whodid_agent.normalise.label import read_label
from whodid_schema import diff
from whodid_schema.canonical import target_type
from whodid_schema.record import Change, Record, Snapshot, Target

SNAPSHOT_BYTES = 256 * 1024
"""A payload larger than this stays in the metadata."""


def read_targets(record: Record, draft: Draft) -> None:
    """Fill in `target`, `targets` and what they are found by; a label may say what changed as well."""
    main = record.target
    if draft.label is None and draft.targets is None:
        if main is not None:
            _only(record, main)
        return
    if draft.label is not None:
        label = read_label(draft.label, main.type if main is not None else None)
        main = _merged(label.target, main)
        if label.change is not None:
            record.changes = [label.change]
    listed = _listed(record, draft)
    if main is None and not listed:
        return
    if main is None:
        main = listed.pop(0)
    elif main in listed:
        listed.remove(main)
    record.target = main
    if not listed:
        _only(record, main)
        return
    record.targets = [main, *listed]
    _refer(record, record.targets)


def _only(record: Record, main: Target) -> None:
    """As `_refer`, of one target."""
    record.targets = [main]
    kind = main.type
    if kind is not None:
        main.type = kind = target_type(kind)
        record.target_types = [kind]
    if main.id is not None:
        record.target_refs = [f"{kind or ''}:{main.id}"]


def _refer(record: Record, targets: list[Target]) -> None:
    """The types in their one form, and what the targets are found by."""
    for one in targets:
        if one.type is not None:
            one.type = target_type(one.type)
    record.target_refs = list(dict.fromkeys(f"{one.type or ''}:{one.id}" for one in targets if one.id)) or None
    record.target_types = list(dict.fromkeys(one.type for one in targets if one.type)) or None


def _merged(read: Target, given: Target | None) -> Target:
    """What a label says, under what the event says in fields of their own."""
    if given is None:
        return read
    return Target(given.type or read.type, given.id or read.id, given.name or read.name, given.count or read.count)


def _listed(record: Record, draft: Draft) -> list[Target]:
    """The targets of an array of objects; what is no target of the array stays in the metadata."""
    if draft.targets is None:
        return []
    entries = draft.targets if type(draft.targets) is list else [draft.targets]
    if len(entries) == 1 and type(entries[0]) is Target:
        return entries
    known = [entry for entry in entries if type(entry) is dict or type(entry) is Target]
    if len(known) < len(entries):
        keep(record, "targets", draft.targets)
    return [target for target in map(_one_target, known) if target != Target()]


def _one_target(entry: dict[str, Any] | Target) -> Target:
    if isinstance(entry, Target):
        return entry
    text = values.text
    return Target(
        text(entry.get("type")),
        text(entry.get("id")),
        text(entry.get("name")),
        values.count(entry.get("count")),
        text(entry.get("relation")),
    )


def read_changes(record: Record, draft: Draft) -> None:
    """Fill in `changes`, `changed` and `snapshot`; what is none of these goes into the metadata."""
    if draft.changes is None and record.changes is None and draft.before is None and draft.after is None:
        return
    found: list[Change] = record.changes or []
    if draft.before is None and type(draft.after) is dict:
        _unfold(draft, draft.after)
    if draft.changes is not None:
        read = _of_changes(draft.changes)
        found = [*found, *read] if found else read
        if not found:
            keep(record, "changes", draft.changes)
    if draft.before is not None or draft.after is not None:
        found = [*found, *_snapshot(record, draft, bool(found))]
    if found:
        record.changes = found
        record.changed = [change.field for change in found]


_SIDES = (("before", "after"), ("old", "new"), ("from", "to"))
_PAIRS = tuple(frozenset(pair) for pair in _SIDES)


def _unfold(draft: Draft, payload: dict[str, Any]) -> None:
    """A payload that holds both sides, or for each field its two sides, is what it holds and no snapshot."""
    for one, other in _SIDES:
        if payload.keys() == {one, other}:
            draft.before, draft.after = payload[one], payload[other]
            return
    if (
        draft.changes is None
        and payload
        and all(type(entry) is dict and entry.keys() in _PAIRS for entry in payload.values())
    ):
        draft.changes, draft.after = payload, None


def _of_changes(changes: Any) -> list[Change]:
    """The changes of a map field → from/to, or of a list of objects that each name their field."""
    if type(changes) is dict:
        return diff.changes_from_map(changes)
    found: list[Change] = []
    for entry in changes:
        field = values.text(entry.get("field") or entry.get("name")) if type(entry) is dict else None
        if field is None:
            return []
        sides = {key: value for key, value in entry.items() if key not in ("field", "name", "redacted")}
        read = diff.changes_from_map({field: sides}) if sides else []
        found += read or ([Change(field, redacted=True)] if entry.get("redacted") is True else [])
    return found


def _snapshot(record: Record, draft: Draft, has_changes: bool) -> list[Change]:
    """Keep the payload that came, and compare its two sides where the event does not say what changed."""
    before, after = draft.before, draft.after
    if len(msgspec.json.encode([before, after])) > SNAPSHOT_BYTES:
        for key, side in (("before", before), ("after", after)):
            if side is not None:
                keep(record, key, side)
    else:
        record.snapshot = Snapshot(before, after)
    if has_changes or not (isinstance(before, dict) and isinstance(after, dict)):
        return []
    return diff.changes_between(before, after)
