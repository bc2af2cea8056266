"""Events for the normaliser's tests: those of the profile files, mutated ones, and a pipeline to put them through."""

import copy
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from whodid_agent.normalise.contract import Event, InputOptions, Origin, Sent, Shipment, Stream
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.profiles import ProfileSet
from whodid_schema.meta import Meta, default_meta
from whodid_schema.record import Record
from whodid_schema.record import decode as decode_record

RECEIVED = "2026-06-01T12:00:00.000000Z"
FILE = Stream("file", "host:/var/log/audit.jsonl", "0" * 32, RECEIVED, "agent-1", "host")
HTTP = Stream("http", "http/shop", agent="agent-1", host="host")
AT_START = Origin(FILE, 0, RECEIVED)
META = default_meta(datetime(2026, 6, 1, tzinfo=UTC))
PROFILES = ProfileSet.load()


def pipeline(meta: Meta = META, profiles: ProfileSet = PROFILES, **options: Any) -> Pipeline:
    return Pipeline(InputOptions(**options), meta, profiles, "agent-1", "host")


def outcomes(
    event: Any,
    through: Pipeline | None = None,
    origin: Origin = AT_START,
    sent: Mapping[int, Sent] | None = None,
) -> list[Event]:
    """What becomes of one line: JSON text or bytes as they are, anything else encoded."""
    if isinstance(event, str):
        event = event.encode()
    line = event if isinstance(event, bytes) else msgspec.json.encode(event)
    through = through or pipeline()
    return through.events(through.redact(line + b"\n")[:-1], origin, sent)


def shipped(event: Any, through: Pipeline | None = None, origin: Origin = AT_START) -> Shipment:
    """The one shipment of a line that is one event."""
    (only,) = outcomes(event, through, origin)
    assert isinstance(only, Shipment), only
    return only


def record(event: Any, through: Pipeline | None = None, origin: Origin = AT_START) -> Record:
    return decode_record(shipped(event, through, origin).body)


def profile_events(name: str) -> list[dict[str, Any]]:
    """The events of the tests inside a profile's file."""
    return [copy.deepcopy(case.event) for case in PROFILES.get(name).profile.cases]


_ODD: tuple[Any, ...] = (
    None, "", " ", "-", 0, -1, 1.5, 10**30, True, False, [], {}, [[]], {"": ""}, "null", "2026-04-30T14:22:11Z", 1e300,
    ["a", 1, None], {"id": 7}, {"name": "x", "id": None}, "Type: name (bulk)", "x" * 3000, "\u202e\x00", "10.0.0.1",
)  # fmt: skip


def mutated(events: list[dict[str, Any]], seed: int, number: int) -> Iterator[dict[str, Any]]:
    """Events with one to four places changed: removed, replaced, wrapped, added."""
    rng = random.Random(seed)
    for _ in range(number):
        event = copy.deepcopy(rng.choice(events))
        for _ in range(rng.randint(1, 4)):
            _mutate(event, rng)
        yield event


def _mutate(event: dict[str, Any], rng: random.Random) -> None:
    place: Any = event
    while isinstance(place, dict) and place:
        key = rng.choice(list(place))
        if isinstance(place[key], dict) and place[key] and rng.random() < 0.6:
            place = place[key]
            continue
        match rng.randrange(5):
            case 0:
                del place[key]
            case 1:
                place[key] = copy.deepcopy(rng.choice(_ODD))
            case 2:
                place[key] = {key: place[key]}
            case 3:
                place[key] = [place[key]]
            case _:
                place[rng.choice(("id", "name", "extra", "type", "0", "target", "metadata"))] = copy.deepcopy(
                    rng.choice(_ODD)
                )
        return
