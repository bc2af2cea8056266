"""Targets and changes that are made of the event itself, alone or beside those of arrays."""

import copy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from support.events import mutated
from whodid_agent.normalise import interpret
from whodid_agent.normalise.fast.compile import compile_profile
from whodid_agent.normalise.fast.guess import guess
from whodid_agent.normalise.language.load import parse_profile
from whodid_agent.normalise.plain import draft_of
from whodid_schema.errors import ConfigError

HEAD = "profile: several\nrecognise: {has: [action]}\n"
PROFILE = (
    HEAD
    + """
action: action
target: {type: {const: user}, name: user}
targets:
  of:
    - {type: {const: team}, name: team, relation: {if_present: team, then: {const: to}}}
    - {each: also, type: kind, id: id}
    - {type: {const: repository}, name: [repo, repository.name], relation: {const: in}}
changes:
  of:
    - {field: {const: visibility}, from: was, to: visibility}
    - {field: setting, from: old, to: new}
project: {name: repo}
"""
)

EVENTS: list[dict[str, Any]] = [
    {"action": "add", "user": "ann", "team": "ops", "repo": "a/b", "also": [{"kind": "x", "id": 1, "more": 2}]},
    {"action": "add", "repository": {"name": "a/b"}, "was": "private", "visibility": "public"},
    {"action": "add", "setting": "limit", "old": 1, "new": None, "team": None},
    {"action": "add", "user": "ann"},
]


def drafts(event: dict[str, Any]) -> list[Any]:
    profile = parse_profile(PROFILE, Path("several.yaml"))
    functions = [compile_profile(profile), compile_profile(profile, frozenset(event))]
    found = [interpret.extract(profile, copy.deepcopy(event)), *(one(copy.deepcopy(event)) for one in functions)]
    made = guess(profile, copy.deepcopy(event))
    assert made is not None
    guessed = made(copy.deepcopy(event))
    assert guessed is not None
    found.append(draft_of(guessed) if isinstance(guessed, tuple) else guessed)
    return [msgspec.to_builtins(one) for one in found]


def test_what_stands_in_the_event_itself_is_a_target_or_a_change_beside_those_of_arrays() -> None:
    first, second, third, fourth = (drafts(event)[0] for event in EVENTS)
    assert first["targets"] == [
        {"type": "team", "name": "ops", "relation": "to"},
        {"type": "x", "id": "1"},
        {"type": "repository", "name": "a/b", "relation": "in"},
    ]
    assert first["record"]["project"]["name"] == "a/b"
    assert first["record"]["metadata"] == {"also": [{"more": 2}]}
    assert second["changes"] == [{"field": "visibility", "from": "private", "to": "public"}]
    assert "metadata" not in second["record"]
    assert third["changes"] == [{"field": "limit", "from": 1}]
    assert fourth["targets"] is None
    assert fourth["changes"] is None


@pytest.mark.parametrize("event", EVENTS)
def test_interpreter_and_function_agree_on_them(event: dict[str, Any]) -> None:
    for one in (event, *mutated([event], seed=4, number=300)):
        first, *others = drafts(one)
        assert all(other == first for other in others)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("targets: {of: {type: a}}", "`of` needs a list"),
        ("targets: {of: []}", "`of` needs a list"),
        ("targets: {of: [{kind: a}]}", "unknown key 'kind'"),
        ("changes: {of: [{from: a}]}", "needs `field:`"),
        ("action: {of: [{type: a}]}", "are for targets and changes"),
        ("targets: {first_of: []}", "`first_of` needs a list"),
    ],
)
def test_what_cannot_be_made_is_refused(line: str, says: str) -> None:
    with pytest.raises(ConfigError, match=r"several\.yaml:3") as caught:
        parse_profile(f"{HEAD}{line}\n", Path("several.yaml"))
    assert says in caught.value.message


ONE = (
    HEAD
    + """
targets:
  first_of:
    - {type: {const: bucket}, name: bucket}
    - {type: {const: role}, id: request.role, name: request.name}
    - {each: things, type: type, id: id}
"""
)


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ({"bucket": "b", "request": {"role": "r"}}, [{"type": "bucket", "name": "b"}]),
        ({"bucket": {}, "request": {"role": "r"}}, [{"type": "role", "id": "r"}]),
        ({"request": {"name": "n"}, "things": [{"id": 1}]}, [{"type": "role", "name": "n"}]),
        ({"request": 1, "things": [{"id": 1}, {"id": 2}]}, [{"id": "1"}, {"id": "2"}]),
        ({"action": "a"}, None),
    ],
)
def test_only_the_first_that_gives_any_is_taken(event: dict[str, Any], found: list[dict[str, Any]] | None) -> None:
    profile = parse_profile(ONE, Path("several.yaml"))
    for run in (compile_profile(profile), compile_profile(profile, frozenset(event))):
        draft = run(copy.deepcopy(event))
        assert draft.targets == found
        assert draft == interpret.extract(profile, copy.deepcopy(event))
