"""`whodid stats`: figures, their change, the course of time, who and what most often."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, cast, get_args

import click

from whodid_indexer.cli.audited import note
from whodid_indexer.cli.blocks import print_block, print_csv
from whodid_indexer.cli.explain import explain_option, say_explained
from whodid_indexer.cli.filters import Question, filter_options
from whodid_indexer.cli.options import Source, bundle, colour_option, source_options
from whodid_indexer.cli.output import counted, say, write
from whodid_indexer.cli.source import opened
from whodid_indexer.cli.zone import zone_options
from whodid_indexer.query.counting import Interval, Measure, Stats
from whodid_indexer.query.zones import shown_range, shown_time, zone_name

if TYPE_CHECKING:
    from whodid_indexer.query.counting import Totals

_FIGURES = {"total": "Records", "sign_ins": "Sign-ins", "writes": "Writes", "others": "Reads, others"}
_BAR = 30
"""Characters of the longest bar."""
_QUIET = 3
"""More intervals in a row without records are one line of the table."""


class Wanted(NamedTuple):
    """What is counted, as typed."""

    interval: str | None
    actors: int


wanted_options = bundle(
    "wanted",
    [
        click.option(
            "--interval", type=click.Choice(get_args(Interval)), help="Of the series; else by the range's length."
        ),
        click.option(
            "--actors", type=click.IntRange(0, 100), default=4, show_default=True, help="How many top actors."
        ),
    ],
    Wanted,
    ["interval", "actors"],
)


@click.command("stats")
@source_options
@filter_options
@zone_options
@colour_option
@wanted_options
@explain_option
@click.option("--format", "form", type=click.Choice(("table", "json", "csv")), default="table", show_default=True)
def command(
    source: Source, question: Question, zone: tzinfo, color: str, wanted: Wanted, form: str, explain: bool
) -> None:
    """Summarise the matching records: totals and their change, the course of time, top actors, categories.

    Days and weeks (from Monday) begin at the zone's midnight. The figures are compared with the same query over the
    equally long time before, where a beginning is given. All time is counted unless --last, --since or --until say
    otherwise.
    """
    from whodid_indexer.query.calendar import EPOCH, MICROSECOND  # noqa: PLC0415  not needed to print help

    now = datetime.now(UTC)
    query = question.query(zone, now)
    interval = cast("Interval | None", wanted.interval)
    with opened(source, "stats") as reader:
        if explain:
            say_explained(reader, query, "stats")
        stats = reader.stats(query, Measure((now - EPOCH) // MICROSECOND, interval, zone_name(zone), wanted.actors))
        note(reader, "stats", query, found=stats.current.total)
    _print(stats, zone, form, color)
    span = (query.since, query.until) if stats.since is None else (stats.since, stats.until)
    say(f"{counted(stats.current.total, 'record')} of {shown_range(*span, zone)}")


def _print(stats: Stats, zone: tzinfo, form: str, color: str) -> None:
    from whodid_indexer.export.lines import inert  # noqa: PLC0415  not needed for help
    from whodid_indexer.query.answers import stats_json  # noqa: PLC0415  as above

    if form == "json":
        write([inert(stats_json(stats)), b"\n"])
    elif form == "csv":
        print_csv([["section", "name", "label", "since", "until", "count"], *_rows(stats, zone)])
    else:
        print_block(list(_figures(stats, zone)), color, right=(1,), bold=False)
        for block, right in (
            (list(_series(stats, zone)), (1, 2, 3)),
            (list(_actors(stats, zone)), (2,)),
            ([["Category", "records"], *([one.label, f"{one.count:,}"] for one in stats.categories)], (1,)),
        ):
            if len(block) > 1:
                write([b"\n"])
                print_block(block, color, right=right)


def _figures(stats: Stats, zone: tzinfo) -> Iterator[list[str]]:
    for name, title in _FIGURES.items():
        yield [title, f"{getattr(stats.current, name):,}", change(stats.current, stats.previous, name)]
    about = "≈" if stats.approximate_ips else ""
    yield ["Addresses", f"{about}{stats.current.unique_ips:,}", change(stats.current, stats.previous, "unique_ips")]
    if stats.previous_since is not None:
        yield ["", "", f"compared with {shown_range(stats.previous_since, stats.since, zone)}"]


def change(current: "Totals", previous: "Totals | None", name: str) -> str:
    """How a figure has changed: `+12 % (was 220)`, `new` where it was 0; nothing without a period before."""
    if previous is None:
        return ""
    now, before = getattr(current, name), getattr(previous, name)
    if not before:
        return "new" if now else "as before"
    return (
        f"{round(100 * (now - before) / before):+,} % (was {before:,})" if now != before else f"as before ({before:,})"
    )


def _series(stats: Stats, zone: tzinfo) -> Iterator[list[str]]:
    yield [f"{stats.interval.capitalize()} ({zone_name(zone)})", "sign-in", "writes", "others", ""]
    most = max((bucket.auth + bucket.write + bucket.other for bucket in stats.series), default=0) or 1
    for quiet, run in groupby(stats.series, lambda bucket: not (bucket.auth or bucket.write or bucket.other)):
        buckets = list(run)
        if quiet and len(buckets) > _QUIET:
            yield [f"… {counted(len(buckets), stats.interval)}", "0", "0", "0", ""]
            continue
        for bucket in buckets:
            counts = (bucket.auth, bucket.write, bucket.other)
            bar = "▇" * -(-sum(counts) * _BAR // most)
            yield [_moment(bucket.start, stats.interval, zone), *(f"{count:,}" for count in counts), bar]


def _moment(micros: int, interval: str, zone: tzinfo) -> str:
    text = _shown(micros, zone)
    return text[:16] if interval == "hour" else text[:10]


def _shown(micros: int | None, zone: tzinfo) -> str:
    from whodid_schema.timestamp import from_micros  # noqa: PLC0415  not needed for help

    return "" if micros is None else shown_time(from_micros(micros), zone)


def _actors(stats: Stats, zone: tzinfo) -> Iterator[list[str]]:
    yield ["", "Actor", "records", f"last seen ({zone_name(zone)})", "key"]
    for one in stats.actors:
        yield [one.initials, one.name, f"{one.count:,}", _shown(one.last_seen, zone), one.key]


def _rows(stats: Stats, zone: tzinfo) -> Iterator[list[str]]:
    """Everything as rows: section, name, label, since, until, count; an actor's `until` is when it was last seen."""
    since, until, before = (_shown(moment, zone) for moment in (stats.since, stats.until, stats.previous_since))
    for section, totals, begin, end in (
        ("current", stats.current, since, until),
        ("previous", stats.previous, before, since),
    ):
        for name in (*_FIGURES, "unique_ips") if totals is not None else ():
            yield [section, name, "", begin, end, str(getattr(totals, name))]
    for bucket in stats.series:
        for name in ("auth", "write", "other"):
            begin, end = _shown(bucket.start, zone), _shown(bucket.end, zone)
            yield ["series", name, "", begin, end, str(getattr(bucket, name))]
    for actor in stats.actors:
        yield ["actor", actor.key, actor.name, "", _shown(actor.last_seen, zone), str(actor.count)]
    for one in stats.categories:
        yield ["category", one.value, one.label, "", "", str(one.count)]
