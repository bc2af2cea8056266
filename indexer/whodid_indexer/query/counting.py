"""What facets and statistics are asked with, and what they answer; every store gives the same values.

An axis counts under the whole query but for the top-level terms about itself (`axis.OWN`); what is nested in a group
applies to all. Each value is a query value of the axis' field: `field:value` under the same other filters finds
exactly `count` records. Values are grouped as they are compared (folding.shadow; actor.key as written), `label` is one
spelling of them. What an axis has of a record:

    actor               the actor's key; label: the name, else e-mail, id, key
    workspace, project  the id, else the name (one value, not both); label: the name, else the id
    target              of each target `type:id`, else the id, else the name; label: as written
    ip                  the address, IPv4 also where it was written as IPv6
    type changed meta.  each of the values
    all others          the value

A value that no query can name alone (`axis.askable`: it has a `*`, is too long, none of a closed field's, or a type in
another form than records have) is never shown; its records are among `other`.
"""

from typing import Literal

from msgspec import Struct

Interval = Literal["hour", "day", "week"]

MOST_CATEGORIES = 20
"""Of the statistics: the most frequent ones, with records."""


class Axis(Struct, frozen=True):
    """One axis as asked for: the `limit` most frequent of its values that contain `contains`.

    The value, the label or, of an actor, the e-mail contains it (compared by shadow). `selected` values are counted
    too, also where they are not among the most frequent, contain something else, or have 0; one may be a wildcard
    (`ana*`) and then stands with what `field:ana*` finds. They come back as they are compared, in the order of all.
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

    `other`     records that have a value outside those shown (a record may have several), whatever `contains` is
    `values_in_all`  how many different values there are, whatever `contains` is; None where the store does not know
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

    `now` (microseconds since the epoch) ends a range without an end, unless a record is later: then the range ends
    right behind it, so that the total is the query's count; it never ends before it begins. `actors` is how many top
    actors come.
    """

    now: int
    interval: Interval | None = None
    zone: str = "UTC"
    actors: int = 4


class Totals(Struct, frozen=True):
    """Records, sign-ins (`verb:sign_in`), writes (`kind:write`), the rest, different addresses.

    The three add up to the total: what is both counts as a sign-in.
    """

    total: int = 0
    sign_ins: int = 0
    writes: int = 0
    others: int = 0
    unique_ips: int = 0


class Bucket(Struct, frozen=True):
    """One interval of the series: its first microsecond, its first one no more, and the records of each kind in it.

    `other` is all that is neither auth nor write. Edges are those of `calendar.edges`: the first bucket may begin
    before the range and the last one end behind it; records outside the range are not in them.
    """

    start: int
    end: int
    auth: int = 0
    write: int = 0
    other: int = 0


class TopActor(Struct, frozen=True):
    """An actor as the axis has them: key, name to show, initials, records, time of the last one (microseconds)."""

    key: str
    name: str
    initials: str
    count: int
    last_seen: int


class Stats(Struct, frozen=True):
    """The statistics of a query over `since` ≤ time < `until` (microseconds; the range that was really counted).

    A query without a beginning begins with its first record; `since` is None where it has none. `previous` counts the
    same query over the equally long time just before, `previous_since` ≤ time < `since`; None where the query has no
    beginning of its own. `interval` is what was asked for, else `calendar.interval_for` the range. Buckets cover the
    whole range, empty ones too, and sum to the total; `mix` is the sums of `auth`, `write` and `other`. Actors and
    categories (slugs) come as facets order them: the most frequent first, then by value.
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
