"""Redaction of decoded values: the complete, slower way, and what the cuts in the bytes are compared with.

Nothing is changed in place: a value without secrets comes back as the same object, so the caller sees by `is`
whether anything was masked.
"""

import sys
from typing import Any

import msgspec
from msgspec import Struct

from whodid_agent.normalise.redact.card import is_card
from whodid_agent.normalise.redact.keys import ROOT, Key, KeyRules, Level, combined, is_name, words
from whodid_agent.normalise.redact.text import TextMasker
from whodid_schema import redaction as rules
from whodid_schema.record import MASK

_DEEPEST_STRING = 8
_LOOKS = 32
_BYTES_PER_LOOK = 512
_CACHED_NAMES = 4096
_LONGEST_NAME = 256
_ASSIGNING = "=:%\\"
"""Without one of these no text assigns anything (the backslash: in an escape)."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Patience(Struct):
    """How many suspected texts of a line are still looked at closely: behind them each is masked as a whole.

    Nobody writes so many secrets into one event but to cost time.
    """

    left: int

    @classmethod
    def of(cls, length: int) -> "Patience":
        """That for a line of so many bytes."""
        return cls(_LOOKS + length // _BYTES_PER_LOOK)


class Walker:
    """Masks keys and shapes in values as JSON has them: dict, list, str, int, float, bool, None."""

    def __init__(self, keys: KeyRules, text: TextMasker) -> None:
        self._keys = keys
        self._text = text
        self._names: dict[str, str] = {}

    def walk(self, value: Any, key: Key = ROOT, strings: int = 0, patience: Patience | None = None) -> Any:
        """The value with its secrets masked; the same object where there is none.

        `key` is what the keys above say of it, `strings` how many JSON strings it was decoded from, `patience` how
        many texts get a closer look. Raises RecursionError where the value is nested more deeply than Python recurses.
        """
        patience = patience or Patience(sys.maxsize)
        if isinstance(value, str):
            return self._string(value, key, strings, patience)
        if isinstance(value, dict):
            return self._object(value, key, strings, patience)
        if isinstance(value, list | tuple):
            items = [self.walk(item, key, strings, patience) for item in value]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        if isinstance(value, bytes):
            return MASK if key.level is Level.STRICT else self._text.mask(value, key)
        if isinstance(value, bool) or value is None:
            return value
        return self._number(value, key)

    def _object(self, value: dict[Any, Any], above: Key, strings: int, patience: Patience) -> dict[Any, Any]:
        beside = self._marked(value)
        pair = not rules.PAIR_VALUES.isdisjoint(value)
        masked: dict[Any, Any] = {}
        changed = False
        for name, child in value.items():
            own = self._keys.key(name) if isinstance(name, str) else ROOT
            level = combined(above.level, name, own.level)
            if level is Level.BARE and pair:
                level = Level.OPEN
            if beside and words(str(name)) in rules.CHANGE_VALUES:
                level = max(level, beside)
            new_name = self._name(name, patience)
            new = self.walk(child, Key(level, own.card, own.key_id), strings, patience)
            changed = changed or new is not child or new_name is not name
            masked[new_name] = new
        return masked if changed else value

    def _marked(self, value: dict[Any, Any]) -> Level:
        """How secret the neighbours are of a `"field": "password"` in this object."""
        level = Level.OPEN
        for name, child in value.items():
            if isinstance(child, str) and isinstance(name, str) and name.lower() in rules.CHANGE_MARKERS:
                level = max(level, self._keys.key(child).level)
        return level

    def _name(self, name: Any, patience: Patience) -> Any:
        """A key with its own secrets masked: keys are written by senders too."""
        if not isinstance(name, str) or len(name) < rules.SHORTEST_SHAPE:
            return name
        masked = self._names.get(name)
        if masked is None:
            masked = self._masked(name, ROOT, patience)
            if len(self._names) >= _CACHED_NAMES:
                self._names.clear()
            if len(name) <= _LONGEST_NAME and patience.left >= 0:
                self._names[name] = masked
        return name if masked == name else masked

    def _string(self, value: str, key: Key, strings: int, patience: Patience) -> str:
        if key.level is Level.STRICT:
            return value if value == MASK else MASK
        if len(value) >= rules.LENIENT_MINIMUM and (
            key.level is Level.LENIENT or (key.level is Level.BARE and not is_name(value))
        ):
            return value if value == MASK else MASK
        if strings < _DEEPEST_STRING and value.lstrip()[:1] in {"{", "[", '"'}:
            try:
                inner = _decode(value)
                masked = self.walk(inner, Key(Level.OPEN, key.card, key.key_id), strings + 1, patience)
                return value if masked is inner else _encode(masked).decode()
            except (msgspec.MsgspecError, RecursionError, UnicodeError):
                return self._masked(value, key, patience)
        return self._masked(value, key, patience)

    def _masked(self, value: str, key: Key, patience: Patience) -> str:
        if len(value) < rules.SHORTEST_SHAPE and not any(mark in value for mark in _ASSIGNING):
            return value
        text = value.encode(errors="surrogatepass")
        if not self._text.suspects(text):
            return value
        if self._text.scans:
            patience.left -= 1
            if patience.left < 0:
                return MASK
        masked = self._text.closely(text, key)
        return value if masked is text else masked.decode(errors="surrogatepass")

    def _number(self, value: Any, key: Key) -> Any:
        if key.level is Level.STRICT:
            return MASK
        if isinstance(value, int) and value > 0 and key.card and is_card(str(value)):
            return MASK
        return value
