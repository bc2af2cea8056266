"""Redaction of decoded values: the complete, slower way, and what the cuts in the bytes are compared with.

Nothing is changed in place: a value without secrets comes back as the same object, so the caller sees by `is`
whether anything was masked.
"""

import operator
import sys
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from whodid_agent.normalise.redact.card import is_card
from whodid_agent.normalise.redact.keys import ROOT, Key, KeyRules, Level, combined, is_name, words
from whodid_agent.normalise.redact.text import Suspected, TextMasker
from whodid_schema import redaction as rules
from whodid_schema.record import MASK

_DEEPEST, _TEXT = 80, 8
"""Levels that are looked through, and for how many of them JSON in a text counts; what lies below is masked."""
_LONG = 256
"""Characters of JSON in a text of which all strings are scanned at once."""
_SIEVED, _MOST_VAIN = 16, 2
"""Objects of an array that are scanned at once, where there are more; how often more in vain than not."""
_LOOKS = 8
_BYTES_PER_LOOK = 512
_CACHED_NAMES = 4096
_LONGEST_NAME = 256
_MOST_PLANS = 1024
_MOST_MEMBERS = 32
_LEAST_CARD = 10**12
_CARD_BEGINS = ("2", "3", "4", "5", "6")
_PLAIN = frozenset({bool, float, type(None)})
_NUMBERS = _PLAIN | {int}
_OPEN, _BARE, _STRICT = Level.OPEN, Level.BARE, Level.STRICT
_SECRET = Key(_STRICT)
_NOTHING_KNOWN = (None, frozenset[str]())
_SHORTEST = rules.SHORTEST_SHAPE
_OPENINGS = frozenset('{["')
_ASSIGNING = "=:%\\"
"""Without one of these no text assigns anything (the backslash: in an escape)."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class _Planned(NamedTuple):
    """What the keys of an object say under a key of one level, where none of them is itself a secret.

    `members`: what each key says of its value, and whether most values need no look there. `markers`: keys whose
    values may make secrets of the others.
    """

    members: tuple[tuple[Key, bool], ...]
    markers: tuple[str, ...]


class Patience(Struct):
    """How many secrets and suspected texts of a line are still looked at closely.

    Behind them each is masked as a whole, and what stands below or beside a secret's key too: nobody writes so many
    secrets into one event but to cost time. Nor does anybody nest deeper than `deepest`.
    """

    left: int
    suspected: Suspected | None = None
    """What is known of the line's strings, where they were scanned at once; None: each is to be asked about."""
    deepest: int = sys.maxsize

    @classmethod
    def of(cls, length: int, suspected: Suspected | None = None) -> "Patience":
        """That for a line of so many bytes."""
        return cls(_LOOKS + length // _BYTES_PER_LOOK, suspected, _DEEPEST)


class Walker:
    """Masks keys and shapes in values as JSON has them: dict, list, str, int, float, bool, None."""

    def __init__(self, keys: KeyRules, text: TextMasker) -> None:
        self._keys = keys
        self._text = text
        self._names: dict[str, str] = {}
        self._plans: dict[tuple[str, ...], dict[Level, _Planned | None]] = {}

    def walk(self, value: Any, key: Key = ROOT, depth: int = 0, patience: Patience | None = None) -> Any:
        """The value with its secrets masked; the same object where there is none.

        `key` is what the keys above say of it, `depth` how many levels stand above, `patience` how many texts get
        a closer look. Raises RecursionError where the value is nested more deeply than Python recurses.
        """
        patience = patience or Patience(sys.maxsize)
        if isinstance(value, str):
            return self._string(value, key, depth, patience)
        if isinstance(value, dict):
            return self._object(value, key, depth, patience)
        if isinstance(value, list | tuple):
            return self._array(value, key, depth, patience)
        if isinstance(value, bytes):
            return MASK if key.level is _STRICT else self._text.mask(value, key)
        if isinstance(value, bool) or value is None:
            return value
        return self._number(value, key)

    def _array(self, value: Any, key: Key, depth: int, patience: Patience) -> Any:
        if self._is_beyond(key, depth, patience):
            return MASK
        kinds = set(map(type, value))
        if kinds <= _NUMBERS and key.level is not _STRICT and max(filter(None, value), default=0) < _LEAST_CARD:
            return value
        if kinds == {str} and key.level is _OPEN and "".join(value).isdecimal():
            if not key.card:
                return value
            known = {item: self._digits(item, key, patience) for item in dict.fromkeys(value)}
            items = [known[item] for item in value]
        elif kinds == {dict} and key.level is _OPEN and patience.suspected is not None and len(value) > _SIEVED:
            items = self._sieved(value, key, depth, patience)
        else:
            one = self._string if kinds == {str} else self._object if kinds == {dict} else self.walk
            items = [one(item, key, depth + 1, patience) for item in value]
        return value if all(map(operator.is_, items, value)) else items

    def _sieved(self, value: list[Any], key: Key, depth: int, patience: Patience) -> list[Any]:
        """The objects of a long array; some at once are written anew and scanned, as a line would be."""
        items: list[Any] = []
        vain = 0  # where most are suspected, to ask costs more than to look
        for start in range(0, len(value), _SIEVED):
            part = value[start : start + _SIEVED]
            if vain > _MOST_VAIN or self._text.suspects(_encode(part)):
                vain += 1
                part = [self._object(one, key, depth + 1, patience) for one in part]
            else:
                vain -= 1
            items += part
        return items

    def _is_beyond(self, key: Key, depth: int, patience: Patience) -> bool:
        """Whether what stands here is masked unseen: too deep, or below a secret's key in a line of too many."""
        return self._text.scans and (depth > patience.deepest or (patience.left < 0 and key.level > _BARE))

    def _object(self, value: dict[Any, Any], above: Key, depth: int, patience: Patience) -> Any:
        if (depth > patience.deepest or patience.left < 0) and self._is_beyond(above, depth, patience):
            return MASK
        planned = self._planned(value, above.level) if len(value) <= _MOST_MEMBERS else None
        if planned is None:
            return self._member_by_member(value, above, depth, patience)
        texts, harmless = patience.suspected or _NOTHING_KNOWN
        for marker in planned.markers:
            child = value[marker]
            if type(child) is str and child not in harmless and self._keys.key(child).level is not _OPEN:
                spent = patience.left < 0 and self._text.scans
                return MASK if spent else self._member_by_member(value, above, depth, patience)
        masked: dict[Any, Any] | None = None
        for (own, simple), (name, child) in zip(planned.members, value.items(), strict=True):
            kind = type(child)
            if simple and (
                (kind is str and ((len(child) < _SHORTEST and child.isalnum()) or _is_harmless(child, texts)))
                or (kind is int and child < _LEAST_CARD)
                or kind in _PLAIN
            ):
                continue  # what most values are, without a call
            new = (self._object if kind is dict else self.walk)(child, own, depth + 1, patience)
            if new is not child:
                masked = masked or dict(value)
                masked[name] = new
        return masked or value

    def _planned(self, value: dict[Any, Any], level: Level) -> _Planned | None:
        """What is known of an object with these keys; nothing where they are met for the first time."""
        keys = tuple(value)
        plans = self._plans.get(keys)
        if plans is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            if all(type(name) is str for name in keys) and sum(map(len, keys)) <= _LONGEST_NAME:
                self._plans[keys] = {}
            return None
        if level not in plans:
            plans[level] = self._plan(value, level)
        return plans[level]

    def _plan(self, value: dict[Any, Any], level: Level) -> _Planned | None:
        """What to look at in objects with these keys; None where a key is itself a secret."""
        if any(len(name) >= _SHORTEST and self._name(name, Patience(1)) != name for name in value):
            return None
        above = Key(level)
        members = []
        for name in value:
            own = self._keys.key(name)
            if level is not _OPEN or own.level is not _OPEN:
                own = self._beneath(above, name, own, _OPEN, value)
            members.append((own, own.level is _OPEN))
        return _Planned(tuple(members), tuple(name for name in value if name.lower() in rules.CHANGE_MARKERS))

    def _member_by_member(self, value: dict[Any, Any], above: Key, depth: int, patience: Patience) -> Any:
        beside = self._marked(value) if _may_be_marked(value) else _OPEN
        if beside is not _OPEN and self._is_too_much(patience):
            return MASK
        simple = above.level is _OPEN and beside is _OPEN
        key_of = self._keys.key
        texts, harmless = patience.suspected or _NOTHING_KNOWN
        masked: dict[Any, Any] = {}
        changed = False
        for name, child in value.items():
            own, new_name = ROOT, name
            unread = simple and name in harmless
            if patience.left < 0 and texts is not None and name in texts and len(name) >= _SHORTEST:
                own, new_name = _SECRET, MASK
            elif not unread and isinstance(name, str):
                own = key_of(name)
                if len(name) >= _SHORTEST:
                    new_name = self._name(name, patience)
            if not (simple and own.level is _OPEN):
                own = self._beneath(above, name, own, beside, value)
            kind = type(child)
            if own.level is _OPEN and (
                (kind is int and child < _LEAST_CARD) or kind in _PLAIN or (kind is str and _is_harmless(child, texts))
            ):
                masked[new_name] = child  # what most values are, without a call
                changed = changed or new_name is not name
            else:
                if unread and kind is not dict:
                    own = key_of(name)
                if kind is str:
                    spent = patience.left < 0 and texts is not None and own.level is _OPEN and child in texts
                    new = MASK if spent else self._string(child, own, depth + 1, patience)
                else:
                    new = (self._object if kind is dict else self.walk)(child, own, depth + 1, patience)
                masked[new_name] = new
                changed = changed or new is not child or new_name is not name
        return masked if changed else value

    def _beneath(self, above: Key, name: Any, own: Key, beside: Level, siblings: dict[Any, Any]) -> Key:
        """What the keys say about the value under the key `name`, which by itself says `own`."""
        level = combined(above.level, name, own.level)
        if level is _BARE and not rules.PAIR_VALUES.isdisjoint(siblings):
            level = _OPEN
        if beside is not _OPEN and words(str(name)) in rules.CHANGE_VALUES:
            level = max(level, beside)
        return own if level is own.level else Key(level, own.card, own.key_id)

    def _marked(self, value: dict[Any, Any]) -> Level:
        """How secret the neighbours are of a `"field": "password"` in this object."""
        level = Level.OPEN
        for name, child in value.items():
            if isinstance(child, str) and isinstance(name, str) and name.lower() in rules.CHANGE_MARKERS:
                level = max(level, self._keys.key(child).level)
        return level

    def _name(self, name: str, patience: Patience) -> str:
        """A key with its own secrets masked: keys are written by senders too."""
        masked = self._names.get(name)
        if masked is None:
            one = self._digits if name.isdecimal() else self._masked
            masked = one(name, ROOT, patience)
            if len(self._names) >= _CACHED_NAMES:
                self._names.clear()
            if len(name) <= _LONGEST_NAME and patience.left >= 0:
                self._names[name] = masked
        return name if masked == name else masked

    def _string(self, value: str, key: Key, depth: int, patience: Patience) -> str:
        if key.level is _STRICT or (
            key.level is not _OPEN
            and len(value) >= rules.LENIENT_MINIMUM
            and (key.level is not _BARE or not is_name(value))
        ):
            if value == MASK:
                return value
            patience.left -= 1
            return MASK
        if value.isdecimal():
            return self._digits(value, key, patience)
        if patience.suspected is not None and value not in patience.suspected.texts:
            return value
        if value.lstrip()[:1] in _OPENINGS and depth + _TEXT <= _DEEPEST:
            return self._json(value, key, depth + _TEXT, patience)
        return self._masked(value, key, patience)

    def _json(self, text: str, key: Key, depth: int, patience: Patience) -> str:
        """A text that may be JSON: its strings are others than those of the line."""
        suspected = patience.suspected
        try:
            inner = _decode(text)
            patience.suspected = None if len(text) < _LONG else self._text.suspected(text)
            masked = self.walk(inner, Key(Level.OPEN, key.card, key.key_id), depth, patience)
            return text if masked is inner else _encode(masked).decode()
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            patience.suspected = suspected
            return self._masked(text, key, patience)
        finally:
            patience.suspected = suspected

    def _masked(self, value: str, key: Key, patience: Patience) -> str:
        if len(value) < _SHORTEST and not any(mark in value for mark in _ASSIGNING):
            return value
        if patience.suspected is not None:
            if value not in patience.suspected.texts:
                return value
            if patience.left < 0:
                return MASK
        text = value.encode(errors="surrogatepass")
        if patience.suspected is None and not self._text.suspects(text):
            return value
        if self._is_too_much(patience):
            return MASK
        masked = self._text.closely(text, key)
        return value if masked is text else masked.decode(errors="surrogatepass")

    def _digits(self, value: str, key: Key, patience: Patience) -> str:
        """A string of digits alone, which can be nothing but a card's number."""
        if not key.card or not 12 < len(value) < 20 or value[0] not in _CARD_BEGINS or not value.isascii():
            return value
        return MASK if self._is_too_much(patience) or is_card(value) else value

    def _is_too_much(self, patience: Patience) -> bool:
        """Whether one more suspected text is one too many."""
        if not self._text.scans:
            return False
        patience.left -= 1
        return patience.left < 0

    def _number(self, value: Any, key: Key) -> Any:
        if key.level is _STRICT:
            return MASK
        if isinstance(value, int) and value > 0 and key.card and is_card(str(value)):
            return MASK
        return value


def _may_be_marked(value: dict[Any, Any]) -> bool:
    """Whether one of the keys may say what the others hold."""
    try:
        return not rules.CHANGE_MARKERS.isdisjoint(map(str.lower, value))
    except TypeError:  # keys that are no strings, which JSON does not have
        return True


def _is_harmless(text: str, suspected: frozenset[str] | None) -> bool:
    """Whether it is clear at once that a string holds no secret: no digits alone, no JSON, nothing suspected."""
    if len(text) < _SHORTEST and text.isalnum():
        return True
    return suspected is not None and text not in suspected and text[:1].isalnum() and not text.isdecimal()
