"""The draft of a record: what a profile alone can say of an event, before it is finished by `assemble`.

`SLOTS` is the table of everything a profile can fill: the slot's name in YAML (nested keys dotted) → the kind of
value it takes (a function of `values`). A draft is built from a slot → value mapping by `build`; a compiled profile
writes the same constructors out.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from whodid_schema.record import Actor, Client, Person, Record, Ref, Target
from whodid_schema.timestamp import Instant


class Draft(Struct, gc=False):
    """A record as far as the profile goes, and what is still to be read: see the slots of the same names."""

    record: Record
    time: Instant | None = None
    time_precision: str | None = None
    verb: str | None = None
    phrase: str | None = None
    did: Any = None
    tried: Any = None
    label: str | None = None
    targets: Any = None
    changes: Any = None
    before: Any = None
    after: Any = None
    native: tuple[str, ...] | None = None


def keep(record: Record, key: str, value: Any) -> None:
    """Put what the record has no place for into its metadata; what stands there already is not overwritten."""
    metadata = record.metadata
    if metadata is None:
        record.metadata = {key: value}
    elif key not in metadata:
        metadata[key] = value
    else:
        keep(record, f"{key}_", value)


RECORD_SLOTS = {
    "app": "text",
    "surface": "surface",
    "kind": "kind",
    "category": "text",
    "action": "text",
    "description": "text",
    "outcome": "outcome",
    "reason": "text",
    "layer": "layer",
    "session_id": "text",
    "request_id": "text",
    "zone_assumed": "flag",
}
DRAFT_SLOTS = {
    "time": "moment",
    "time_precision": "precision",
    "verb": "text",
    "phrase": "text",
    "did": "telling",
    "tried": "telling",
    "targets": "targets",
    "changes": "changes",
    "before": "anything",
    "after": "anything",
}
GROUPS: Mapping[str, tuple[type[Struct], Mapping[str, str]]] = MappingProxyType(
    {
        "actor": (
            Actor,
            {
                "type": "text",
                "id": "text",
                "name": "name",
                "email": "text",
                "role": "text",
                "provider": "text",
                "owner": "text",
            },
        ),
        "actor.token": (Ref, {"id": "text", "name": "text"}),
        "actor.on_behalf_of": (Person, {"id": "text", "name": "name", "email": "text"}),
        "target": (Target, {"type": "text", "id": "text", "name": "text", "count": "count"}),
        "workspace": (Ref, {"id": "text", "name": "text"}),
        "project": (Ref, {"id": "text", "name": "text"}),
        "client": (Client, {"ip": "address", "user_agent": "text", "device": "text", "country": "text"}),
    }
)
"""Structs of the record, and the kinds of their members."""

SLOTS: Mapping[str, str] = MappingProxyType(
    {
        **RECORD_SLOTS,
        **DRAFT_SLOTS,
        "target.label": "text",
        **{f"{group}.{member}": kind for group, (_, members) in GROUPS.items() for member, kind in members.items()},
    }
)

Values = Mapping[str, Any]


def build(values: Values, metadata: dict[str, Any] | None, native: tuple[str, ...] | None) -> Draft:
    """The draft with these slots filled; a group of which nothing is there is None."""
    groups = {name: _group(name, values) for name in GROUPS}
    actor = groups["actor"]
    for part in ("token", "on_behalf_of"):
        member = groups[f"actor.{part}"]
        if member is not None:
            actor = actor or Actor()
            setattr(actor, part, member)
    record = Record(
        actor=actor,
        target=groups["target"],
        workspace=groups["workspace"],
        project=groups["project"],
        client=groups["client"],
        metadata=metadata,
        **{slot: values.get(slot) for slot in RECORD_SLOTS},
    )
    return Draft(
        record, label=values.get("target.label"), native=native, **{slot: values.get(slot) for slot in DRAFT_SLOTS}
    )


def _group(name: str, values: Values) -> Any:
    struct, members = GROUPS[name]
    found = {member: values.get(f"{name}.{member}") for member in members}
    return struct(**found) if any(value is not None for value in found.values()) else None


def grouped(found: dict[str, dict[str, Any]], metadata: dict[str, Any] | None) -> Draft:
    """The draft of what was found: group ("" for what is in none) → member → value; as `build`, in less time."""
    top = found.pop("")
    record = Record(metadata=metadata)
    draft = Draft(record, label=top.pop("label", None))
    for slot, value in top.items():
        setattr(record if slot in RECORD_SLOTS else draft, slot, value)
    for group in sorted(found):  # an actor before its token
        members = found[group]
        one = GROUPS[group][0](**members)
        if "." not in group:
            setattr(record, group, one)
        else:
            if record.actor is None:
                record.actor = Actor()
            setattr(record.actor, group.rpartition(".")[2], one)
    return draft
