"""ECS documents have ECS's names, its values, and its pairs of category and type."""

from typing import Any

import msgspec
import pytest

from support.serving import make
from whodid_schema import ecs
from whodid_schema.record import Actor, Change, Person, Record, Ref, Target
from whodid_schema.taxonomy import VERBS, kind_of, surface_of

ALLOWED: dict[str, set[str]] = {
    "api": {"access", "admin", "allowed", "change", "creation", "deletion", "denied", "end", "info", "start", "user"},
    "authentication": {"start", "end", "info"},
    "configuration": {"access", "change", "creation", "deletion", "info"},
    "email": {"info"},
    "iam": {"admin", "change", "creation", "deletion", "group", "info", "user"},
}
"""Category → expected types, from https://www.elastic.co/guide/en/ecs/8.17/ecs-allowed-values-event-category.html."""


def to_ecs(record: Record) -> dict[str, Any]:
    """As a receiver reads it."""
    read: dict[str, Any] = msgspec.to_builtins(ecs.to_ecs(record))
    return read


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", ["user", "team", "report", None])
@pytest.mark.parametrize("outcome", ["success", "failure", "warning", "unknown"])
def test_category_and_types_are_a_pair_that_ecs_allows(verb: str, kind: str | None, outcome: str) -> None:
    record = make(
        1,
        verb=verb,
        kind=kind_of(verb),
        surface=surface_of(verb),
        outcome=outcome,
        target=Target(kind, "1") if kind else None,
    )
    event = to_ecs(record)["event"]
    (category,) = event["category"]
    assert set(event["type"]) <= ALLOWED[category]
    assert event["outcome"] in ("success", "failure", "unknown")


def test_every_part_has_ecs_name() -> None:
    actor = Actor("user", "1", "Ana", "ana@example.com", "admin", on_behalf_of=Person("2", "Bo"), key="shop/user:1")
    record = make(3, actor=actor, verb="create", target=Target("user", "7", "Cy"), workspace=Ref("w", "Acme"), raw="{}")
    document = to_ecs(record)
    expected: dict[str, Any] = {
        "@timestamp": record.timestamp,
        "message": record.description,
        "ecs": {"version": "8.17.0"},
        "source": {"ip": "203.0.113.3"},
        "organization": {"id": "w", "name": "Acme"},
        "service": {"name": "shop"},
    }
    assert {name: document[name] for name in expected} == expected
    assert document["event"]["id"] == record.id
    assert document["event"]["original"] == "{}"
    assert (document["event"]["category"], document["event"]["type"]) == (["iam"], ["user", "creation"])
    assert document["user"]["effective"] == {"id": "2", "name": "Bo"}
    assert document["user"]["target"] == {"id": "7", "name": "Cy"}
    assert document["related"]["user"] == ["1", "Ana", "ana@example.com", "2", "Bo", "7", "Cy"]


def test_what_ecs_has_no_name_for_stands_under_our_own() -> None:
    document = to_ecs(make(1, changes=[Change("a", 1, 2)], metadata={"plan": "pro"}, outcome="warning"))
    assert document["whodid"]["changes"] == [{"field": "a", "from": 1, "to": 2}]
    assert document["whodid"]["metadata"] == {"plan": "pro"}
    assert document["whodid"]["outcome"] == "warning"


def test_a_bare_record_gives_a_bare_document() -> None:
    assert set(to_ecs(Record(timestamp="2026-01-01T00:00:00.000000Z"))) == {"@timestamp", "ecs", "event"}
