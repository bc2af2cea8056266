"""The filters' column: each axis with its values, their counts, and links to include, exclude, or see all of them."""

from collections.abc import Sequence

from msgspec import Struct

from whodid_dashboards.viewer.links import Links, chosen
from whodid_dashboards.viewer.pills import heading
from whodid_dashboards.viewer.question import Question
from whodid_dashboards.viewer.rows import cut
from whodid_indexer.query.axis import AXES
from whodid_indexer.query.counting import Facet
from whodid_schema.folding import shadow
from whodid_schema.taxonomy import OWN_SURFACE


class Choice(Struct, frozen=True):
    """One value. `only` leads to exactly `count` records; `toggle` adds it to what is chosen, or takes it away."""

    label: str
    value: str
    count: int
    chosen: bool
    left_out: bool
    only: str | None
    toggle: str | None
    exclude: str | None


class Panel(Struct, frozen=True):
    """One axis. `all` leads to every value; `other` counts records with a value that is not shown."""

    axis: str
    title: str
    choices: tuple[Choice, ...]
    other: int
    left: int
    approximate: bool
    complete: bool
    any_chosen: bool
    all: str
    anyway: str
    clear: str | None


class Tab(Struct, frozen=True):
    """A surface with its count; `current` where it alone is asked for."""

    title: str
    count: int
    current: bool
    href: str | None


_SURFACES = (
    ("activity", "Activity"),
    ("authentication", "Authentication"),
    ("delivery", "Delivery"),
    ("api_request", "API requests"),
    (OWN_SURFACE, "whodid itself"),
)


def panel(facet: Facet, links: Links) -> Panel:
    """One facet as the page shows it."""
    question = links.question
    wanted, unwanted = chosen(question.asked, facet.axis)
    choices = tuple(
        _choice(facet.axis, one.value, one.label, one.count, links, wanted, unwanted) for one in facet.values
    )
    path = f"/values/{facet.axis}"
    return Panel(
        axis=facet.axis,
        title=heading(facet.axis),
        choices=choices,
        other=facet.other,
        left=max((facet.values_in_all or 0) - len(facet.values), 0),
        approximate=facet.approximate,
        complete=facet.complete,
        any_chosen=bool(wanted or unwanted),
        all=links.to(question.asked, path=path),
        anyway=links.to(question.asked, ("anyway", "1"), path=path),
        clear=links.only(facet.axis) if wanted or unwanted else None,
    )


def _choice(
    axis: str, value: str, label: str, count: int, links: Links, wanted: Sequence[str], unwanted: Sequence[str]
) -> Choice:
    is_wanted, is_unwanted = _among(value, wanted), _among(value, unwanted)
    said = next((one for one in (*wanted, *unwanted) if shadow(one) == shadow(value)), value)
    return Choice(
        cut(label),
        said,
        count,
        is_wanted,
        is_unwanted,
        links.only(axis, said),
        links.toggled(axis, said),
        links.excluded(axis, said),
    )


def _among(value: str, values: Sequence[str]) -> bool:
    return shadow(value) in map(shadow, values)


def tabs(facet: Facet, links: Links) -> list[Tab]:
    """All surfaces that there are, and each with records."""
    wanted, _ = chosen(links.question.asked, "surface")
    counts = {one.value: one.count for one in facet.values}
    shown = [(name, title) for name, title in _SURFACES if name != OWN_SURFACE or counts.get(name) or name in wanted]
    others = sum(count for name, count in counts.items() if name != OWN_SURFACE) + facet.other
    found = [Tab("All", others, not wanted, links.only("surface"))]
    return found + [
        Tab(title, counts.get(name, 0), wanted == [name], links.only("surface", name)) for name, title in shown
    ]


def further(question: Question, shown: Sequence[str], links: Links) -> list[tuple[str, str]]:
    """The axes that have no panel, with the address of their values."""
    names = (axis for axis in AXES if axis not in shown and axis != "surface")
    return [(heading(axis), links.to(question.asked, path=f"/values/{axis}")) for axis in names]
