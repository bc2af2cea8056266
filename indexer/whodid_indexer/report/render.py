"""A story as Markdown or as one HTML page without scripts or outside parts.

Both are templates with everything escaped: HTML by jinja2's autoescape, Markdown by `plain`. Whatever would steer a
terminal or the reading order is spelled out first (`visible`).
"""

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from msgspec import Struct

from whodid_indexer.report.story import Story
from whodid_schema.visible import visible

_special = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$]|(?<=:)/(?=/)|(?<=www)\.)", re.IGNORECASE)
"""What is markup in Markdown anywhere in a line, and what makes a link of an address; lines begin with our own text."""

_backticks = re.compile(r"`+").findall
_not_id = re.compile(r"[^0-9a-z]")


class Head(Struct, frozen=True):
    """What is said above and below a story: its title, what was asked and of whom, by whom and when.

    `again` is the command that asks the same once more.
    """

    title: str
    question: str
    range: str
    zone: str
    store: str
    made: str
    by: str
    version: str
    again: str
    note: str = ""


def render(story: Story, head: Head, form: str) -> str:
    """The report as text; `form` is `markdown` or `html`."""
    template = "report.md.j2" if form == "markdown" else "report.html.j2"
    return _environment(form).get_template(template).render(story=story, head=head)


def _environment(form: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("whodid_indexer.report"),
        autoescape=form == "html",  # noqa: S701  Markdown is escaped by `plain`, through finalize
        finalize=_shown if form == "html" else _plain,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = code
    environment.filters["span"] = span
    environment.filters["number"] = lambda value: f"{value:,}"
    return environment


def _shown(value: Any) -> Any:
    """For HTML: visible text; jinja2 escapes it behind this."""
    return value if isinstance(value, Markup) else visible(str(value))


def _plain(value: Any) -> Any:
    """For Markdown: text that Markdown reads as itself; Markup is a template's own."""
    return value if isinstance(value, Markup) else plain(str(value))


def plain(text: str) -> str:
    """The text so that no Markdown reader takes any of it for markup, a link, a table's edge or HTML."""
    return _special.sub(r"\\\1", visible(text))


def code(identifier: str) -> Markup:
    """A record's id between backticks; anything that no id has is left out."""
    return Markup(f"`{_not_id.sub('', identifier)}`")  # noqa: S704  letters and digits alone


def span(text: str) -> Markup:
    """Any one line as Markdown code: the fence is longer than every run of backticks in it."""
    shown = visible(text)
    fence = "`" * (max((len(run) for run in _backticks(shown)), default=0) + 1)
    return Markup(f"{fence} {shown} {fence}" if "`" in shown else f"{fence}{shown}{fence}")  # noqa: S704  inside a fence
