"""Diffs of arbitrary JSON."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from whodid_schema import diff
from whodid_schema.record import MASK

values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", MASK, ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=12,
)


def masked(value: Any) -> bool:
    """Whether a mask stands anywhere in a value."""
    if isinstance(value, dict):
        return any(map(masked, value.values()))
    return any(map(masked, value)) if isinstance(value, list) else bool(value == MASK)


@given(values)
def test_a_value_compared_with_itself_has_only_hidden_changes(value: Any) -> None:
    changes = diff.changes_between(value, value)
    assert all(change.redacted for change in changes)
    assert bool(changes) == masked(value)


@given(values, values)
def test_every_change_has_a_phrase_and_lines(before: Any, after: Any) -> None:
    changes = diff.changes_between(before, after)
    for change in changes:
        assert diff.inline(change)
        assert MASK not in diff.inline(change) or not change.redacted
    assert len(diff.lines(changes)) >= len(changes)


@given(values, values)
def test_turned_round_the_same_fields_change_the_other_way(before: Any, after: Any) -> None:
    forth = {change.field: (change.from_, change.to) for change in diff.changes_between(before, after)}
    back = {change.field: (change.to, change.from_) for change in diff.changes_between(after, before)}
    assert forth == back
