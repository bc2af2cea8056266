"""The values of the list's page and of an axis' page: everything their templates show, in plain text and addresses."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from whodid_dashboards.viewer import times
from whodid_dashboards.viewer.chart import KINDS, chart_of
from whodid_dashboards.viewer.contents import SHOWN, Contents
from whodid_dashboards.viewer.facets import further, panel, tabs
from whodid_dashboards.viewer.figures import categories, compared, figures, mix, top_actors
from whodid_dashboards.viewer.links import Links, address, members
from whodid_dashboards.viewer.paging import paging, snapshot_of
from whodid_dashboards.viewer.pills import heading, pills, said
from whodid_dashboards.viewer.question import Question
from whodid_dashboards.viewer.rows import rows_of
from whodid_indexer.export.snapshot import place_of
from whodid_indexer.query.axis import field_of_axis
from whodid_indexer.query.counting import Facet
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.query.parser import LONGEST_TEXT
from whodid_indexer.query.printer import to_command, to_parameters, to_text
from whodid_indexer.query.shell import shell_words
from whodid_schema.visible import visible

PRESETS = (
    ("24h", "24 h", ("last", "24h")),
    ("7d", "7 d", ("last", "7d")),
    ("30d", "30 d", ("last", "30d")),
    ("90d", "90 d", ("last", "90d")),
    ("today", "Today", ("since", "today")),
    ("all", "All time", ("last", "all")),
)


def common(question: Question) -> dict[str, Any]:
    """What every page over a question shows around its own part."""
    links = Links(question)
    asked = question.asked
    text = to_text(replace(asked, since=None, until=None))
    typed = text if len(text) <= LONGEST_TEXT else ""
    beside = [] if typed or not text else members(asked)
    back = address("/", [*members(asked), *question.range])
    return {
        "links": links,
        "question": question,
        "text": typed,
        "hidden": [*beside, *question.range, *question.said],
        "unranged": [*members(asked), *question.said],
        "plain_back": back,
        "unscoped": back,
        "delivery": address("/delivery", [*question.range, *question.said]),
        "zone": question.zone_name,
        "range_text": times.span(asked.since, asked.until, question.zone, question.zone_name),
        "presets": [(title, links.ranged(one), question.range == (one,)) for _, title, one in PRESETS],
        "since": times.typed(asked.since, question.zone),
        "until": times.typed(asked.until, question.zone),
        "custom": all(question.range != (one,) for _, _, one in PRESETS),
        "made": times.moment(question.now_micros, question.zone),
        "me": " ".join(question.access.me.names),
    }


def list_page(question: Question, contents: Contents, base: str) -> dict[str, Any]:
    """The values of `list.html`; `base` is the server's address as the browser has it."""
    around = common(question)
    links: Links = around["links"]
    stats = contents.stats
    labels = _labels(contents.facets)
    pinned, meant = to_parameters(_pinned(question, contents)), question.meant(question.asked)
    panels = [panel(facet, links) for name, facet in contents.facets.items() if name != "surface"]
    return around | {
        "title": "Audit log",
        "rows": rows_of(contents.found.records, links, question.zone),
        "total": contents.found.total,
        "paging": paging(question, contents.found, links, None if stats is None else stats.current.total),
        "tabs": tabs(contents.facets["surface"], links),
        "pills": pills(links, labels),
        "panels": [one for one in panels if one.choices or one.other or not one.complete],
        "further": further(question, [*SHOWN, *contents.facets], links),
        "figures": list(figures(stats, links)) if stats else [],
        "compared": compared(stats, question.zone, question.zone_name) if stats else "",
        "chart": chart_of(stats, question.zone, links) if stats and stats.current.total else None,
        "kinds": KINDS,
        "intervals": [(name, links.here(("interval", name))) for name in ("hour", "day", "week")],
        "mix": mix(stats, links) if stats else [],
        "actors": top_actors(stats, links, question.zone) if stats else [],
        "categories": categories(stats, links, contents.meta.categories) if stats else [],
        "nothing": _nothing(contents, links, question),
        "command": visible(to_command(meant)),
        "curl": visible(shell_words(["curl", address(f"{base}/api/v1/events", to_parameters(meant))])),
        "receiver": base,
        "pinned": links.pinned(),
        "exports": [(form.upper(), address(f"/api/v1/export.{form}", pinned)) for form in ("csv", "ndjson")],
        "poll": _poll(question, contents),
        "columns": question.columns,
        "offered": [(name, heading(name), name in question.columns) for name in offered(question.columns)],
        "beside_columns": unchosen(question),
        "fresh": links.here(),
        "quiet": _quiet(question, links),
        "reset": address("/", question.said),
        "clear": links.to(replace(question.asked, terms=(), texts=(), groups=())),
        "kept": _kept(contents),
        "hints": [hint.message for hint in question.hints],
    }


