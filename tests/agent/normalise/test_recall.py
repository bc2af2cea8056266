"""What is recalled of an event is what a search of it finds, byte for byte, or the event is searched."""

import copy
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.events import META, PROFILES, mutated, outcomes, pipeline, profile_events
from support.unseen import samples
from whodid_agent.normalise.contract import InputOptions
from whodid_agent.normalise.fast import stencil
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.profiles import ProfileSet
from whodid_agent.normalise.unknown import memory
from whodid_agent.normalise.unknown.memory import Memory

EVENTS: list[dict[str, Any]] = [sample.event for name in ("tuned", "held_out", "vendors") for sample in samples(name)]
EVENTS.append({"log_date": "2026-03-05", "log_time": "10:00:00", "user": "ann", "action": "a.b", "ip": "10.0.0.1"})
FLAT: dict[str, Any] = {
    "timestamp": "2026-03-05T10:00:00Z",
    "user": {"id": "usr_0012", "name": "Ann Lee", "contact": "ann@acme.example"},
    "action": "invoice.approve",
    "source_ip": "10.1.2.3",
    "forwarded": {"client_ip": "203.0.113.9", "ips": ["10.0.0.1"]},
    "target": {"type": "invoice", "id": 44, "owner": {"team": "x"}},
    "items": [{"id": 1, "kind": "line"}, {"id": 2, "kind": "line"}],
    "status": 200,
    "error": "",
    "details": {},
    "changes": {"total": {"from": 1, "to": 2}, "tags": [{"k": 1}, 3]},
    "session_id": "s-1",
    "requestId": "r-1",
    "note": "paid",
}
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from((0, 7, 404, 1772704800, 1772704800000, -1, 1.5, 10**30)),
    st.sampled_from(("", "-", "null", "ann@acme.example", "bo@acme.example", "Ann <ann@acme.example>", "Ann Lee", "7")),
    st.sampled_from(("10.0.0.1", "203.0.113.7", "10.0.0.1, 203.0.113.7", "::1", "999.1.1.1", "a" * 200, "{", "{}")),
    st.sampled_from(
        ('{"id":1}', '{"ip":"203.0.113.8"}', "2026-03-05T10:00:00Z", "2026-03-05", "GET", "system", "failed")
    ),
    st.sampled_from(([], {}, [{}], [{"id": 5}], {"id": 5}, {"from": 1, "to": {}}, [1, {"a": 1}], {"x": {"ip": "::2"}})),
    st.text(max_size=6),
)
QUICK = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every search is noted, so that the next event like it is recalled, and the one behind it has a stencil."""
    monkeypatch.setattr(stencil, "_MET_OFTEN", 1)
    monkeypatch.setattr(memory, "_FIRST", 1)
    monkeypatch.setattr(memory, "_SELDOM", 1)


@pytest.fixture(scope="module")
def through() -> Pipeline:
    return Pipeline(InputOptions(profile="generic"), META, ProfileSet.load(), "agent-1", "host")


def the_same(event: Any, through: Pipeline) -> bool:
    """Compare both ways; whether the event was recalled. The first of a kind is searched, and only noted."""
    with patch.object(Memory, "recall", lambda *_: None):
        expected = outcomes(event, through)
    recalled: list[bool] = []
    recall = Memory.recall

    def watched(*given: Any) -> Any:
        found = recall(*given)
        recalled.append(found is not None)
        return found

    with patch.object(Memory, "recall", watched):
        for _ in range(3):
            assert outcomes(event, through) == expected
    return any(recalled)


def test_every_format_gives_the_same_records_recalled_and_most_are(through: Pipeline) -> None:
    events = [*EVENTS, *(event for mapper in PROFILES for event in profile_events(mapper.profile.name))]
    recalled = [the_same(event, through) for event in events]
    assert sum(recalled) > 0.8 * len(recalled)


def test_mutated_events_give_the_same_records_recalled(through: Pipeline) -> None:
    recalled = [the_same(event, through) for event in mutated([FLAT, *EVENTS], seed=5, number=2_000)]
    assert sum(recalled) > 1_000


def leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    """Object or array, and key or place, of everything in it."""
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(inner, dict | list):
            yield from leaves(inner)


@QUICK
@given(st.data())
def test_of_the_same_keys_with_any_values_the_same_is_found(through: Pipeline, data: st.DataObject) -> None:
    event = copy.deepcopy(data.draw(st.sampled_from([FLAT, *EVENTS])))
    the_same(event, through)
    for _ in range(data.draw(st.integers(1, 4))):
        holder, key = data.draw(st.sampled_from(list(leaves(event))))
        holder[key] = copy.deepcopy(data.draw(VALUES))
    the_same(event, through)


@QUICK
@given(st.data())
def test_objects_that_say_nothing_may_have_any_keys(through: Pipeline, data: st.DataObject) -> None:
    keys = st.sampled_from(
        ("title", "ip", "client", "from", "to", "user", "date", ".tag", "a.b", "", "time", "x" * 200)
    )
    inner = st.recursive(VALUES, lambda inside: st.dictionaries(keys, inside, max_size=3), max_leaves=8)
    the_same({**FLAT, "changes": data.draw(st.dictionaries(keys, inner, max_size=4))}, through)


@pytest.mark.parametrize(
    "line",
    [
        b'{"actor":{"id":"1"},"action":"a.b","payload":"\\u007b\\"ip\\":\\"203.0.113.1\\"\\u007d"}',
        b'{"actor":{"id":"1"},"action":"a.b","payload":"{\\"ip\\":\\"203.0.113.1\\"}"}',
        b'{"actor":{"id":"1"},"action":"a.b","payload":{"ip":"203.0.113.1"}}',
        b'{"actor":{"id":"1"},"action":"a.b","payload":{"x":1},"payload":"203.0.113.1"}',
        b'{"actor":{"id":"1"},"action":"a.b","payload":[{"ip":"203.0.113.1"}]}',
        b'{"actor":{"id":"1"},"action":"a.b","payload":{}}',
    ],
)
def test_an_object_where_none_was_is_seen_however_it_is_written(line: bytes, through: Pipeline) -> None:
    assert the_same(b'{"actor":{"id":"1"},"action":"a.b","payload":"x"}', through)
    the_same(line, through)


def test_key_lists_made_up_push_out_no_used_one_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_FIRST", 4)
    through = Pipeline(InputOptions(profile="generic"), META, ProfileSet.load(), "agent-1", "host")
    remembered = through.named.search._memory  # type: ignore[union-attr]  # it has a profile
    known = {"actor": {"id": "1"}, "action": "a.b", "time": "2026-03-05T10:00:00Z"}
    for _ in range(4):
        outcomes(known, through)
    for number in range(3_000):
        outcomes({**known, f"k{number}": 1}, through)
        if number % 50 == 0:
            assert the_same(known, through)
    kept = [*remembered._young.values(), *remembered._old.values()]
    assert len(kept) <= 2 * memory._MOST_SHAPES + 2
    for number in range(400):
        outcomes({**known, "actor": {"id": "1", f"k{number}": 1}}, through)
    assert max(len(met.recalls) for met in remembered._young.values()) <= memory._MOST_RECALLS


def test_an_event_of_endless_keys_is_not_kept() -> None:
    through = pipeline(profile="generic")
    through.named.search._memory = fresh = Memory(through.named.search._lexicon, ())  # type: ignore[union-attr]
    for event in ({f"k{number}": number for number in range(100)}, {"k" * 1_000: 1, "action": "a"}):
        for _ in range(20):
            outcomes(event, through)
    assert not fresh._young


def test_what_is_recalled_is_as_the_event_says_not_as_the_first_did(through: Pipeline) -> None:
    bodies = []
    for name in ("ann", "bo"):
        for _ in range(2):
            (shipment,) = outcomes({"user": name, "action": "a.b", "ip": f"203.0.113.{len(name)}"}, through)
        bodies.append(msgspec.json.decode(shipment.body))  # type: ignore[union-attr]
    assert [(body["actor"]["name"], body["client"]["ip"]) for body in bodies] == [
        ("ann", "203.0.113.3"),
        ("bo", "203.0.113.2"),
    ]
