"""Several counts at once: each is a generator that asks, is answered and asks on; their questions go out together.

    def one() -> Counting[int]:
        answer = yield Question(clause, {"writes": {"filter": …}})
        return answer.aggregations["writes"]["doc_count"]

In each round the questions of all are one `_msearch`; those about the same records are one search of it.
"""

import time
from collections.abc import Generator, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from whodid_config.cluster import words
from whodid_indexer.store.opensearch.asking import ALIAS, meant
from whodid_indexer.store.opensearch.compile import Clause
from whodid_indexer.store.opensearch.connect import MOMENTS, Client, Refused, in_the_making
from whodid_schema.errors import NotAllowed, StoreUnreachable

Aggregations = dict[str, Any]

UNREAD = "unread"
"""The name of an inner aggregation whose buckets are only counted, by another one: they stay in the cluster."""
Kind = TypeVar("Kind")


class Question(NamedTuple):
    """What to count of the records that the clause finds, by name; `sort` asks for the first of them, so ordered."""

    clause: Clause
    aggregations: Aggregations
    sort: tuple[dict[str, str], ...] = ()


class Counted(NamedTuple):
    """The answer: how many records there are, and what was asked of them; nothing where there is no index yet.

    `first` is the first one's place in the order asked for.
    """

    total: int
    aggregations: Aggregations
    first: tuple[Any, ...] = ()


Counting = Generator[Question, Counted, Kind]


def together(client: Client, countings: Sequence[Counting[Kind]], budget: float | None = None) -> list[Kind | None]:
    """What each of them returns. None for all that had not returned when `budget` (seconds) was over."""
    deadline = None if budget is None else time.monotonic() + budget
    results: list[Kind | None] = [None] * len(countings)
    waiting: dict[int, Question] = {}
    for number, counting in enumerate(countings):
        _go_on(counting, None, number, waiting, results)
    while waiting:
        left = None if deadline is None else deadline - time.monotonic()
        answers = _ask(client, waiting, left)
        if answers is None:
            break
        waiting = {}
        for number, answer in answers.items():
            _go_on(countings[number], answer, number, waiting, results)
    return results


def _go_on(
    counting: Counting[Kind],
    answer: Counted | None,
    number: int,
    waiting: dict[int, Question],
    results: list[Kind | None],
) -> None:
    try:
        waiting[number] = next(counting) if answer is None else counting.send(answer)
    except StopIteration as end:
        results[number] = end.value


_WITHOUT = {"filter_path": f"-responses.aggregations.*.{UNREAD}.buckets"}


class _Total(msgspec.Struct):
    value: int = 0


class _Hit(msgspec.Struct):
    sort: tuple[Any, ...] = ()


class _Hits(msgspec.Struct):
    total: _Total
    hits: list[_Hit] = []


class _Part(msgspec.Struct):
    hits: _Hits | None = None
    aggregations: Aggregations = {}
    error: msgspec.Raw = msgspec.Raw()
    status: int = 200


class _Parts(msgspec.Struct):
    responses: list[_Part]


_decode = msgspec.json.Decoder(_Parts).decode


def _ask(client: Client, waiting: dict[int, Question], left: float | None) -> dict[int, Counted] | None:
    """An answer for each; None where the time is over."""
    if left is not None and left < 0.001:
        return None
    header: dict[str, Any] = {"index": ALIAS, "allow_partial_search_results": False}
    if left is not None:  # `timeout` in the body does not end an aggregation: tried on 3.8
        header["cancel_after_time_interval"] = f"{int(left * 1_000)}ms"
    searches: dict[bytes, dict[int, Question]] = {}
    for number, question in waiting.items():
        searches.setdefault(msgspec.json.encode((question.clause, question.sort)), {})[number] = question
    lines = b"".join(
        msgspec.json.encode(part) + b"\n" for asked in searches.values() for part in (header, _search(asked))
    )
    for pause in (*MOMENTS, None):
        parts = _parts(client, lines)
        if pause is None or not any(in_the_making(part.status, _error(part)) for part in parts):
            break
        time.sleep(pause)
    if len(parts) != len(searches):
        raise StoreUnreachable(f"the cluster answered {len(parts)} of {len(searches)} questions")
    found: dict[int, Counted] = {}
    for asked, part in zip(searches.values(), parts, strict=True):
        if left is not None and b"task_cancelled_exception" in bytes(part.error):
            return None
        found |= _answers(client, asked, part)
    return found


def _parts(client: Client, lines: bytes) -> list[_Part]:
    try:
        return _decode(client.ask("POST", "/_msearch", lines, _WITHOUT)).responses
    except Refused as error:
        raise meant(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreUnreachable(f"the cluster answered what no OpenSearch does: {error}") from error


def _error(part: _Part) -> bytes:
    """A part's error as a whole answer has it."""
    return b'{"error":%b}' % bytes(part.error)


def _search(asked: dict[int, Question]) -> dict[str, Any]:
    """One search for questions about the same records; each one's names begin with its number."""
    (*_, last) = asked.values()
    body: dict[str, Any] = {"query": last.clause, "size": 0, "track_total_hits": True}
    if last.sort:
        body |= {"size": 1, "sort": last.sort, "_source": False}
    body["aggs"] = {
        f"{number}:{name}": one for number, question in asked.items() for name, one in question.aggregations.items()
    }
    return body


def _answers(client: Client, asked: dict[int, Question], part: _Part) -> dict[int, Counted]:
    if part.hits is None:
        kind, reason = words(_error(part))
        if kind == "index_not_found_exception":
            return dict.fromkeys(asked, Counted(0, {}))
        if kind == "security_exception":
            raise NotAllowed(f"{client.url} does not allow it: {reason}")
        raise meant(Refused(f"{client.url}/_msearch", part.status, kind, reason))
    named: dict[int, Aggregations] = {number: {} for number in asked}
    for name, one in part.aggregations.items():
        number, _, own = name.partition(":")
        named[int(number)][own] = one
    if part.hits.total.value and any(named[number].keys() != one.aggregations.keys() for number, one in asked.items()):
        raise StoreUnreachable("the cluster left out a part of what it was asked", "ask again")
    first = part.hits.hits[0].sort if part.hits.hits else ()
    return {number: Counted(part.hits.total.value, each, first) for number, each in named.items()}
