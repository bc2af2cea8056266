"""A report in both forms: whatever the records say stands there as text, and as nothing but text."""

from datetime import UTC
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from support.serving import HOSTILE
from whodid_indexer.report.render import Head, render, span
from whodid_indexer.report.story import tell
from whodid_schema.record import Actor, Change, Client, Record, Target
from whodid_schema.visible import visible

MORE = {
    "link": "[x](javascript:alert(1)) <http://evil.example> http://evil.example www.evil.example",
    "image": "![x](http://evil.example/x.png)",
    "table": "a | b |\n|---|\n# heading",
    "code": "`a` ``b`` ~~~\n```",
    "reference": "[x]: http://evil.example\n> quote",
    "entity": "&lt;b&gt; &#60;script&#62;",
    "math": "$$x$$ <!-- a --> <b>",
}
TEXTS = {**HOSTILE, **MORE}
HEAD = Head("What happened", "ip:*", "all", "UTC", "sqlite:///a.db", "2026-11-21", "ana@host", "1.0", "whodid report")


def hostile(text: str) -> Record:
    return Record(
        timestamp="2026-11-21T08:00:00.000000Z",
        id="0" * 26,
        verb="create",
        outcome="warning",
        reason=text,
        description=text,
        actor=Actor(name=text, email=text, key=text, role=text),
        target=Target(text, text, text),
        client=Client(ip=text, device=text),
        session_id=text,
        changes=[Change(text, text, "x")],
    )


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page(form: str, text: str, title: str = "What happened") -> Page:
    story = tell([hostile(text)], UTC)
    head = Head(title, text, text, text, text, text, text, text, text)
    shown = render(story, head, form)
    assert shown == visible(shown, newlines=True)
    if form == "html":
        return Page(shown)
    return Page(MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(shown))


@pytest.mark.parametrize("form", ["markdown", "html"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_hostile_text_makes_no_element_of_its_own(form: str, text: str) -> None:
    assert page(form, text, text).elements == page(form, "harmless").elements


@pytest.mark.parametrize("form", ["markdown", "html"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_hostile_text_is_read_as_it_is(form: str, text: str) -> None:
    shown = page(form, text).text
    for part in visible(text).split():
        assert part in shown


def test_a_page_asks_for_nothing_from_outside() -> None:
    text = render(tell([hostile("x")], UTC), HEAD, "html")
    assert "default-src 'none'" in text
    assert not [word for word in ("<script", "<img", "<link", "src=", "@import", "url(") if word in text]


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_a_report_without_records_says_so(form: str) -> None:
    assert "No record matches." in render(tell([], UTC), HEAD, form)


@pytest.mark.parametrize("text", ["a", "`", "``a``", "a`", "`a"])
def test_code_is_one_piece_whatever_backticks_it_has(text: str) -> None:
    assert MarkdownIt().renderInline(span(text)) == f"<code>{text}</code>"
