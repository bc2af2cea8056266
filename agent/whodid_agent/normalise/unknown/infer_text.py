"""The text of an inferred profile: YAML with a comment behind each line that says how sure it is.

What stands in comments and tests comes from the samples, redacted; it is made harmless and cannot leave its line.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from whodid_agent.normalise.unknown.infer import ESSENTIAL, Alternative, Inferred
from whodid_schema.visible import visible

_LONGEST_EXAMPLE = 48
_LONGEST_TEST = 8_192
_SPOKEN = {
    "client.ip": "ip",
    "client.user_agent": "user_agent",
    "client.device": "device",
    "client.country": "country",
    "app": "app_from",
}
_ORDER = ("time", "action", "actor", "target", "workspace", "project", "ip", "user_agent", "outcome", "reason")
_EXPECTED = (
    "@timestamp",
    "action",
    "verb",
    "actor.id",
    "actor.name",
    "actor.email",
    "client.ip",
    "outcome",
    "target.id",
)


def write(inferred: Inferred, name: str, origin: str, records: list[tuple[Any, dict[str, Any]]]) -> str:
    """The profile's file. `records`: sample events and what the profile makes of them, for its tests."""
    return "\n".join([*_head(inferred, name, origin), *_slots(inferred), *_actions(inferred), *_tests(records), ""])


def _head(inferred: Inferred, name: str, origin: str) -> Iterator[str]:
    yield f"# Inferred from {inferred.number} event(s) of {_short(origin)}. Read every line before you rely on it: the"
    yield "# comments say how sure each is (0 to 1), in how many events it was found, and what stood there."
    yield f"profile: {name}"
    yield f"title: {_flow(f'{name}, inferred from samples')}"
    yield "proven: false"
    yield f"app: {name}"
    yield "recognise:"
    yield f"  has: {_flow(inferred.has)}  # in every event"
    if inferred.constants:
        constants = {key: [value] for key, value in inferred.constants.items()}
        yield f"  one_of: {_flow(constants)}  # the same in every event"


def _slots(inferred: Inferred) -> Iterator[str]:
    tree: dict[str, Any] = {}
    for slot, listed in inferred.slots.items():
        steps = _SPOKEN.get(slot, slot).split(".")
        node = tree
        for step in steps[:-1]:
            node = node.setdefault(step, {})
        node[steps[-1]] = listed
    for slot in sorted(tree, key=lambda key: (_ORDER.index(key) if key in _ORDER else len(_ORDER), key)):
        yield from _lines(slot, tree[slot], 0, inferred.number)
    yield "metadata: rest"
    if inferred.left:
        yield "# Kept in the metadata. What of it says whom or what an event concerns can fill a slot (target, targets,"
        yield "# changes, workspace, session_id, request_id …; docs/profiles.md has all):"
        for one in inferred.left:
            yield f"#   {_short(str(one.expression))}: in {one.count} of {inferred.number}, such as {_example(one)}"
    for slot, why in inferred.unread.items():
        if slot not in inferred.slots:
            yield f"# {_SPOKEN.get(slot, slot)}: was found, but not written down: {_short(why, 200)}"
    missing = [slot for slot in ("time", "action", "client.ip") if slot not in inferred.slots]
    if not any(slot in inferred.slots for slot in ESSENTIAL[2:]):
        missing.append("actor")
    if missing:
        yield f"# ? not found in any event: {', '.join(missing)}"


def _lines(key: str, node: Any, depth: int, number: int) -> Iterator[str]:
    space = "  " * depth
    if isinstance(node, dict):
        yield f"{space}{key}:"
        for member in sorted(node):
            yield from _lines(member, node[member], depth + 1, number)
    elif len(node) == 1:
        yield f"{space}{key}: {_flow(node[0].expression)}  # {_says(node[0], number)}"
    else:
        yield f"{space}{key}:"
        for one in node:
            yield f"{space}  - {_flow(one.expression)}  # {_says(one, number)}"


def _says(one: Alternative, number: int) -> str:
    return f"{one.confidence:.2f}, in {one.count} of {number}, such as {_example(one)}"


def _example(one: Alternative) -> str:
    return _short(one.example if isinstance(one.example, str) else msgspec.json.encode(one.example).decode())


def _actions(inferred: Inferred) -> Iterator[str]:
    if not inferred.actions:
        return
    yield "# Actions that were met, with the verb each gets. What is marked with ? has none: say it below `actions:`."
    for action, count, verb in inferred.actions:
        yield f"#   {'? ' if verb == 'other' else ''}{_short(action)}: {verb}, {count} times"


def _tests(records: list[tuple[Any, dict[str, Any]]]) -> Iterator[str]:
    written = [(event, record) for event, record in records if len(msgspec.json.encode(event)) <= _LONGEST_TEST]
    if not written:
        return
    yield "tests:"
    for number, (event, record) in enumerate(written, 1):
        expect = {path: value for path in _EXPECTED if (value := _at(record, path)) is not None}
        if record.get("time_precision") == "received":
            expect.pop("@timestamp")
        yield f"  - name: {_flow(f'sample {number}: ' + _short(str(record.get('action'))))}"
        yield f"    event: {_flow(msgspec.json.encode(event).decode())}"
        yield f"    expect: {_flow(expect)}"


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), allow_unicode=False, sort_keys=False)
    if "\n" in text.rstrip("\n").removesuffix("\n..."):  # a text of several lines is escaped instead
        text = yaml.safe_dump(
            value, default_flow_style=True, default_style='"', width=float("inf"), allow_unicode=False, sort_keys=False
        )
    return text.removesuffix("\n").removesuffix("\n...")


def _short(text: str, longest: int = _LONGEST_EXAMPLE) -> str:
    """Text for a comment: harmless, on one line."""
    plain = visible(text[: 4 * longest]).replace("\n", " ")
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"
