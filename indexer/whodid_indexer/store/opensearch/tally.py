"""What the shards have named of an axis: spellings with their records, put together by value.

least, most     between which the number of records lies that `field:value` finds
certain         both are the same, and nothing is missing
"""

from collections.abc import Collection, Iterator
from typing import Any

from whodid_indexer.store.opensearch.axes import Place, pattern
from whodid_indexer.store.opensearch.together import Aggregations

SHARDS_NAME = 2_000
"""Spellings that each shard names, the most frequent ones."""

Spelling = tuple[int, str]
"""Which of the place's paths has it, and what stands there."""


def listed(place: Place) -> Aggregations:
    """What asks for the spellings; each path for the records that have nothing in those before it."""
    asked = {str(number): _listed(place, number) for number in range(len(place.paths))}
    return asked | ({"also": terms(place.also, SHARDS_NAME)} if place.also else {})


def _listed(place: Place, number: int) -> dict[str, Any]:
    own = terms(place.paths[number], SHARDS_NAME)
    if place.before:
        own["terms"]["include"] = pattern(place.before)
    if not number:
        return own
    return {"filter": {"bool": {"must_not": present(place.paths[:number])}}, "aggs": {"of": own}}


def terms(path: str, most: int) -> dict[str, Any]:
    """An aggregation of the most frequent spellings."""
    return {"terms": {"field": path, "size": most, "shard_size": most}}


def present(paths: Collection[str]) -> list[dict[str, Any]]:
    """A clause for each path: something stands there."""
    return [{"exists": {"field": path}} for path in paths]


class Tally:
    """The answer to `listed`: value → spelling → records. Empty values are none."""

    def __init__(self, place: Place, answer: Aggregations) -> None:
        self.place = place
        self.complete = self.exact = True
        self.spellings: dict[str, dict[Spelling, int]] = {}
        self.also: dict[str, int] = {}
        for number in range(len(place.paths)):
            for text, count in self._read(answer, str(number)):
                if spelling := text.removeprefix(place.before):
                    self.spellings.setdefault(place.value(spelling), {})[number, text] = count
        for text, count in self._read(answer, "also"):
            value = place.value(text)
            self.also[value] = self.also.get(value, 0) + count

    def _read(self, answer: Aggregations, name: str) -> Iterator[tuple[str, int]]:
        found = answer.get(name)
        if found is not None:
            found = found.get("of", found)
            self.complete &= not found["sum_other_doc_count"]
            self.exact &= not found["doc_count_error_upper_bound"]
            for bucket in found["buckets"]:
                yield str(bucket["key"]), bucket["doc_count"]

    @property
    def ordered(self) -> bool:
        """Whether no value can be missing among the first: another spelling of it may be, where there are several."""
        return self.exact and (self.complete or not self.place.folds)

    def named(self, value: str) -> int:
        """Records by which the values are ordered until they are counted."""
        return sum(self.spellings.get(value, {}).values())

    def least(self, value: str) -> int:
        """Records that `field:value` finds at least."""
        counts = self.spellings.get(value, {}).values()
        return max(counts, default=0) if self.place.several else sum(counts)

    def most(self, value: str) -> float:
        """Records that `field:value` finds at most."""
        if self.place.unsure or not self.ordered:
            return float("inf")
        return self.named(value) + self.also.get(value, 0)

    def certain(self, value: str) -> bool:
        """Whether there is nothing to count any more."""
        return self.least(value) == self.most(value)

    def nominees(self, values: Collection[str], limit: int, affordable: int) -> tuple[list[str], bool]:
        """Those of the values that may be among the `limit` most frequent; whether these are all such.

        No more than `affordable` of them, and than twice as many as are wanted, are given that must be counted.
        """
        ranked = sorted(values, key=lambda value: (-self.named(value), value))
        bars = sorted(map(self.least, ranked), reverse=True)
        bar = bars[limit - 1] if 0 < limit <= len(bars) else 0
        able = [value for value in ranked if self.most(value) >= bar] if limit else []
        allowed = max(affordable, 2 * limit + 10)
        return able[:allowed], len(able) <= allowed or all(map(self.certain, able))
