"""Which key names hold secrets: a name's last words against the rules of `whodid_schema.redaction`."""

import re
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, NamedTuple

from whodid_agent.normalise.redact.card import may_hold_card
from whodid_schema import redaction as rules

_CACHED_NAMES = 4096
_LONGEST_NAME = 256
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DIVIDER = re.compile(r"[\W_]+")


class Level(IntEnum):
    """How much of what stands under a key is secret; the greater one wins where two meet."""

    OPEN = 0
    BARE = 1
    LENIENT = 2
    STRICT = 3


# Bound here: looking a member up on its enum is dear in the inner loop.
_OPEN, _LENIENT, _STRICT = Level.OPEN, Level.LENIENT, Level.STRICT


def words(name: str) -> str:
    """The name's words in lower case, joined by underscores: `x-apiKey` is `x_api_key`."""
    return _DIVIDER.sub("_", _CAMEL.sub("_", name)).strip("_").lower()


class Key(NamedTuple):
    """What a name says about the value under it: how secret, and what it may hold nevertheless."""

    level: Level
    card: bool = True
    key_id: bool = False


ROOT = Key(Level.OPEN)
"""Where no key stands above."""


class KeyRules:
    """Classifies key names; remembers the answers, bounded, because senders invent names.

    `extra` names are strict in addition to the built-in ones, `allow` names (whole, as written) are let pass.
    """

    def __init__(self, extra: Iterable[str] = (), allow: Iterable[str] = ()) -> None:
        self.extra = tuple(sorted({word for word in map(words, extra) if word}))
        self._allow = frozenset(allow)
        self._key_ids = rules.KEY_ID_NAMES | self._allow
        self._strict = _ending((*rules.STRICT_WORDS, *self.extra))
        self._lenient = _ending((*rules.LENIENT_WORDS, *rules.UNDIVIDED_KEYS))
        self.known: dict[str, Key] = {}

    def key(self, name: str) -> Key:
        """What the name says about the value under it."""
        found = self.known.get(name)
        if found is None:
            ending = words(name[-_LONGEST_NAME:])
            found = Key(self._level(name, ending), may_hold_card(ending), name in self._key_ids)
            if len(self.known) >= _CACHED_NAMES:
                self.known.clear()
            if len(name) <= _LONGEST_NAME:
                self.known[name] = found
        return found

    def _level(self, name: str, ending: str) -> Level:
        if name in self._allow:
            return Level.OPEN
        if self._strict.search(ending):
            return Level.STRICT
        if self._lenient.search(ending):
            return Level.BARE if ending in {"key", "keys"} else Level.LENIENT
        return Level.OPEN


def _ending(whole: tuple[str, ...]) -> re.Pattern[str]:
    """Names that end in one of the words, perhaps with a plural s, a number and a harmless suffix behind it."""
    undivided = "|".join(word for word in (*rules.UNDIVIDED_WORDS, *rules.UNDIVIDED_KEYS) if word in whole)
    bound = "|".join(re.escape(word) for word in whole)
    suffix = "|".join(rules.SUFFIXES)
    return re.compile(rf"(?:{undivided}|(?:^|_)(?:{bound}))s?(?:_?[0-9]+)?(?:_(?:{suffix}))?$")


def is_name(text: str) -> bool:
    """Whether a bare key's value reads as a name (see the schema's rules) rather than as key material."""
    return any(mark in text[:256] for mark in ".: ")


def combined(above: Level, name: Any, own: Level) -> Level:
    """The level under a key below another: the greater one, but a token's id and name are no secrets."""
    if above is _OPEN:
        return own
    if above is _STRICT:
        return above
    return own if own is _STRICT or name in rules.LENIENT_EXEMPT else _LENIENT
