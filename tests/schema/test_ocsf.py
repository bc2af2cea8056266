"""OCSF events hold what the public schema asks of their class, for every verb, and invent nothing."""

from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from support.serving import make
from whodid_schema import ocsf
from whodid_schema.record import Actor, Change, Client, Person, Record, Target
from whodid_schema.taxonomy import OUTCOMES, VERBS, surface_of

SCHEMA: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("ocsf.yaml").read_text())


def to_ocsf(record: Record) -> dict[str, Any]:
    """As a receiver reads it."""
    read: dict[str, Any] = msgspec.to_builtins(ocsf.to_ocsf(record))
    return read


def check(event: dict[str, Any]) -> None:
    """Raises AssertionError for what the schema does not allow."""
    base, its = SCHEMA["base"], SCHEMA["classes"][event["class_uid"]]
    assert {*base["required"], *its["required"]} <= event.keys()
    assert event.keys() <= {*base["required"], *base["known"], *its["known"]}
    assert event["category_uid"] == its["category"]
    assert event["activity_id"] in its["activities"]
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert event["status_id"] in (0, 1, 2, 99)
    assert isinstance(event["time"], int)
    assert not its.get("one_of") or any(name in event for name in its["one_of"])
    if "actor" in event and event["class_uid"] in SCHEMA["by_profile"]["actor"]:
        assert event["metadata"]["profiles"] == ["host"]
    _objects({name: value for name, value in event.items() if name != "unmapped"})


def _objects(values: dict[str, Any]) -> None:
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                rules = SCHEMA["objects"][name]
                assert one.keys() <= set(rules["known"]), name
                assert set(rules.get("required", ())) <= one.keys(), name
                assert not rules.get("one_of") or any(key in one for key in rules["one_of"]), name
                assert None not in one.values()
                _objects(one)


@pytest.mark.parametrize(("verb", "outcome"), [*product(VERBS, OUTCOMES)])
@pytest.mark.parametrize("kind", ["user", "report", None])
def test_events_of_every_verb_hold_what_their_class_requires(verb: str, outcome: str, kind: str | None) -> None:
    target = None if kind is None else Target(kind, "7", "Seven")
    record = make(1, verb=verb, outcome=outcome, surface=surface_of(verb, outcome), target=target)
    check(to_ocsf(record))


_text = st.none() | st.text(max_size=5)


@given(
    st.builds(Actor, _text, _text, _text, _text),
    st.builds(Target, _text, _text, _text),
    st.sampled_from(VERBS),
    st.booleans(),
)
def test_a_class_is_taken_only_where_the_record_has_what_it_requires(
    actor: Actor, target: Target, verb: str, placed: bool
) -> None:
    surface = surface_of(verb)
    record = Record(
        verb=verb, surface=surface, action="x", actor=actor, target=target, client=Client() if placed else None
    )
    check(to_ocsf(record))
    check(to_ocsf(Record(verb=verb)))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"verb": "sign_in", "surface": "authentication"}, (3002, 1, "Logon")),
        ({"verb": "sign_out", "surface": "authentication"}, (3002, 2, "Logoff")),
        ({"verb": "password_reset", "target": None}, (3001, 4, "Password Reset")),
        ({"verb": "create", "target": Target("user", "9", "Bo")}, (3001, 1, "Create")),
        ({"verb": "create"}, (3004, 1, "Create")),
        ({"verb": "suppress", "action": "domain.suppress"}, (3004, 99, "domain.suppress")),
        ({"verb": "export"}, (6001, 7, "Export")),
        ({"verb": "deny", "surface": "api_request", "action": "api.denied"}, (6003, 99, "api.denied")),
        ({"verb": "open", "surface": "delivery", "action": "email.opened"}, (0, 99, "email.opened")),
    ],
)
def test_what_happened_has_the_class_and_activity_that_the_schema_has_for_it(
    changed: dict[str, Any], expected: tuple[int, int, str]
) -> None:
    event = to_ocsf(make(1, **changed))
    assert (event["class_uid"], event["activity_id"], event["activity_name"]) == expected


def test_nothing_of_the_record_is_lost() -> None:
    actor = Actor("user", "9", "Bo", on_behalf_of=Person("1", "Ana"))
    record = make(3, changes=[Change("a", 1, 2)], metadata={"plan": "pro"}, native_id="n-1", reason="why", actor=actor)
    event = to_ocsf(record)
    assert event["time"] == 1763999997000
    assert event["metadata"]["uid"] == record.id
    assert event["metadata"]["original_time"] == record.timestamp
    assert event["metadata"]["version"] == "1.5.0"
    assert event["unmapped"]["changes"] == [{"field": "a", "from": 1, "to": 2}]
    assert event["unmapped"]["on_behalf_of"] == {"id": "1", "name": "Ana"}
    said = msgspec.json.encode(event)
    for text in (record.description, record.client and record.client.ip, "why", "n-1", "pro", "Report 3"):
        assert str(text).encode() in said


def test_the_user_of_an_impersonation_is_the_person_that_was_become() -> None:
    actor = Actor("admin", "9", "Bo", on_behalf_of=Person("1", "Ana", "ana@example.com"))
    event = to_ocsf(make(1, verb="impersonate", surface="authentication", actor=actor))
    assert event["user"] == {"uid": "1", "name": "Ana", "email_addr": "ana@example.com"}
    assert event["actor"]["user"]["name"] == "Bo"
