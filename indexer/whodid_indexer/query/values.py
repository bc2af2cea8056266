"""Values as they are typed: in a search text behind a field's colon, and whole in a flag or a URL parameter.

    ana,bob          either; a comma separates
    "Doe, Jane"      between quotation marks everything is as it stands; "" is one mark
    "Doe, J"*        what begins so; `*` within the marks is the same wildcard

A curly quotation mark opens and closes as a straight one does; behind a straight one only a straight one closes.
"""

import re
from typing import NamedTuple

from whodid_schema.errors import BadQuery

MARKS = '"“”„«»'
"""Quotation marks. Apostrophes are none: don't, O’Brien."""

_any_mark = re.compile(f"[{MARKS}]")
_spaces = re.compile(r"\s*")


class Value(NamedTuple):
    """One value: its text, where it stands (marks included), and whether it stood in quotation marks."""

    text: str
    start: int
    end: int
    quoted: bool = False


def read_quoted(text: str, start: int) -> Value:
    """What stands between the mark at `start` and the one that closes it, with the `*` behind it.

    Raises BadQuery where none closes it.
    """
    pieces: list[str] = []
    place = start + 1
    while True:
        end = _closing(text, start, place)
        pieces.append(text[place:end])
        place = end + 1
        if text[start] != '"' or text[place : place + 1] != '"':
            break
        pieces.append('"')
        place += 1
    if text[place : place + 1] == "*":
        pieces.append("*")
        place += 1
    return Value("".join(pieces), start, place, quoted=True)


def _closing(text: str, start: int, place: int) -> int:
    if text[start] == '"':
        end = text.find('"', place)
    else:
        found = _any_mark.search(text, place)
        end = found.start() if found else -1
    if end < 0:
        hint = 'write "two words" around a phrase, and "" for a mark within one'
        raise BadQuery("a quotation mark has no other half", hint, start, 1, text=text)
    return end


def quote(text: str) -> str:
    """The text in quotation marks, as `read_quoted` reads it back."""
    return '"' + text.replace('"', '""') + '"'


def parse_values(typed: str, said_as: str = "") -> list[Value]:
    """The values of a flag or a parameter, `said_as`; spaces belong to them, but for those around commas.

    Raises BadQuery, marked in `typed`, where one is empty, or something stands behind a closing mark.
    """
    found: list[Value] = []
    place = 0
    while True:
        value = _listed(typed, place)
        if not value.text:
            hint = "a lone * asks for any value; a value with a comma is quoted"
            what = f"{said_as}: the value is empty" if said_as else "the value is empty"
            raise BadQuery(what, hint, min(value.start, len(typed)), 0, text=typed)
        found.append(value)
        if value.end >= len(typed):
            return found
        place = value.end + 1


def _listed(typed: str, place: int) -> Value:
    start = _behind_spaces(typed, place)
    if typed[start : start + 1] and typed[start] in MARKS:
        value = read_quoted(typed, start)
        end = _behind_spaces(typed, value.end)
        if end < len(typed) and typed[end] != ",":
            hint = 'quote all of the value and write "" for a mark within it'
            raise BadQuery("something stands behind the quotation mark", hint, end, len(typed) - end, text=typed)
        return value._replace(end=end)
    end = typed.find(",", start)
    end = len(typed) if end < 0 else end
    return Value(typed[start:end].rstrip(), start, end)


def _behind_spaces(text: str, place: int) -> int:
    spaces = _spaces.match(text, place)
    return spaces.end() if spaces else place


def format_value(value: str) -> str:
    """A value as `parse_values` reads it back."""
    plain = value and value == value.strip() and "," not in value and value[0] not in MARKS and value != "me"
    return value if plain else quote(value)
