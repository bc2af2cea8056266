"""What facets and statistics are asked with, and what they answer; every store gives the same values.

An axis counts under the whole query but for the top-level terms about itself (`OWN`); what is nested in a group
applies to all. Each value is a query value of the axis' field: `field:value` under the same other filters finds
exactly `count` records. Values are grouped as they are compared (folding.shadow), `label` is one spelling of them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

Interval = Literal["hour", "day", "week"]

AXES: Mapping[str, str] = MappingProxyType(
    {
        "actor": "actor.key",
        **{
            name: name
            for name in (
                *("surface", "kind", "category", "action", "verb", "outcome", "reason", "actor.type", "email", "role"),
                *("provider", "target", "type", "workspace", "project", "layer", "app", "ip", "device", "changed"),
            )
        },
    }
)
"""Axis → the field that a click on one of its values adds. `meta.<path>` is an axis too, of the field of its name."""

OWN: Mapping[str, frozenset[str]] = MappingProxyType({"actor": frozenset({"actor", "actor.key"})})
"""Fields whose top-level terms an axis does not count under, where they are not just the field of its own."""


class Axis(Struct, frozen=True):
    """One axis as asked for: its `limit` most frequent values, those among them that contain `contains`.

    `selected` values are counted too, also where they are not among the most frequent, or 0.
    """

    name: str
    limit: int = 10
    contains: str = ""
    selected: tuple[str, ...] = ()


class Value(Struct, frozen=True):
    """One value of an axis: what a query says for it, how it is shown, and in how many records it stands."""

    value: str
    label: str
    count: int


class Facet(Struct, frozen=True):
    """The values of an axis, most frequent first, then by value.

    `other`     records that have a value outside those shown (a record may have several)
    `values_in_all`  how many different values there are; None where the store does not know
    `approximate`    the choice and order of values may be off; their counts never are
    `complete`  False where the time budget ended it: then there are no values, and it can be asked for without one
    """

    axis: str
    values: tuple[Value, ...]
    other: int = 0
    values_in_all: int | None = None
    approximate: bool = False
    complete: bool = True


class Measure(Struct, frozen=True):
    """What statistics are wanted: the series' interval (None: by the length of the range), its zone (IANA name).

    `now` (microseconds since the epoch) ends a range without an end. `actors` is how many top actors come.
    """

    now: int
    interval: Interval | None = None
    zone: str = "UTC"
    actors: int = 4


class Totals(Struct, frozen=True):
    """Records, sign-ins (`verb:sign_in`), writes (`kind:write`), the rest (the three add up), different addresses."""

    total: int = 0
    sign_ins: int = 0
    writes: int = 0
    others: int = 0
    unique_ips: int = 0


class Bucket(Struct, frozen=True):
    """One interval of the series: its first microsecond, its first one no more, and the records of each kind in it.

    `other` is all that is neither auth nor write. Edges are local midnights, Mondays, or hours of the zone.
    """

    start: int
    end: int
    auth: int = 0
    write: int = 0
    other: int = 0


class TopActor(Struct, frozen=True):
    """An actor: the value for `actor.key`, name to show, initials, records, time of the last one (microseconds)."""

    key: str
    name: str
    initials: str
    count: int
    last_seen: int


class Stats(Struct, frozen=True):
    """The statistics of a query over `since` ≤ time < `until` (microseconds; the range that was really counted).

    A query without a beginning begins with its first record. `previous` counts the same query over the equally long
    time just before `previous_since`..`since`; None where the query has no beginning of its own. Buckets cover the
    whole range, empty ones too, and sum to the total. Categories without records are left out.
    """

    since: int | None
    until: int | None
    interval: Interval
    zone: str
    current: Totals
    previous: Totals | None
    previous_since: int | None
    series: tuple[Bucket, ...]
    mix: dict[str, int]
    actors: tuple[TopActor, ...]
    categories: tuple[Value, ...]
    approximate_ips: bool = False
