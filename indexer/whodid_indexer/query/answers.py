"""Facets, statistics and an event's context as JSON: what the API answers and the command line prints.

facets   {"facets":[{"axis":"verb","values":[{"value":"create","label":"create","count":7}],"other":0,
"values_in_all":1,"approximate":false,"complete":true}]}
stats    the fields of `counting.Stats`; times are RFC 3339 in UTC with six decimals, as in records
context  {"event":record,"signed_in":null,"around":[{"relation":"actor","query":"actor.key:…","total":7,"before":[],
"after":[]}],"unasked":[]}: the fields of `around.Around`

A program reads the first two back.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, cast

import msgspec

from whodid_indexer.query.around import Around, Relation, SignIn
from whodid_indexer.query.counting import Bucket, Facet, Stats, TopActor
from whodid_indexer.query.printer import to_text
from whodid_schema.timestamp import from_micros, to_micros

_TIMES = ("since", "until", "previous_since")
_LISTED = {"series": ("start", "end"), "actors": ("last_seen",)}


Time = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]


class BucketAnswer(Bucket, frozen=True):
    """One interval of the series and the records of each kind in it."""

    start: Time  # type: ignore[assignment]  # the same fields in another form
    end: Time  # type: ignore[assignment]


class TopActorAnswer(TopActor, frozen=True):
    """An actor as the axis has them, and when they were seen last."""

    last_seen: Time  # type: ignore[assignment]  # as above


class FacetList(msgspec.Struct):
    """Facets, in the order they were asked for."""

    facets: list[Facet]


class StatsAnswer(Stats, frozen=True):
    """The statistics of a query, with times as records have them."""

    since: Time | None  # type: ignore[assignment]  # the same fields in another form
    until: Time | None  # type: ignore[assignment]
    previous_since: Time | None  # type: ignore[assignment]
    series: list[BucketAnswer]  # type: ignore[assignment]
    actors: list[TopActorAnswer]  # type: ignore[assignment]


_read_facets = msgspec.json.Decoder(FacetList).decode


def facets_json(facets: Sequence[Facet]) -> bytes:
    """The facets as JSON."""
    return msgspec.json.encode(FacetList(list(facets)))


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


Stored = Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema={"$ref": "#/components/schemas/Record"})]
"""A record as it was stored, and how the API's document names that."""


class Near(msgspec.Struct):
    """`around.Neighbours`; `query`, in the query language, finds them all."""

    relation: Relation
    query: str
    total: int
    before: list[Stored]
    after: list[Stored]


class SignedIn(msgspec.Struct):
    """`around.SignIn`: the sign-in, how it was found, the sign-out before the event, and the one after it."""

    how: Literal["session", "actor and ip", "actor", "itself"]
    sign_in: Stored
    ended: Stored | None
    sign_out: Stored | None


class InContext(msgspec.Struct):
    """An event and what stands around it; the records in it are as they were stored."""

    event: Stored
    signed_in: SignedIn | None
    around: list[Near]
    unasked: list[Relation]


def around_json(body: bytes, found: Around) -> bytes:
    """All of it as one JSON object."""
    signed = found.sign_in
    return msgspec.json.encode(
        InContext(
            event=msgspec.Raw(body),
            signed_in=None if signed is None else _signed(signed),
            around=[
                Near(each.relation, to_text(each.query), each.total, _raw(each.before), _raw(each.after))
                for each in found.neighbours
            ],
            unasked=list(found.unasked),
        )
    )


def _signed(signed: SignIn) -> SignedIn:
    how = cast("Literal['session', 'actor and ip', 'actor', 'itself']", signed.how)
    ended, out = (None if body is None else msgspec.Raw(body) for body in (signed.ended, signed.sign_out))
    return SignedIn(how, msgspec.Raw(signed.sign_in), ended, out)


def _raw(bodies: Sequence[bytes]) -> list[msgspec.Raw]:
    return [msgspec.Raw(body) for body in bodies]


def _with_times(document: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """The document with each of its times changed; None stays None."""

    def changed(part: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
        return part | {name: change(part[name]) for name in names if part[name] is not None}

    lists = {name: [changed(part, times) for part in document[name]] for name, times in _LISTED.items()}
    return changed(document, _TIMES) | lists
