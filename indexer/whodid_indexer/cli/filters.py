"""The flags that say which records are meant: one per query name, from the one table of fields.

`--actor ana --actor bob` and `--actor ana,bob` ask for either; different flags must all hold; `--not-actor` excludes.
"""

import functools
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple

import click

from whodid_indexer.cli.complete import complete_values, complete_view
from whodid_indexer.cli.options import Option, bundle
from whodid_indexer.query.model import AuditQuery
from whodid_schema.errors import UsageError
from whodid_schema.fields import ALIASES, FIELDS, META_PREFIX, Field


class Question(NamedTuple):
    """What the flags said, as typed: `filters` are (field, value, negated)."""

    filters: tuple[tuple[str, str, bool], ...] = ()
    texts: tuple[str, ...] = ()
    last: str | None = None
    since: str | None = None
    until: str | None = None
    mine: bool = False
    identities: tuple[str, ...] = ()

    @property
    def ranged(self) -> bool:
        """Whether a time range was asked for."""
        return any((self.last, self.since, self.until))

    def query(self, zone: tzinfo, now: datetime | None = None, *, own: bool = False) -> AuditQuery:
        """The query; times are read in `zone`, relative ones from `now`. Raises BadQuery or UsageError.

        Without `own` it leaves whodid's own events out where it does not ask for them.
        """
        from whodid_indexer.cli.output import say_hint  # noqa: PLC0415  not needed to print help
        from whodid_indexer.query.identity import parse_identities  # noqa: PLC0415  as above
        from whodid_indexer.query.own import without_own  # noqa: PLC0415  as above
        from whodid_indexer.query.parse import Context, read_query  # noqa: PLC0415  as above

        parsed = read_query(
            self.filters,
            self.texts,
            last=self.last,
            since=self.since,
            until=self.until,
            mine=self.mine,
            context=Context(now or datetime.now(UTC), zone, parse_identities(self.identities)),
        )
        for hint in parsed.hints:
            say_hint(hint)
        return parsed.query if own else without_own(parsed.query)


def _question(
    texts: tuple[str, ...],
    last: str | None,
    since: str | None,
    until: str | None,
    mine: bool,
    identities: tuple[str, ...],
    views: tuple[str, ...],
    **given: tuple[str, ...],
) -> Question:
    filters: list[tuple[str, str, bool]] = []
    for negated in (False, True):
        for name in FIELDS:
            filters += ((name, value, negated) for value in given[_parameter(name, negated=negated)])
        filters += (_meta_filter(text, negated) for text in given[_parameter("meta", negated=negated)])
    if views:
        from whodid_indexer.cli.saved import read  # noqa: PLC0415  only where a view is named

        texts = (*(text for view in views for text in read(view)), *texts)
    return Question(tuple(filters), texts, last, since, until, mine, identities)


def _options() -> dict[str, Option]:
    """Each flag by the name of its parameter."""
    options: dict[str, Option] = {
        "texts": click.option(
            "-q",
            "texts",
            multiple=True,
            metavar="QUERY",
            help='Words and "phrases" anywhere in the record, field:value, -not, OR, parentheses.',
        ),
        "last": click.option("--last", metavar="SPAN", help="The time up to now: 15m, 24h, 7d, 4w."),
        "since": click.option(
            "--since", metavar="TIME", help="From this time on: 2026-11-21, 2026-11-21T06:33, today, 3d …"
        ),
        "until": click.option("--until", metavar="TIME", help="Before this time."),
        "mine": click.option("--mine", is_flag=True, help="Only what I did: whom --identity names."),
        "identities": click.option(
            "--identity",
            "identities",
            multiple=True,
            envvar="WHODID_IDENTITY",
            metavar="WHO",
            help="Who I am, for --mine and actor:me: shop/user:783 or email:ana@example.com.",
        ),
        "views": click.option(
            "--view",
            "views",
            multiple=True,
            metavar="NAME",
            shell_complete=complete_view,
            help="What was saved under this name by `whodid views save`.",
        ),
    }
    for negated in (False, True):
        options |= {
            _parameter(field.name, negated=negated): _option(field, negated=negated) for field in FIELDS.values()
        }
        options[_parameter("meta", negated=negated)] = _meta_option(negated=negated)
    return options


def _option(field: Field, *, negated: bool) -> Option:
    others = [alias for alias, name in ALIASES.items() if name == field.name]
    prefix = "--not-" if negated else "--"
    flags = [f"{prefix}{name}" for name in (field.flag, *others)]
    help_text = f"Not: {field.name}." if negated else f"{field.help[0].upper()}{field.help[1:]}."
    if field.values and len(field.values) <= 8 and not negated:
        help_text = f"{', '.join(field.values)}."
    return click.option(
        _parameter(field.name, negated=negated),
        *flags,
        multiple=True,
        metavar="VALUE",
        help=help_text,
        hidden=negated,
        shell_complete=complete_values(field.values) if field.values else None,
    )


def _meta_option(*, negated: bool) -> Option:
    return click.option(
        _parameter("meta", negated=negated),
        "--not-meta" if negated else "--meta",
        multiple=True,
        metavar="PATH=VALUE",
        help="A value in the event's metadata, by its dotted path.",
        hidden=negated,
    )


def _parameter(name: str, *, negated: bool) -> str:
    return f"{'not_' if negated else 'is_'}{name.replace('.', '_')}"


def _meta_filter(text: str, negated: bool) -> tuple[str, str, bool]:
    path, equals, value = text.partition("=")
    if not path or not equals:
        raise UsageError(f"--meta {text}: not PATH=VALUE", "write it like --meta plan.name=pro")
    return f"{META_PREFIX}{path}", value, negated


_OPTIONS = _options()

filter_options = bundle("question", list(_OPTIONS.values()), _question, list(_OPTIONS))
"""All filter flags; the command's parameter `question: Question`."""


def filters_without(*taken: str) -> Option:
    """As `filter_options`, but for fields (or `until`) whose flags mean something else there; -q can still ask them."""
    others = {name if name == "until" else _parameter(name, negated=False) for name in taken}
    left = {name: option for name, option in _OPTIONS.items() if name not in others}
    empty: dict[str, Any] = {name: None if name == "until" else () for name in others}
    return bundle("question", list(left.values()), functools.partial(_question, **empty), list(left))
