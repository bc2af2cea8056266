"""Tables whose keys may be patterns: `create*`, `*.delete`, `iam.*.get`, and several keys for one value: `GET | HEAD`.

A whole word stands before every pattern; of patterns the one with the most letters is asked first.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from whodid_agent.normalise.path import table_key


class Patterned(dict[str, Any]):
    """A table that also knows patterns; keys are casefolded already."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        super().__init__(entries)
        parted = ((key.partition("*"), value) for key, value in entries.items() if "*" in key)
        self._patterns = sorted(
            ((head, tail, len(head) + len(tail), value) for (head, _, tail), value in parted),
            key=lambda pattern: (-pattern[2], pattern[0], pattern[1]),
        )

    def get(self, key: str, default: Any = None) -> Any:
        """The value of this word, or of the first pattern that it has the form of."""
        found = super().get(key)
        if found is not None or not key:
            return default if found is None else found
        for head, tail, length, value in self._patterns:
            if len(key) >= length and key.startswith(head) and key.endswith(tail):
                return value
        return default


def table(entries: Iterable[tuple[str, Any]]) -> Mapping[str, Any]:
    """The table of these words and patterns."""
    found = dict(entries)
    return Patterned(found) if any("*" in key for key in found) else found


def keys_of(key: Any) -> Iterator[str]:
    """The words that a key of a table stands for. Raises ValueError for a pattern with more than one star."""
    for word in key.split("|") if isinstance(key, str) and key.strip(" |") else [key]:
        folded = table_key(word.strip() if isinstance(word, str) else word)
        if folded.count("*") > 1:
            raise ValueError(f"{word.strip()!r}: a pattern has one star at most")
        yield folded
