"""A profile inferred from samples: where the search found each field, how often, how surely, and an example of it.

The text of the profile is made of this by `infer_text`.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from whodid_agent.normalise import values
from whodid_agent.normalise.draft import SLOTS
from whodid_agent.normalise.unknown.generic import Search
from whodid_agent.normalise.unknown.plan import Place
from whodid_agent.normalise.unknown.spread import Spread
from whodid_schema import taxonomy
from whodid_schema.errors import UsageError

Event = dict[str, Any]

_MOST_ALTERNATIVES = 5
_MOST_ACTIONS = 60
_CONSTANT = re.compile(r"[A-Za-z][\w./:-]{1,60}")
_SPECIAL = re.compile(r"([.\\\[])")
_PLAIN_VALUE = re.compile(r"[^\[\]|=]{1,100}")
_LONGEST_KEY = 128
_MOST_HAS = 8
_MOST_LEFT = 24
_MOST_PLACES = 1_000
"""Places that are counted, of which so many are named."""
_ENOUGH = 3
"""Events that must agree before a value counts as constant."""

ESSENTIAL = ("time", "action", "actor.id", "actor.name", "actor.email")


class Alternative(Struct):
    """One place that a slot is filled from: its expression in the language of profiles."""

    expression: Any
    count: int = 0
    confidence: float = 0.0
    example: Any = None


class Inferred(Struct):
    """What samples say of their format. `unread`: slot → why a place that was found cannot be written down."""

    number: int
    slots: dict[str, list[Alternative]]
    has: list[str]
    constants: dict[str, str]
    actions: list[tuple[str, int, str]]
    samples: list[Event] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    left: list[Alternative] = field(default_factory=list)
    """Places that fill no slot, the most frequent first."""


def infer(events: Iterable[Event], search: Search) -> Inferred:
    """What these events (redacted) have in common. Raises UsageError where nothing can be inferred."""
    found: dict[str, dict[str, Alternative]] = {}
    actions: Counter[str] = Counter()
    samples: dict[str, Event] = {}
    unread: dict[str, str] = {}
    places: dict[str, Alternative] = {}
    common: list[str] | None = None
    constants: dict[str, Any] = {}
    number = 0
    for event in events:
        number += 1
        common = list(event) if common is None else [key for key in common if key in event]
        constants = dict(event) if number == 1 else {k: v for k, v in constants.items() if event.get(k) == v}
        finder = search.look(event)
        for slot, (place, confidence) in finder.sources().items():
            value = finder.at(place)
            _note(found, unread, slot, finder.spread, place, value, confidence)
            if slot == "action":
                actions[str(value)] += 1
        _count(places, finder.spread)
        samples.setdefault(str(finder.found[""].get("action")), event)
    if not number:
        raise UsageError("there is no event in it", "an event is a JSON object: one a line, or an array of them")
    if not any(slot in found for slot in ESSENTIAL):
        raise UsageError(
            f"nothing can be inferred: no time, no action and nobody was found in {number} event(s)",
            "write the profile by hand (docs/profiles.md), beginning with the keys that say who, what and when",
        )
    inferred = _settled(number, found, common or [], constants, actions, samples, unread)
    inferred.left = _left(places, inferred)
    return inferred


def _count(places: dict[str, Alternative], spread: Spread) -> None:
    """Note every place of this event that a path can name."""
    for number, key in ((number, key) for number, keys in spread.places() for key in keys):
        expression = expression_of(spread, (number, key))
        value = spread.objects[number][key]
        if isinstance(expression, str) and value not in (None, "", [], {}):
            one = places.get(expression)
            if one is None:
                if len(places) >= _MOST_PLACES:
                    continue
                one = places[expression] = Alternative(expression, example=value)
            one.count += 1


def _left(places: dict[str, Alternative], inferred: Inferred) -> list[Alternative]:
    """The places that nothing was made of."""
    taken = " ".join(str(one.expression) for listed in inferred.slots.values() for one in listed)
    left = [one for text, one in places.items() if text not in taken and text not in inferred.constants]
    return sorted(left, key=lambda one: -one.count)[:_MOST_LEFT]


def _settled(
    number: int,
    found: dict[str, dict[str, Alternative]],
    common: list[str],
    constants: dict[str, Any],
    actions: Counter[str],
    samples: dict[str, Event],
    unread: dict[str, str],
) -> Inferred:
    slots = {
        slot: sorted(listed.values(), key=lambda one: -one.count)[:_MOST_ALTERNATIVES] for slot, listed in found.items()
    }
    used = {str(one.expression).partition(".")[0] for listed in slots.values() for one in listed}
    has = sorted((key for key in common if _can_be_spelt(key)), key=lambda key: spelt_key(key) not in used)
    fixed = {
        key: value
        for key, value in constants.items()
        if number >= _ENOUGH
        and key in has
        and spelt_key(key) not in used
        and type(value) is str
        and _CONSTANT.fullmatch(value)
    }
    met = [(action, count, taxonomy.read_action(action).verb) for action, count in actions.most_common(_MOST_ACTIONS)]
    return Inferred(
        number,
        slots,
        [spelt_key(key) for key in has[:_MOST_HAS]],
        {spelt_key(key): value for key, value in fixed.items()},
        met,
        list(samples.values())[:_ENOUGH],
        unread,
    )


def _note(
    found: dict[str, dict[str, Alternative]],
    unread: dict[str, str],
    slot: str,
    spread: Spread,
    place: Place,
    value: Any,
    confidence: float,
) -> None:
    slot = "target.label" if slot == "label" else slot
    expression = expression_of(spread, place)
    if expression is None:
        unread.setdefault(slot, "a key that no path can name")
        return
    if slot == "outcome" and values.outcome(value) is None:
        expression = _outcome(expression, value)
    elif values.KINDS[SLOTS[slot]](value) is None:
        unread.setdefault(slot, f"{expression}: a form that a profile does not read")
        return
    elif slot.endswith(".email") and isinstance(expression, str):
        expression = f"{expression}[like *@*]"
    one = found.setdefault(slot, {}).setdefault(str(expression), Alternative(expression, example=value))
    one.count += 1
    one.confidence = max(one.confidence, confidence)


def _outcome(expression: Any, value: Any) -> Any:
    """What an error, or an unusual word, says of the outcome."""
    if not isinstance(expression, str):
        return {"const": "unknown"}
    if isinstance(value, str | int) and len(str(value)) <= 5:
        table = {"0": "success", "yes": "success", "y": "success", "no": "failure", "n": "failure"}
        return {"map": expression, "table": table}
    return {"if_present": expression, "then": {"const": "failure"}}


def expression_of(spread: Spread, place: Place) -> Any:
    """The place in the language of profiles; None where it has no word for it."""
    number, key = place
    if not _can_be_spelt(key):
        return None
    text, inner = spelt_key(key), None
    while number > 0:
        where = spread.where[number]
        if not _can_be_spelt(where.key):
            return None
        if where.pair is not None:
            name = text if inner is None else ""
            if not _PLAIN_VALUE.fullmatch(key) or not name:
                return None
            text = f"{spelt_key(where.key)}[{where.pair[0]}={key}].{where.pair[1]}"
        elif where.text:
            if inner is not None:
                return None
            inner, text = text, spelt_key(where.key)
        else:
            item = f".{where.item}" if where.item is not None else ""
            text = f"{spelt_key(where.key)}{item}.{text}"
        number = where.inside
    return text if inner is None else {"json": text, "then": inner}


def spelt_key(key: str) -> str:
    """A key as a step of a path."""
    return _SPECIAL.sub(r"\\\1", key)


def _can_be_spelt(key: str) -> bool:
    return 0 < len(key) <= _LONGEST_KEY and key.isprintable()
