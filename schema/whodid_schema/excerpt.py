"""A place in a text shown to a person: the text around it in one line, and under it a line of carets.

actor:ana verb:creat
          ^^^^^^^^^^
"""

import unicodedata

from whodid_schema.visible import visible

_AROUND = 40
"""Characters shown in front of what is marked and behind it."""

_LONGEST = 80
"""Characters shown of what is marked."""


def marked(text: str, position: int, length: int) -> str:
    """Both lines, harmless to a terminal; a cut is shown as `…`. At least one caret stands there, also at the end."""
    place = min(max(position, 0), len(text))
    end = min(place + max(length, 0), len(text), place + _LONGEST)
    start, stop = max(0, place - _AROUND), min(len(text), end + _AROUND)
    before = ("…" if start else "") + visible(text[start:place])
    inside = visible(text[place:end])
    behind = visible(text[end:stop]) + ("…" if stop < len(text) else "")
    return f"{before}{inside}{behind}".rstrip() + f"\n{' ' * _cells(before)}{'^' * max(_cells(inside), 1)}"


def _cells(text: str) -> int:
    """Columns that a text takes on a terminal."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) != 0 for character in text)
