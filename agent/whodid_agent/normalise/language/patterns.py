"""Tables whose keys may be patterns: `create*`, `*.delete`, `iam.*.get`, and several keys for one value: `GET | HEAD`.

A whole word stands before every pattern; of patterns the one with the most letters is asked first.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from whodid_agent.normalise.language.path import table_key

_MOST_KNOWN = 4096
_LONGEST_KNOWN = 128
"""Bounds of the answers that are remembered: the words are the sender's."""


class Patterned(dict[str, Any]):
    """A table that also knows patterns; keys are casefolded already."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        super().__init__(entries)
        parted = [(tuple(key.split("*")), value) for key, value in entries.items() if "*" in key]
        self._patterns = sorted(parted, key=lambda pattern: (-sum(map(len, pattern[0])), pattern[0]))
        self._known: dict[str, Any] = dict(entries)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of this word, or of the first pattern that it has the form of."""
        if key in self._known:
            return self._known[key]
        found = self._matching(key) if key else None
        if len(key) <= _LONGEST_KNOWN:
            if len(self._known) >= _MOST_KNOWN + len(self):
                self._known = dict(self)
            self._known[key] = found
        return default if found is None else found

    def _matching(self, key: str) -> Any:
        for parts, value in self._patterns:
            if key.startswith(parts[0]) and key.endswith(parts[-1]) and _holds(key, parts):
                return value
        return None


def _holds(key: str, parts: tuple[str, ...]) -> bool:
    """Whether the parts stand in the key one behind the other; its ends are known to be right."""
    end, last = len(parts[0]), len(key) - len(parts[-1])
    for part in parts[1:-1]:
        found = key.find(part, end, last)
        if found < 0:
            return False
        end = found + len(part)
    return end <= last


def table(entries: Iterable[tuple[str, Any]]) -> Mapping[str, Any]:
    """The table of these words and patterns."""
    found = dict(entries)
    return Patterned(found) if any("*" in key for key in found) else found


def keys_of(key: Any) -> Iterator[str]:
    """The words that a key of a table stands for, casefolded."""
    for word in key.split("|") if isinstance(key, str) and key.strip(" |") else [key]:
        yield table_key(word.strip() if isinstance(word, str) else word)