OFFERED = ("ip", "device", "workspace", "project", "app", "category", "action", "email", "role", "reason", "session")
"""Columns that the page offers; an address can name any that an export has."""


def offered(chosen: Sequence[str]) -> list[str]:
    """Columns to choose from, those that are chosen among them."""
    return list(dict.fromkeys((*OFFERED, *chosen)))


def unchosen(question: Question) -> list[tuple[str, str]]:
    """The question without its columns, as a form sends it beside them."""
    beside = [item for item in question.said if item[0] != "columns"]
    return [*members(question.asked), *question.range, *beside]


def views_link(question: Question) -> str:
    """Where the question can be saved under a name, among those that are."""
    return Links(question).to(question.asked, path="/views")


def values_page(question: Question, facet: Facet, contains: str) -> dict[str, Any]:
    """The values of `values.html`."""
    around = common(question)
    shown = panel(facet, around["links"])
    return around | {
        "title": f"Every {heading(facet.axis)}",
        "panel": shown,
        "contains": contains,
        "fields": [*members(question.asked), *question.range, *question.said],
        "path": f"/values/{facet.axis}",
    }


def _labels(facets: dict[str, Facet]) -> dict[tuple[str, str], str]:
    """How the values of fields are called, as far as the page's facets know."""
    return {(field_of_axis(name), one.value): one.label for name, facet in facets.items() for one in facet.values}


def _pinned(question: Question, contents: Contents) -> AuditQuery:
    """What is asked, up to the newest row of the list: an export has the rows that its link names."""
    until = snapshot_of(question, contents.found).top + 1
    asked = question.meant(question.asked)
    if asked.until is not None or (asked.since is not None and until <= asked.since):
        return asked
    return replace(asked, until=until)


def _poll(question: Question, contents: Contents) -> str:
    """The address that counts what is newer than the list; empty where nothing newer can come."""
    asked = question.asked
    if asked.until is not None or question.page > 1 or question.after or question.before:
        return ""
    newest = contents.found.records[0] if contents.found.records else None
    since = question.now_micros if newest is None else _behind(newest)
    return address("/api/v1/count", to_parameters(question.meant(replace(asked, since=since))))


def _behind(body: bytes) -> int:
    return place_of(body).micros + 1


def _quiet(question: Question, links: Links) -> tuple[bool, str]:
    """The preset that hides sign-in, session and account events: whether it is on, and the address that turns it."""
    asked = question.asked
    on = any(term.field == "kind" and term.negated and "auth" in term.values for term in asked.terms)
    return on, links.excluded("kind", "auth") or "/"


def _nothing(contents: Contents, links: Links, question: Question) -> dict[str, Any] | None:
    """Why there is nothing, in words, with ways out."""
    nothing = contents.nothing
    if nothing is None:
        return None
    newest = nothing.newest
    return {
        "in_store": nothing.in_store,
        "in_all_time": nothing.in_all_time,
        "newest": None if newest is None else times.moment(newest.micros, question.zone),
        "ever": links.ranged(("last", "all")),
        "ways": [
            ("" if way.without is None else said(way.without), links.to(way.query), way.count) for way in nothing.ways
        ],
    }


def _kept(contents: Contents) -> list[tuple[str, str]]:
    """How long the records of which classes are kept, in words: the classes of one period together."""
    periods: dict[str, list[str]] = {}
    for name, one in contents.meta.classes.items():
        period = "for ever" if one.days is None else f"{one.days:,} days"
        periods.setdefault(period, []).append(name.replace("_", " "))
    return [(period, ", ".join(names)) for period, names in periods.items()]
