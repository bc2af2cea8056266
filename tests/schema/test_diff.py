"""What counts as a change, and how it is said."""

from typing import Any

import msgspec
import pytest

from whodid_schema import diff
from whodid_schema.record import MASK, Change

MAPS: dict[str, tuple[dict[str, Any], list[Change]]] = {
    "from and to": ({"limit": {"from": "30k", "to": "50k"}}, [Change("limit", "30k", "50k")]),
    "masked on both sides is redacted, not unchanged": (
        {"name": {"to": MASK, "from": MASK}},
        [Change("name", MASK, MASK, redacted=True)],
    ),
    "masked on one side": ({"p": {"from": None, "to": MASK}}, [Change("p", None, MASK, redacted=True)]),
    "an application's own mask": ({"p": {"from": "****", "to": "****"}}, [Change("p", "****", "****", redacted=True)]),
    "equal sides": ({"a": {"from": 1, "to": 1}, "b": {"from": [1], "to": [1]}}, []),
    "only to": ({"a": {"to": 1}}, [Change("a", None, 1)]),
    "only from": ({"a": {"from": 1}}, [Change("a", 1, None)]),
    "old and new": ({"a": {"old": 1, "new": 2}}, [Change("a", 1, 2)]),
    "before and after": ({"a": {"before": 1, "after": 2}}, [Change("a", 1, 2)]),
    "a pair": ({"a": [1, 2]}, [Change("a", 1, 2)]),
    "a new value alone": ({"role": "admin"}, [Change("role", None, "admin")]),
    "an object that is no pair of sides": (
        {"a": {"from": 1, "to": 2, "unit": "k"}},
        [Change("a", None, {"from": 1, "to": 2, "unit": "k"})],
    ),
    "nested objects by path": (
        {"s": {"from": {"a": 1, "b": {"c": 2}}, "to": {"a": 1, "b": {"c": 3}, "d": 4}}},
        [Change("s.b.c", 2, 3), Change("s.d", None, 4)],
    ),
    "lists element by element": (
        {"t": {"from": ["a", "b"], "to": ["a", "c", "d"]}},
        [Change("t.1", "b", "c"), Change("t.2", None, "d")],
    ),
    "true is not one": ({"a": {"from": 1, "to": True}}, [Change("a", 1, True)]),
    "one is one": ({"a": {"from": 1, "to": 1.0}}, []),
    "nothing": ({}, []),
}


@pytest.mark.parametrize(("fields", "changes"), MAPS.values(), ids=MAPS)
def test_a_map_gives_its_changes(fields: dict[str, Any], changes: list[Change]) -> None:
    found = diff.changes_from_map(fields)
    assert found == changes
    assert msgspec.json.encode(found) == msgspec.json.encode(changes)


def test_two_payloads_give_the_changes_between_them() -> None:
    before = {"name": "a", "gone": 1, "tags": ["x"], "secret": MASK}
    after = {"name": "b", "tags": ["x", "y"], "secret": MASK, "new": {"deep": True}}
    assert diff.changes_between(before, after) == [
        Change("name", "a", "b"),
        Change("gone", 1, None),
        Change("tags.1", None, "y"),
        Change("secret", MASK, MASK, redacted=True),
        Change("new", None, {"deep": True}),
    ]


def test_payloads_that_are_no_objects_are_compared_whole() -> None:
    assert diff.changes_between("a", 5) == [Change("", "a", 5)]
    assert diff.changes_between(None, None) == []


def test_a_huge_comparison_is_cut_and_says_so() -> None:
    changes = diff.changes_between({}, {str(n): n for n in range(10_000)})
    assert len(changes) == diff.CHANGES_LIMIT + 1
    assert changes[-1].field == diff.MORE
    assert "left out" in diff.inline(changes[-1])


def test_exactly_as_many_changes_as_the_limit_are_not_cut() -> None:
    changes = diff.changes_between({}, {str(n): n for n in range(diff.CHANGES_LIMIT)})
    assert len(changes) == diff.CHANGES_LIMIT
    assert changes[-1].field != diff.MORE


def test_an_endless_key_is_cut_in_every_path_below_it() -> None:
    changes = diff.changes_between({"k" * 5_000_000: {}}, {"k" * 5_000_000: {str(n): n for n in range(500)}})
    assert len(changes) == 500
    assert max(len(change.field) for change in changes) == diff.PATH_LENGTH


def test_payloads_nested_beyond_reason_are_compared_all_the_same() -> None:
    one: Any = 1
    other: Any = 2
    for _ in range(900):
        one, other = {"a": one}, {"a": other}
    (change,) = diff.changes_between(one, other)
    assert change.field == ".".join(["a"] * 32)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Change("hourly_limit", "30k", "50k"), "hourly limit 30k → 50k"),
        (Change("name", MASK, MASK, redacted=True), "name (hidden)"),
        (Change("role", None, "admin"), "role set to admin"),
        (Change("note", "x", None), "note removed (was x)"),
        (Change("on", False, True), "on false → true"),
        (Change("tags", ["a"], ["a", "é"]), 'tags ["a"] → ["a","é"]'),
        (Change("title", "a", ""), "title a → empty"),
        (Change("big", "a", "b" * 1000), f"big a → {'b' * 80}…"),
    ],
)
def test_a_change_is_said_in_one_phrase(change: Change, text: str) -> None:
    assert diff.inline(change) == text


def test_a_detail_view_shows_old_and_new_and_hides_what_is_masked() -> None:
    changes = [
        Change("role", "viewer", "admin"),
        Change("note", None, "x"),
        Change("name", MASK, MASK, redacted=True),
        Change("key", redacted=True),
    ]
    assert diff.lines(changes) == [
        *("role", "- viewer", "+ admin"),
        *("note", "+ x"),
        *("name", "- (hidden)", "+ (hidden)"),
        *("key", "  (hidden)"),
    ]
