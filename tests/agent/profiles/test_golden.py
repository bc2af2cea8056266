"""Events in the shapes that vendors document, and exactly the records that they become."""

import copy
from typing import Any

import msgspec
import pytest

from support.events import PROFILES, mutated, outcomes, shipped
from support.golden import ALWAYS, Golden, golden
from whodid_agent.normalise import interpret
from whodid_agent.normalise.cases import at
from whodid_agent.normalise.contract import Refusal, Shipment
from whodid_agent.normalise.fast.compile import compile_profile
from whodid_agent.normalise.fast.peek import compile_peek
from whodid_schema.record import MASK

GOLDEN = golden()
EVENTS = [(name, one) for name, events in GOLDEN.items() for one in events]
every_event = pytest.mark.parametrize(("name", "one"), EVENTS, ids=[f"{name}: {one.name}" for name, one in EVENTS])
every_profile = pytest.mark.parametrize("name", sorted(GOLDEN))

IDENTITY = ("actor", "action", "native_id", "session_id", "request_id", "target", "targets", "client", "workspace")


def record_of(one: Golden) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(shipped(one.line).body)
    return found


@every_event
def test_an_event_becomes_exactly_the_record_that_it_should(name: str, one: Golden) -> None:
    record = record_of(one)
    found = {path: at(record, path) for path in one.expect}
    assert found == one.expect


@every_event
def test_an_event_is_recognised_without_being_named(name: str, one: Golden) -> None:
    assert record_of(one)["ingest"]["profile"] == name


@every_event
def test_what_says_who_and_what_it_was_is_not_masked(name: str, one: Golden) -> None:
    record = record_of(one)
    assert MASK not in msgspec.json.encode([record.get(field) for field in IDENTITY]).decode()


@every_event
def test_the_sentence_begins_with_the_one_who_acted(name: str, one: Golden) -> None:
    record = record_of(one)
    actor = record.get("actor")
    if actor is not None:
        nameless = "System" if actor["type"] == "system" else "Someone"
        named = next((actor[key] for key in ("name", "email", "id") if key in actor), nameless)
        assert named in record["description"].partition(" (as ")[0]


@every_event
def test_the_compiled_profile_says_what_the_interpreter_says(name: str, one: Golden) -> None:
    profile = PROFILES.get(name).profile
    event = msgspec.json.decode(one.line)
    expected = interpret.extract(profile, copy.deepcopy(event))
    variant = profile.variant(compile_peek(profile)(event))
    for function in (compile_profile(variant), compile_profile(variant, frozenset(event))):
        assert msgspec.to_builtins(function(copy.deepcopy(event))) == msgspec.to_builtins(expected)


@every_event
def test_a_golden_event_says_all_that_matters(name: str, one: Golden) -> None:
    assert [path for path in ALWAYS if path not in one.expect] == []
    assert one.page.startswith("https://")


@every_profile
def test_events_that_lack_or_garble_what_they_should_hold_are_records_all_the_same(name: str) -> None:
    mapper = PROFILES.get(name)
    fell_back = mapper.fell_back
    for event in mutated([msgspec.json.decode(one.line) for one in GOLDEN[name]], seed=8, number=400):
        for outcome in outcomes(event):
            assert not (isinstance(outcome, Refusal) and outcome.reason == "internal"), outcome
    assert mapper.fell_back == fell_back


NAMES_WHAT_WAS_DONE = frozenset(
    {"eventName", "action", "event", "eventType", "event_type", "protoPayload", "data", "type"}
)
TRIMMED = (
    "asana", "auth0", "aws-cloudtrail", "gcp-audit", "github-audit", "google-workspace", "kubernetes-audit", "notion",
    "okta-system-log", "slack-audit", "teleport", "zendesk",
)  # fmt: skip


def test_events_that_lack_any_one_member_but_their_action_are_recognised() -> None:
    known = lost = 0
    for name in TRIMMED:
        for one in GOLDEN[name]:
            event = msgspec.json.decode(one.line)
            for key in event.keys() - NAMES_WHAT_WAS_DONE:
                found = PROFILES.mapper_of(rest := {k: v for k, v in event.items() if k != key}, tuple(rest))
                known += found.profile.name == name
                lost += found.profile.name != name
    assert lost < 0.02 * known


@every_profile
def test_a_golden_file_shows_at_least_eight_kinds_of_event(name: str) -> None:
    assert len({one.name for one in GOLDEN[name]}) == len(GOLDEN[name]) >= 8


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("aws-cloudtrail", {"Records": None}),
        ("kubernetes-audit", {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": None}),
        ("google-workspace", {"kind": "admin#reports#activities", "etag": "x", "nextPageToken": "y", "items": None}),
    ],
)
def test_a_body_of_many_events_gives_the_record_of_each(name: str, body: dict[str, Any]) -> None:
    events = [one for one in GOLDEN[name] if isinstance(one.event, dict)]
    key = next(key for key, value in body.items() if value is None)
    found = outcomes({**body, key: [one.event for one in events]})
    assert len(found) == len(events)
    for outcome, one in zip(found, events, strict=True):
        assert isinstance(outcome, Shipment)
        record = msgspec.json.decode(outcome.body)
        assert (record["ingest"]["profile"], record["description"]) == (name, one.expect["description"])
