"""Facets and statistics as JSON: what the API answers, the command line prints, and a program reads back.

facets   {"facets":[{"axis":"verb","values":[{"value":"create","label":"create","count":7}],"other":0,
"values_in_all":1,"approximate":false,"complete":true}]}
stats    the fields of `counting.Stats`; times are RFC 3339 in UTC with six decimals, as in records
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from whodid_indexer.query.counting import Facet, Stats
from whodid_schema.timestamp import from_micros, to_micros

_TIMES = ("since", "until", "previous_since")
_LISTED = {"series": ("start", "end"), "actors": ("last_seen",)}


class _Facets(msgspec.Struct):
    facets: list[Facet]


_read_facets = msgspec.json.Decoder(_Facets).decode


def facets_json(facets: Sequence[Facet]) -> bytes:
    """The facets as JSON."""
    return msgspec.json.encode(_Facets(list(facets)))


def read_facets(data: bytes) -> list[Facet]:
    """The facets of their JSON. Raises msgspec.DecodeError."""
    return _read_facets(data).facets


def stats_json(stats: Stats) -> bytes:
    """The statistics as JSON."""
    return msgspec.json.encode(_with_times(msgspec.to_builtins(stats), from_micros))


def read_stats(data: bytes) -> Stats:
    """The statistics of their JSON. Raises msgspec.DecodeError, also for a time that is none."""
    try:
        return msgspec.convert(_with_times(msgspec.json.decode(data, type=dict[str, Any]), to_micros), Stats)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise msgspec.DecodeError(f"not statistics: {error}") from error


def _with_times(document: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """The document with each of its times changed; None stays None."""

    def changed(part: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
        return part | {name: change(part[name]) for name in names if part[name] is not None}

    lists = {name: [changed(part, times) for part in document[name]] for name, times in _LISTED.items()}
    return changed(document, _TIMES) | lists
