"""The volume chart: bars of auth, writes and others as lengths in a fixed box, each with the range it stands for.

The box is 1000 wide and 100 high; the page stretches it. Bars sum to the total: where there are more intervals than
can be told apart, neighbours stand together in one bar.
"""

from collections.abc import Sequence
from datetime import tzinfo

from msgspec import Struct

from whodid_dashboards.viewer.links import Links
from whodid_dashboards.viewer.question import Said, range_of
from whodid_dashboards.viewer.times import moment, weekday
from whodid_indexer.query.counting import Bucket, Interval, Stats
from whodid_indexer.query.model import AuditQuery

WIDTH, HEIGHT = 1000.0, 100.0
MOST_BARS = 120
_GAP = 0.18
"""Of a bar's width, left free between two."""

KINDS = (("auth", "Sign-in and account"), ("write", "Writes"), ("other", "Reads and others"))


class Piece(Struct, frozen=True):
    """One kind's part of a bar, in the box's units."""

    kind: str
    y: str
    height: str


class Bar(Struct, frozen=True):
    """An interval: what it says in words, its counts, its place, the address of its events and the range there."""

    label: str
    counts: dict[str, int]
    total: int
    x: str
    width: str
    slot: tuple[str, str]
    pieces: tuple[Piece, ...]
    href: str
    since: str
    until: str


class Chart(Struct, frozen=True):
    """All bars, the highest count, and the words below the axis."""

    bars: tuple[Bar, ...]
    most: int
    interval: Interval
    together: int
    ticks: tuple[str, ...]


def chart_of(stats: Stats, zone: tzinfo, links: Links) -> Chart | None:
    """The chart of the series; None where there is no time to show."""
    if not stats.series or stats.since is None or stats.until is None:
        return None
    together = -(-len(stats.series) // MOST_BARS)
    buckets = [_joined(stats.series[at : at + together]) for at in range(0, len(stats.series), together)]
    most = max(bucket.auth + bucket.write + bucket.other for bucket in buckets)
    step = WIDTH / len(buckets)
    words = _Words(stats.interval, zone)
    bars = tuple(
        _bar(bucket, at * step, step, most or 1, words(bucket.start), _inside(bucket, stats.since, stats.until), links)
        for at, bucket in enumerate(buckets)
    )
    places = sorted({0, len(bars) // 2, len(bars) - 1})
    return Chart(bars, most, stats.interval, together, tuple(bars[place].label for place in places))


class _Words(Struct, frozen=True):
    """What a bar is called by its first moment."""

    interval: Interval
    zone: tzinfo

    def __call__(self, micros: int) -> str:
        text = moment(micros, self.zone)
        if self.interval == "hour":
            return text[:16]
        return f"{weekday(micros, self.zone)} {text[:10]}" if self.interval == "day" else f"week of {text[:10]}"


def _joined(buckets: Sequence[Bucket]) -> Bucket:
    return Bucket(
        buckets[0].start,
        buckets[-1].end,
        sum(bucket.auth for bucket in buckets),
        sum(bucket.write for bucket in buckets),
        sum(bucket.other for bucket in buckets),
    )


def _inside(bucket: Bucket, since: int, until: int) -> Said:
    """The range of what is in the bar: the first and the last may reach beyond that of the page."""
    return range_of(AuditQuery(max(bucket.start, since), min(bucket.end, until)))


def _bar(bucket: Bucket, x: float, step: float, most: int, label: str, ranged: Said, links: Links) -> Bar:
    counts = {"auth": bucket.auth, "write": bucket.write, "other": bucket.other}
    pieces: list[Piece] = []
    y = HEIGHT
    for kind, count in counts.items():
        height = HEIGHT * count / most
        y -= height
        if count:
            pieces.append(Piece(kind, _length(y), _length(height)))
    return Bar(
        label=label,
        counts=counts,
        total=sum(counts.values()),
        x=_length(x + step * _GAP / 2),
        width=_length(step * (1 - _GAP)),
        slot=(_length(x), _length(step)),
        pieces=tuple(pieces),
        href=links.to(links.question.asked, ranged=ranged),
        since=dict(ranged)["since"],
        until=dict(ranged)["until"],
    )


def _length(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
