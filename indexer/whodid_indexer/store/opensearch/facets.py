"""Facets: what an axis has, how often, and how many records lie outside what is shown.

A terms aggregation over several shards is wrong in its counts wherever a value was not among the first of one of them.
So a facet is asked for in up to three steps (`together`: a step is one request for all axes):

    1. list      the spellings in the index, put together by value (`tally`)
    2. count     values whose count is not certain, by the very clause of `field:value`
    3. finish    the names of what is shown, and the records that have a value outside of it

With few values, which each shard names all, step 2 has nothing to do.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from whodid_indexer.query.axis import askable
from whodid_indexer.query.check import check_term
from whodid_indexer.query.counting import Axis, Facet, Value
from whodid_indexer.query.model import Term
from whodid_indexer.store.opensearch.axes import Place, is_address, place_of
from whodid_indexer.store.opensearch.compile import Clause, compile_term, containing
from whodid_indexer.store.opensearch.tally import SHARDS_NAME, Spelling, Tally, listed, present, terms
from whodid_indexer.store.opensearch.together import Aggregations, Counting, Question
from whodid_schema.folding import shadow

_AFFORDABLE = 2_000_000
"""Records times values that are counted in step 2, beyond what is wanted: about a tenth of a second."""

_NAMES = 10
"""Different names of one actor that `contains` looks at."""

Shown = Mapping[str, Mapping[Spelling, int]]
"""The values that are shown, with their spellings."""


def facet(clause: Clause, axis: Axis) -> Counting[Facet]:
    """The facet of the records that the clause finds; the axis is named as `axis_named` does.

    Raises BadQuery for a selected value that the field cannot have.
    """
    place = place_of(axis.name)
    if axis.selected:
        check_term(Term(place.field, axis.selected))
    answer = yield Question(clause, listed(place) | _with(place, axis.contains))
    tally = Tally(place, answer.aggregations)
    values, whole = _containing(tally, answer.aggregations, axis.contains)
    able = [value for value in values if askable(place.field, value)]
    nominees, all_of_them = tally.nominees(able, axis.limit, _AFFORDABLE // max(answer.total, 1))
    selected = list(dict.fromkeys(map(place.value, axis.selected)))

    known = {*nominees, *(value for value in selected if value in tally.spellings and askable(place.field, value))}
    counts = {value: tally.least(value) for value in known if tally.certain(value)}
    if unsure := [value for value in dict.fromkeys((*nominees, *selected)) if value not in counts]:
        settled = (yield Question(clause, {"count": _counting(place, unsure)})).aggregations
        counts |= {value: _count(settled, number) for number, value in enumerate(unsure)}
    ranked = sorted(nominees, key=lambda value: (-counts[value], value))[: axis.limit]
    shown = {value: tally.spellings.get(value, {}) for value in dict.fromkeys((*ranked, *selected))}

    missing = _finishing(tally, shown)
    finished = (yield Question(clause, missing)).aggregations if missing else {}
    labels = _labels(place, shown, finished)
    found = [Value(value, labels.get(value, value), counts[value]) for value in shown]
    return Facet(
        axis.name,
        tuple(sorted(found, key=lambda one: (-one.count, one.value))),
        finished["outside"]["doc_count"] if "outside" in finished else _outside_of(tally, shown),
        finished["different"]["value"] if "different" in finished else _different(tally),
        approximate=not (whole and all_of_them),
    )


def _with(place: Place, contains: str) -> Aggregations:
    """The same list of the records in which the text stands; an actor's with the names that it may stand in.

    Addresses are no texts to the index: all of them are looked at.
    """
    if not contains or place.field == "ip":
        return {}
    inside = listed(place)
    if place.field == "actor.key":
        inside["0"]["aggs"] = {path: terms(path, _NAMES) for path in place.labels}
    return {"with": {"filter": containing(*place.kept, shadow(contains)), "aggs": inside}}


def _containing(tally: Tally, answer: Aggregations, contains: str) -> tuple[list[str], bool]:
    """The values to choose from; whether there can be no others. They take their place in the tally."""
    place, text = tally.place, shadow(contains)
    if "with" not in answer:
        return [value for value in tally.spellings if text in value], tally.ordered
    found = Tally(place, answer["with"])
    for value, spellings in found.spellings.items():
        tally.spellings.setdefault(value, {}).update(spellings if not tally.complete else {})
    if place.field == "actor.key":
        return [key for key, names in _named(place, answer["with"]) if text in shadow(names)], found.ordered
    by_name = bool(place.labels)
    return [value for value in found.spellings if by_name or text in value], found.ordered


def _named(place: Place, answer: Aggregations) -> list[tuple[str, str]]:
    """Each actor's key, with all that it is called."""
    buckets = answer["0"]["buckets"]
    return [
        (one["key"], "\n".join((one["key"], *(name["key"] for path in place.labels for name in one[path]["buckets"]))))
        for one in buckets
    ]


