"""How often the values of an axis occur, and which of them are shown."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from whodid_indexer.query.counting import Value
from whodid_indexer.store.sqlite.dictionaries import REFS, Key, text_of


class Tally:
    """Records by value.

    `counts`  for each value that an axis has, the records that a query for it finds
    """

    def __init__(self, counts: Mapping[Key, int], groups: Iterable[tuple[tuple[Key, ...], int]]) -> None:
        self.counts = counts
        self._groups = groups

    def outside(self, shown: frozenset[Key]) -> int:
        """The records that have a value outside those shown."""
        return sum(number for values, number in self._groups if not shown.issuperset(values))

    def top(self, limit: int, allowed: Callable[[Key], bool]) -> dict[Key, int]:
        """The `limit` most frequent of the values that are allowed; of equals the first by their text."""
        among = dict(self.counts)
        found: dict[Key, int] = {}
        while limit > len(found) and among:
            # the least count that can still be shown: only values from there on are looked at one by one
            least = heapq.nlargest(limit - len(found), among.values())[-1]
            ranked = sorted(
                (value for value, number in among.items() if number >= least),
                key=lambda value: (-among[value], text_of(value).replace("\ufffd", "\0")),  # see Dictionaries.compared
            )
            found |= {value: among[value] for value in filter(allowed, ranked)}
            among = {value: number for value, number in among.items() if number < least}
        return dict(list(found.items())[:limit])


def tally_of(axis: str, rows: list[Any], counted: Mapping[int, int]) -> Tally:
    """What a dictionary's rows (see Dictionaries.rows) and the number of records of each make."""
    counts: Counter[Key] = Counter()
    if axis == "type":
        for number, times in counted.items():
            counts.update(dict.fromkeys(rows[number], times))
        return Tally(counts, [(tuple(rows[number]), times) for number, times in counted.items()])
    if axis in REFS:
        return _tally_of_refs([(rows[number], times) for number, times in counted.items()])
    for number, times in counted.items():
        value = rows[number]
        if value is not None:
            counts[value] += times
    return Tally(counts, (((value,), times) for value, times in counts.items()))


def _tally_of_refs(found: list[tuple[tuple[str | None, str | None], int]]) -> Tally:
    """The id, else the name, is the value; a query for it finds what has it as either."""
    either: Counter[Key] = Counter()
    for names, times in found:
        either.update(dict.fromkeys(filter(None, names), times))
    groups: list[tuple[tuple[Key, ...], int]] = [
        ((ext or name or "",), times) for (ext, name), times in found if ext or name
    ]
    return Tally({value: either[value] for (value,), _ in groups}, groups)


def ranked(values: Iterable[Value]) -> tuple[Value, ...]:
    """The most frequent first, then by value."""
    return tuple(sorted(values, key=lambda one: (-one.count, one.value)))
