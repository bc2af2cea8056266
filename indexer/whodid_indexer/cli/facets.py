"""`whodid facets`: the most frequent values of each axis, with the number of records behind each."""

from collections.abc import Sequence
from datetime import tzinfo

import click
import msgspec

from whodid_indexer.cli.audited import note
from whodid_indexer.cli.blocks import print_block, print_csv
from whodid_indexer.cli.explain import explain_option, say_explained
from whodid_indexer.cli.filters import Question, filter_options
from whodid_indexer.cli.options import Source, bundle, colour_option, source_options
from whodid_indexer.cli.output import counted, say, write
from whodid_indexer.cli.source import opened
from whodid_indexer.cli.zone import zone_options
from whodid_indexer.query.counting import Axis, Facet
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.query.zones import shown_range

BUDGET_S = 0.4
"""For the axes that only the records themselves know, unless --anyway."""


class Wanted(msgspec.Struct):
    """What is counted, as typed."""

    names: tuple[str, ...]
    limit: int
    contains: str
    anyway: bool

    def axes(self, query: AuditQuery) -> list[Axis]:
        """The axes; what the query asks for of one is shown also at nothing."""
        from whodid_indexer.query.axis import COMMON, axis_named, selected_by  # noqa: PLC0415  not needed for help

        names = [axis_named(name) for typed in self.names for name in typed.split(",")] or COMMON
        return [
            Axis(name, self.limit, self.contains, selected_by(query, name) if not self.contains else ())
            for name in dict.fromkeys(names)
        ]


wanted_options = bundle(
    "wanted",
    [
        click.option("--axis", "names", multiple=True, metavar="NAME", help="A query name, or meta.PATH; repeatable."),
        click.option(
            "-n", "--limit", type=click.IntRange(0, 1000), default=10, show_default=True, help="Values of each axis."
        ),
        click.option("--contains", metavar="TEXT", default="", help="Only values that contain this."),
        click.option("--anyway", is_flag=True, help="Count target, changed and meta.PATH however long it takes."),
    ],
    Wanted,
    ["names", "limit", "contains", "anyway"],
)


@click.command("facets")
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
    """Count the values of the matching records: who, what, from where, how often.

    Each axis is counted under all filters but its own, so that its other values can be seen: with --verb delete, the
    axis verb still shows every verb. All time is counted unless --last, --since or --until say otherwise.
    """
    query = question.query(zone)
    with opened(source, "facets") as reader:
        if explain:
            say_explained(reader, query, "facets")
        facets = reader.facets(query, wanted.axes(query), budget=None if wanted.anyway else BUDGET_S)
        total = reader.count(query)
        note(reader, "facets", query, found=total)
    _print(facets, form, color)
    for facet in facets:
        if not facet.complete:
            say(f"{facet.axis}: too many records to count in {BUDGET_S:g} s; --anyway counts them")
    say(f"{counted(total, 'record')} of {shown_range(query.since, query.until, zone)}")


def _print(facets: Sequence[Facet], form: str, color: str) -> None:
    from whodid_indexer.export.lines import inert  # noqa: PLC0415  not needed for help
    from whodid_indexer.query.answers import facets_json  # noqa: PLC0415  as above

    if form == "json":
        write([inert(facets_json(facets)), b"\n"])
    elif form == "csv":
        values = ([facet.axis, one.value, one.label, str(one.count)] for facet in facets for one in facet.values)
        print_csv([["axis", "value", "label", "count"], *values])
    else:
        for place, facet in enumerate(facets):
            if place:
                write([b"\n"])
            print_block(_lines(facet), color)


def _lines(facet: Facet) -> list[list[str]]:
    """Count, label, and the value where the label is not one of its spellings."""
    from whodid_schema.folding import shadow  # noqa: PLC0415  not needed for help

    if not facet.complete:
        return [["", facet.axis, "not counted"]]
    lines = [["", facet.axis, "≈ order" if facet.approximate else ""]]
    lines += (
        [f"{one.count:,}", one.label, "" if shadow(one.label) == shadow(one.value) else one.value]
        for one in facet.values
    )
    if facet.other:
        left = (facet.values_in_all or 0) - len(facet.values)
        lines.append([f"{facet.other:,}", "Other", counted(left, "more value") if left > 0 else ""])
    return lines if len(lines) > 1 else [["", facet.axis, "no values"]]
