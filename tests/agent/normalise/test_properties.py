"""Whatever a sender writes: no exception, no invented actor, stable ids, and nothing lost."""

from collections.abc import Iterator
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.events import AT_START, PROFILES, mutated, outcomes, pipeline, profile_events
from whodid_agent.normalise.contract import Refusal, Shipment
from whodid_schema.record import Record, decode

NAMES = (
    *("timestamp", "time", "actor", "user", "action", "verb", "event", "type", "id", "name", "email", "ip"),
    *("target", "resource", "subject", "changes", "metadata", "result", "status", "events", "entries", "created_at"),
    *("token", "payload", "from", "to", "before", "after", "message", "error"),
)
KEYS = st.one_of(st.sampled_from(NAMES), st.text(max_size=8))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=30),
    st.sampled_from(["2026-04-30T14:22:11Z", "10.0.0.1", "Signed in", "CREATE", "a: b → c", "1e5"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=25,
)
QUICK = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PIPELINE = pipeline()


def checked(value: Any) -> list[Record]:
    """The records of this value's line, after checking what holds for every line."""
    first, second = outcomes(value, PIPELINE), outcomes(value, PIPELINE)
    assert first == second
    records = []
    for number, one in enumerate(first):
        assert one.item == number
        assert not (isinstance(one, Refusal) and one.reason == "internal"), one
        if isinstance(one, Shipment):
            found = decode(one.body)
            assert len(one.id) == 26
            assert found.id == one.id
            for part in (found.action, found.verb, found.description, found.outcome, found.surface, found.kind):
                assert part
            assert found.timestamp
            assert found.surface != "audit"
            records.append(found)
    return records


@QUICK
@given(VALUES)
def test_any_json_gives_records_or_refusals_and_the_same_ids_again(value: Any) -> None:
    checked(value)


@QUICK
@given(st.binary(max_size=80))
def test_any_bytes_give_records_or_refusals(data: bytes) -> None:
    line = PIPELINE.redact(data.replace(b"\n", b" ") + b"\n")[:-1]
    for one in PIPELINE.events(line, AT_START):
        assert not (isinstance(one, Refusal) and one.reason == "internal"), one


@QUICK
@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_an_actor_is_never_invented(event: dict[str, Any]) -> None:
    written = set(scalars(msgspec.json.decode(PIPELINE.redact(msgspec.json.encode(event) + b"\n"))))
    for found in checked(event):
        actor = found.actor
        if actor is not None:
            for part in (actor.id, actor.name, actor.email, actor.role):
                assert part is None or part in written


def scalars(value: Any) -> Iterator[str]:
    """Every text and number below a value, as text."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from scalars(inner)
    else:
        yield str(value)


def test_mutated_events_of_every_profile_give_records() -> None:
    for mapper in PROFILES:
        for event in mutated(profile_events(mapper.profile.name), seed=5, number=300):
            checked(event)


def test_nothing_of_an_event_is_lost_between_record_and_metadata() -> None:
    marks = [f"mark{number}x" for number in range(12)]
    for mapper in PROFILES:
        for event in mutated(profile_events(mapper.profile.name), seed=6, number=120):
            event.update({f"extra_{number}": mark for number, mark in enumerate(marks)})
            for found in checked(event):
                text = msgspec.json.encode(msgspec.structs.replace(found, raw=None)).decode()
                assert all(mark in text for mark in marks)