def _counting(place: Place, values: Sequence[str]) -> dict[str, Any]:
    """How many records each value finds."""
    clauses = {str(number): compile_term(Term(place.field, (value,))) for number, value in enumerate(values)}
    return {"filters": {"filters": clauses}}


def _count(settled: Aggregations, number: int) -> int:
    return int(settled["count"]["buckets"][str(number)]["doc_count"]) if settled else 0


def _finishing(tally: Tally, shown: Shown) -> Aggregations:
    """What is still to be asked."""
    place, asked = tally.place, Aggregations()
    first = [text for spellings in shown.values() for path, text in spellings if path == 0]
    first += [value for value, spellings in shown.items() if not spellings and not place.folds]
    if place.labels and first:
        named = terms(place.paths[0], len(first))
        named["terms"]["include"] = first
        asked["names"] = {**named, "aggs": {path: terms(path, 1) for path in place.labels}}
    if not tally.spellings:
        return asked
    if place.several or not tally.complete:
        asked["outside"] = {"filter": _outside(place, shown)}
    if not tally.complete and len(place.paths) == 1 and not place.before:
        asked["different"] = {"cardinality": {"field": place.paths[0], "precision_threshold": SHARDS_NAME}}
    return asked


def _outside(place: Place, shown: Shown) -> Clause:
    """Records that have a value which is none of these."""
    if place.filed is not None:
        return _another(*place.filed, [value for value in shown if place.field != "ip" or is_address(value)], place)
    paths: list[Clause] = []
    for number, path in enumerate(place.paths):
        texts = [text for spellings in shown.values() for of, text in spellings if of == number]
        unknown = [value for value, spellings in shown.items() if not spellings]
        another = _another(path, "", [*texts, *unknown], place)
        paths.append({"bool": {"filter": [another], "must_not": present(place.paths[:number])}})
    return {"bool": {"should": paths, "minimum_should_match": 1}}


def _another(path: str, before: str, values: Sequence[str], place: Place) -> Clause:
    """Records with a keyword at the path that begins with `before`, and is none of these values behind it."""
    texts = [before + value for value in values]
    if place.several:
        return {"bool": {"should": _between(path, before, texts), "minimum_should_match": 1}}
    some: Clause = {"prefix": {path: {"value": before}}} if before else present([path])[0]
    none = texts if before or place.field == "ip" else [*texts, ""]
    return {"bool": {"filter": [some], "must_not": [{"terms": {path: none}}] if none else []}}


def _between(path: str, before: str, texts: Sequence[str]) -> list[Clause]:
    """The ranges of keywords that begin with `before` between these ones: where one of them is, a value is another."""
    edges = [before, *sorted(texts, key=str.encode)]
    ranges: list[Clause] = [{"range": {path: {"gt": one, "lt": two}}} for one, two in pairwise(edges)]
    end = {"lt": before[:-1] + chr(ord(before[-1]) + 1)} if before else {}
    return [*ranges, {"range": {path: {"gt": edges[-1], **end}}}]


def _labels(place: Place, shown: Shown, finished: Aggregations) -> dict[str, str]:
    """How each value is called, else how it is written most often."""
    if place.field == "ip":
        return {}
    labels = {
        value: max(spellings, key=lambda one: (spellings[one], one))[1].removeprefix(place.before)
        for value, spellings in shown.items()
        if spellings
    }
    for bucket in finished.get("names", {}).get("buckets", ()):
        names = [name["key"] for path in place.labels for name in bucket[path]["buckets"] if name["key"]]
        labels.update({place.value(bucket["key"]): name for name in names[:1]})
    return labels


def _outside_of(tally: Tally, shown: Shown) -> int:
    """The same where each record has one value and all are known."""
    return sum(tally.named(value) for value in tally.spellings if value not in shown)


def _different(tally: Tally) -> int | None:
    return len(tally.spellings) if tally.complete else None
