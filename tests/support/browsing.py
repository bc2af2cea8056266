"""A browser without scripts: gets pages of a server, reads them as a tree, follows their links."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any, NamedTuple, Self

import httpx

_VOID = frozenset({"meta", "link", "input", "br", "hr", "img", "option", "wbr"})


class Element:
    """A node of a page. `find("a", "count")` gives those of a tag that have a class."""

    def __init__(self, tag: str, attributes: dict[str, str], parent: "Element | None") -> None:
        self.tag = tag
        self.attributes = attributes
        self.parent = parent
        self.children: list[Element | str] = []

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    def get(self, name: str, default: str = "") -> str:
        """An attribute."""
        return self.attributes.get(name, default)

    @property
    def text(self) -> str:
        """What a person reads, runs of spaces as one."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child._texts()

    def walk(self) -> Iterator["Element"]:
        """Everything below, in order."""
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.walk()

    def find(self, tag: str, kind: str = "", **attributes: str) -> list["Element"]:
        """All of a tag, with a class, with attributes."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            one
            for one in self.walk()
            if one.tag == tag
            and (not kind or kind in one.get("class").split())
            and all(one.attributes.get(name) == value for name, value in wanted.items())
        ]

    def one(self, tag: str, kind: str = "", **attributes: str) -> "Element":
        """The only one of that kind."""
        found = self.find(tag, kind, **attributes)
        assert len(found) == 1, f"{len(found)} of {tag} {kind} {attributes}"
        return found[0]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = self._at = Element("page", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self._at)
        self._at.children.append(element)
        if tag not in _VOID:
            self._at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._at.children.append(Element(tag, {name: value or "" for name, value in attrs}, self._at))

    def handle_endtag(self, tag: str) -> None:
        place: Element | None = self._at
        while place is not None and place.tag != tag:
            assert place.tag in ("li", "p", "page", "td", "th", "tr", "option"), f"</{tag}> closes <{place.tag}>"
            place = place.parent
        assert place is not None, f"</{tag}> closes nothing"
        assert place.parent is not None
        self._at = place.parent

    def handle_data(self, data: str) -> None:
        self._at.children.append(data)


class Page(NamedTuple):
    """An answer, read."""

    response: httpx.Response
    root: Element

    @property
    def status(self) -> int:
        """The status."""
        return self.response.status_code

    @property
    def text(self) -> str:
        """The page as it was sent."""
        return self.response.text

    @property
    def links(self) -> list[str]:
        """Every address in it."""
        return list(dict.fromkeys(one["href"] for one in self.root.walk() if "href" in one.attributes))

    @property
    def rows(self) -> list[str]:
        """The ids of the listed events."""
        return [re.split(r"[/?]", one["href"])[2] for one in self.root.find("a", "event")]

    @property
    def total(self) -> int:
        """How many events the list has: `Showing 1–20 of 247`, and what else is said of it behind a dot."""
        shown = self.root.one("p", id="shown").text.partition(" · ")[0]
        return int(shown.rpartition(" of ")[2].replace(",", ""))

    def link(self, text: str) -> str:
        """The address behind a text."""
        found = [one["href"] for one in self.root.find("a") if one.text == text or one.get("aria-label") == text]
        assert found, f"no link {text!r}"
        return found[0]


class Browser:
    """Goes to pages of one server; keeps cookies."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, headers={"accept": "text/html"}, timeout=30)

    def get(self, path: str, parameters: Any = None) -> Page:
        """A page."""
        return read(self._client.get(path, params=parameters))

    def follow(self, path: str) -> Page:
        """A page, behind any redirection."""
        return read(self._client.get(path, follow_redirects=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()


def read(response: httpx.Response) -> Page:
    """An answer as a page."""
    reader = _Reader()
    if "html" in response.headers.get("content-type", ""):
        reader.feed(response.text)
        reader.close()
    return Page(response, reader.root)
