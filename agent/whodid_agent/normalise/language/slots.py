"""The slots of a profile's document, and the overrides of single actions (`actions:`)."""

import difflib
from collections.abc import Iterator
from typing import Any

from whodid_agent.normalise.draft import SLOTS
from whodid_agent.normalise.language import forms, patterns
from whodid_agent.normalise.language.expression import MEMBERS, Expression
from whodid_agent.normalise.language.forms import BadExpressionError
from whodid_agent.normalise.language.profile import Override
from whodid_agent.normalise.language.reading import Reading
from whodid_schema import taxonomy
from whodid_schema.errors import ConfigError

SHORT = {
    "ip": "client.ip",
    "user_agent": "client.user_agent",
    "device": "client.device",
    "country": "client.country",
    "app_from": "app",
}
"""Slots that have a name of their own in a profile."""

WORDS = frozenset({"verb", "outcome", "kind", "surface", "category", "layer"})
"""Slots of which an override gives the value itself: `verb: sign_in`."""

NAMES = tuple(dict.fromkeys((*SHORT, *(slot.partition(".")[0] for slot in SLOTS))))

Found = dict[str, Expression | None]
"""Slot → its expression; None: what is inherited is taken out."""


def slots(reading: Reading, other_keys: tuple[str, ...]) -> Found:
    """Every slot that the document fills; `other_keys` are what else may stand at the top."""
    found: Found = {}
    for key, value in reading.source.items():
        if key not in other_keys:
            _collect(reading, found, SHORT.get(key, str(key)), value, (str(key),), other_keys)
    return found


def overrides(reading: Reading) -> Iterator[Override]:
    """The entries of `actions:`, in their order."""
    source = reading.table(
        reading.source.get("actions", {}), "`actions:` maps action names to the slots that differ", "actions"
    )
    for key, given in source.items():
        says = f"{key}: expected the slots that differ, like {{verb: sign_in}}"
        entries = reading.table(given, says, "actions", key)
        found: Found = {}
        for slot, value in entries.items():
            if slot == "action":
                raise reading.fault("an override cannot change the action that it goes by", "actions", key, slot)
            location = ("actions", str(key), str(slot))
            if slot in WORDS and isinstance(value, str):
                value = _word(reading, str(slot), value, location)  # noqa: PLW2901  # the same value, written out
            _collect(reading, found, SHORT.get(slot, str(slot)), value, location, ())
        yield Override(tuple(patterns.keys_of(key)), found)


def _word(reading: Reading, slot: str, value: str, location: tuple[str, ...]) -> Any:
    if slot == "verb" and value not in taxonomy.VERBS:
        raise _no_verb(reading, value, *location)
    return {"const": value}


def _no_verb(reading: Reading, value: Any, *location: str | int) -> ConfigError:
    near = difflib.get_close_matches(str(value), taxonomy.VERBS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return reading.fault(f"{value!r} is no verb; {hint}They are {', '.join(sorted(taxonomy.VERBS))}", *location)


def _refuse_no_verbs(reading: Reading, source: Any, location: tuple[str, ...]) -> None:
    for verb, place in _verbs_of(source, *location):
        if verb is not None and not _understood(verb):
            raise _no_verb(reading, verb, *place)


def _verbs_of(source: Any, *location: str | int) -> Iterator[tuple[Any, tuple[str | int, ...]]]:
    """The verbs that an expression's document states itself, and where."""
    if isinstance(source, list):
        for number, option in enumerate(source):
            yield from _verbs_of(option, *location, number)
    elif isinstance(source, dict):
        if "const" in source:
            yield source["const"], (*location, "const")
        if isinstance(source.get("table"), dict):
            for key, value in source["table"].items():
                yield value, (*location, "table", key)
        for key in ("then", "else"):
            yield from _verbs_of(source.get(key), *location, key)


def _collect(  # one recursion through nested keys
    reading: Reading, found: Found, slot: str, source: Any, location: tuple[str, ...], beside: tuple[str, ...]
) -> None:
    if source is None and (slot in SLOTS or any(name.startswith(f"{slot}.") for name in SLOTS)):
        found |= {name: None for name in SLOTS if name == slot or name.startswith(f"{slot}.")}
        return
    if slot in SLOTS:
        try:
            found[slot] = forms.parse(source, SLOTS[slot])
        except BadExpressionError as error:
            raise reading.fault(f"{slot}: {error}", *location, *error.location) from error
        if slot == "verb":
            _refuse_no_verbs(reading, source, location)
        return
    inside = tuple(
        dict.fromkeys(name[len(slot) + 1 :].partition(".")[0] for name in SLOTS if name.startswith(f"{slot}."))
    )
    if not inside:
        raise reading.unknown(location[-1], (*beside, *NAMES), *location[:-1])
    if not isinstance(source, dict):
        raise reading.fault(f"{slot}: expected {', '.join(inside)}", *location)
    for key, value in source.items():
        if key not in inside:
            raise reading.unknown(key, inside, *location)
        _collect(reading, found, f"{slot}.{key}", value, (*location, key), beside)


def _understood(verb: Any) -> bool:
    """Whether a word is a verb of the record's or another word for one ("edit")."""
    return verb == "other" or taxonomy.read_action(str(verb)).verb != "other"


def takes_whole(slot: str) -> bool:
    """Whether the slot takes objects and arrays as they are."""
    return SLOTS[slot] in ("whole", "anything", *MEMBERS)
