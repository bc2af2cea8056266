"""The figures above the list: KPIs against the period before, the mix, top actors, categories."""

from collections.abc import Iterator
from datetime import tzinfo

from msgspec import Struct

from whodid_dashboards.viewer import times
from whodid_dashboards.viewer.chart import KINDS
from whodid_dashboards.viewer.links import Links
from whodid_dashboards.viewer.rows import cut
from whodid_indexer.query.counting import Stats, Totals
from whodid_indexer.query.model import Term

_FIGURES = (
    ("total", "Total"),
    ("sign_ins", "Sign-ins"),
    ("writes", "Writes"),
    ("others", "Reads and others"),
    ("unique_ips", "Unique IPs"),
)
_TERMS = {
    "sign_ins": (Term("verb", ("sign_in",)),),
    "writes": (Term("kind", ("write",)), Term("verb", ("sign_in",), negated=True)),
    "others": (Term("kind", ("write",), negated=True), Term("verb", ("sign_in",), negated=True)),
}
_MIX = {
    "auth": (Term("kind", ("auth",)),),
    "write": (Term("kind", ("write",)),),
    "other": (Term("kind", ("auth", "write"), negated=True),),
}


class Figure(Struct, frozen=True):
    """A KPI: its value, how it has changed (`direction` up, down or empty), and the link to what it counts."""

    title: str
    value: str
    change: str
    direction: str
    href: str | None


class Share(Struct, frozen=True):
    """A kind's share of all: its place on a bar of 100."""

    kind: str
    title: str
    count: int
    percent: str
    x: str
    width: str
    href: str | None


class Somebody(Struct, frozen=True):
    """A top actor."""

    name: str
    key: str
    initials: str
    count: int
    last_seen: str
    href: str | None


class Category(Struct, frozen=True):
    """A category, its length on a bar of 100."""

    label: str
    count: int
    width: str
    href: str | None


def figures(stats: Stats, links: Links) -> Iterator[Figure]:
    """The five KPIs."""
    for name, title in _FIGURES:
        about = "≈" if name == "unique_ips" and stats.approximate_ips else ""
        change, direction = _change(stats.current, stats.previous, name)
        href = links.also(*_TERMS[name]) if name in _TERMS else None
        yield Figure(title, f"{about}{getattr(stats.current, name):,}", change, direction, href)


def compared(stats: Stats, zone: tzinfo, zone_name: str) -> str:
    """Which period the figures are compared with; empty where there is none."""
    if stats.previous_since is None:
        return ""
    return times.span(stats.previous_since, stats.since, zone, zone_name)


def _change(current: Totals, previous: Totals | None, name: str) -> tuple[str, str]:
    if previous is None:
        return "", ""
    now, before = getattr(current, name), getattr(previous, name)
    if not before:
        return ("new, was 0", "up") if now else ("as before, 0", "")
    if now == before:
        return f"as before, {before:,}", ""
    return f"{round(100 * (now - before) / before):+,} % vs {before:,}", "up" if now > before else "down"


def mix(stats: Stats, links: Links) -> list[Share]:
    """The three kinds' shares; together the whole."""
    total = sum(stats.mix.values())
    shares: list[Share] = []
    x = 0.0
    for kind, title in KINDS:
        count = stats.mix.get(kind, 0)
        width = 100 * count / total if total else 0.0
        shares.append(Share(kind, title, count, f"{width:.0f} %", f"{x:.2f}", f"{width:.2f}", links.also(*_MIX[kind])))
        x += width
    return shares


def top_actors(stats: Stats, links: Links, zone: tzinfo) -> list[Somebody]:
    """The most active actors, each with the link to what the query has of them."""
    return [
        Somebody(
            cut(one.name),
            one.key,
            one.initials,
            one.count,
            times.moment(one.last_seen, zone),
            links.adding("actor.key", one.key),
        )
        for one in stats.actors
    ]


def categories(stats: Stats, links: Links, labels: dict[str, str]) -> list[Category]:
    """The categories with records, in the store's own words for them."""
    most = max((one.count for one in stats.categories), default=1)
    return [
        Category(
            cut(labels.get(one.value, one.label)),
            one.count,
            f"{100 * one.count / most:.2f}",
            links.only("category", one.value),
        )
        for one in stats.categories
    ]
