"""The tests inside profile files: an event, and what its record must hold.

A case goes the whole way that the event would go (redaction, recognition among all profiles, mapping, sentence).
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from whodid_agent.normalise.contract import Discard, Event, InputOptions, Origin, Refusal, Shipment, Stream
from whodid_agent.normalise.language.profile import Case, Profile
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.profiles import ProfileSet
from whodid_schema.meta import default_meta

RECEIVED = "2030-01-01T00:00:00.000000Z"
"""When the events of cases are received: late enough for any time that one is written with."""


def failures(profile: Profile, case: Case, profiles: ProfileSet) -> list[str]:
    """What is not as the case says; empty where all is."""
    outcomes = _outcomes(case.event, profiles)
    if len(outcomes) != 1:
        return [f"one event expected, these are {len(outcomes)}"]
    outcome = outcomes[0]
    if isinstance(outcome, Refusal):
        return [f"refused: {outcome.reason}: {outcome.detail}"]
    if isinstance(outcome, Discard):
        return [] if outcome.rule == case.drop else [f"dropped by {outcome.rule}"]
    if case.drop is not None:
        return [f"not dropped by {case.drop}"]
    return list(_differences(msgspec.json.decode(outcome.body), profile, case))


def _outcomes(event: Any, profiles: ProfileSet) -> list[Event]:
    pipeline = Pipeline(InputOptions(), default_meta(datetime.fromisoformat(RECEIVED).astimezone(UTC)), profiles)
    line = event.encode() if isinstance(event, str) else msgspec.json.encode(event)
    origin = Origin(Stream("file", "case", "", RECEIVED), 0, RECEIVED)
    return pipeline.events(pipeline.redact(line + b"\n")[:-1], origin)


def record_of(event: dict[str, Any], profiles: ProfileSet, name: str) -> dict[str, Any] | None:
    """What a case's event becomes; None unless it is one record, and by the profile of this name."""
    outcomes = _outcomes(event, profiles)
    if len(outcomes) != 1 or not isinstance(outcomes[0], Shipment):
        return None
    record: dict[str, Any] = msgspec.json.decode(outcomes[0].body)
    return record if record["ingest"]["profile"] == name else None


def _differences(record: dict[str, Any], profile: Profile, case: Case) -> Iterator[str]:
    recognised = record["ingest"]["profile"]
    if recognised != profile.name:
        yield f"recognised as {recognised}"
    for path, expected in case.expect.items():
        found = at(record, path)
        if found != expected or isinstance(found, bool) != isinstance(expected, bool):
            yield f"{path}: expected {_show(expected)}, is {_show(found)}"


def at(value: Any, path: str) -> Any:
    """What stands at this dotted path of a record's JSON; None where nothing does."""
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _show(value: Any) -> str:
    return "nothing" if value is None else msgspec.json.encode(value).decode()
