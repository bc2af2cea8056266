"""Where each field of a record came from: the text of `whodid-agent normalise --explain`."""

from collections.abc import Iterator
from typing import Any

import msgspec

from whodid_agent.normalise import values
from whodid_agent.normalise.contract import Event as Outcome
from whodid_agent.normalise.contract import Refusal, Shipment
from whodid_agent.normalise.decode import decode_json
from whodid_agent.normalise.draft import SLOTS
from whodid_agent.normalise.interpret import value_of, variant_for
from whodid_agent.normalise.language.path import Steps, spelt
from whodid_agent.normalise.language.profile import Profile
from whodid_agent.normalise.mapper import Mapper
from whodid_agent.normalise.profiles import ProfileSet
from whodid_schema.timestamp import Instant
from whodid_schema.visible import visible

_SPOKEN = {
    "time": "@timestamp",
    "label": "target",
    "target.label": "target",
    "before": "snapshot.before",
    "after": "snapshot.after",
}
_NOT_OF_THE_EVENT = frozenset(
    {"id", "received_at", "ingest", "raw", "raw_redacted", "metadata", "meta", "related", "changed"}
    | {"targets", "target_refs", "target_types"}
)
"""What every record has, or what is a copy of other fields."""


def explain(outcome: Outcome, profiles: ProfileSet) -> str:
    """The paragraph about one event: its profile, then field, value and place, then what was only kept."""
    if isinstance(outcome, Refusal):
        return f"refused: {outcome.reason}: {visible(outcome.detail)}\n"
    if not isinstance(outcome, Shipment):
        return f"{outcome.kind} by {outcome.rule}\n"
    record = msgspec.json.decode(outcome.body)
    mapper = profiles.get(record["ingest"]["profile"])
    profile = mapper.profile
    event = decode_json(record["raw"])
    zoneless = record.get("zone_assumed") is True
    places = {
        _SPOKEN.get(slot, slot): place
        for slot, place in (_searched(mapper, event, zoneless=zoneless) if profile.names else _mapped(profile, event))
    }
    lines = [f"profile {profile.name}: {profile.title}"]
    for name in dict.fromkeys((*places, *_leaves(record))):
        value = _at(record, name)
        if value is not None:
            lines.append(f"  {name:<24} {_short(value):<40} ← {visible(places.get(name, 'worked out'))}")
    kept = record.get("metadata") or {}
    lines.append(f"  kept in metadata: {', '.join(map(visible, kept)) or 'nothing'}")
    return "\n".join(lines) + "\n"


def _leaves(record: dict[str, Any]) -> Iterator[str]:
    """The fields of a record that say something of the event, down to the members of its groups."""
    for key, value in record.items():
        if key in _NOT_OF_THE_EVENT:
            continue
        if isinstance(value, dict) and key != "snapshot":
            yield from (f"{key}.{inner}" for inner in _leaves(value))
        else:
            yield key


def _mapped(profile: Profile, event: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for slot, expr in variant_for(profile, event).slots.items():
        used: set[Steps] = set()
        value = value_of(expr, event, values.KINDS[SLOTS[slot]], used)
        if value is not None:
            place = ", ".join(sorted(map(spelt, used))) or "the profile"
            yield (
                slot,
                f"{place} (no zone: read as UTC)" if isinstance(value, Instant) and value.zone_assumed else place,
            )


def _searched(mapper: Mapper, event: dict[str, Any], *, zoneless: bool) -> Iterator[tuple[str, str]]:
    for slot, place in mapper.search.evidence(event).items():
        said = "no zone: read as UTC, " if slot == "time" and zoneless else ""
        yield slot, f"{'.'.join(place.path)} ({said}confidence {place.confidence:.2f})"


def _at(record: Any, field: str) -> Any:
    for step in field.split("."):
        record = record.get(step) if isinstance(record, dict) else None
    return record


def _short(value: Any) -> str:
    text = visible(value if isinstance(value, str) else msgspec.json.encode(value).decode())
    return text if len(text) <= 60 else f"{text[:59]}…"
