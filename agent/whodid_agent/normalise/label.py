"""Targets as people write them in a row: "Broadcast: May Newsletter #38", "user #42", "Contact: 19 rows (bulk)".

Type: name                     the type before the colon, the name behind it
type #42                       a type and an id
19 imported rows (bulk)        a count where the row says bulk
name — field a → b             a change of that field
"""

import re

from msgspec import Struct

from whodid_schema.canonical import slug, target_type
from whodid_schema.record import Change, Target


class Label(Struct, gc=False):
    """What a label says: the target, and the change it shows (None: none)."""

    target: Target
    change: Change | None = None


_LONGEST = 1024
_TYPE = re.compile(r"[^\W\d][\w /&-]{0,47}")
_NUMBERED = re.compile(r"[^\W\d][\w -]{0,47}")
_ID = re.compile(r"[\w-]{1,64}")
_BULK = ("(bulk)", "(mass)")
_COUNT = re.compile(r"(?P<count>\d[\d,]{0,14})\s")
_WORD = re.compile(r"\S+")
_DASHES, _ARROWS = ("—", "–"), ("→", "->")


def read_label(label: str, known: str | None = None) -> Label:
    """The target that this text names; text in no known form is its name.

    Where the type is `known` from elsewhere, only that type is taken from the text: a broadcast may well be called
    "May Newsletter #38".
    """
    if len(label) > _LONGEST:
        return Label(Target(name=label))
    text = label.strip()
    numbered = _numbered(text)
    if numbered and _fits(numbered[0], known):
        return Label(Target(type=target_type(numbered[0]), id=numbered[1]))
    typed = _typed(text)
    kind, name = (target_type(typed[0]), typed[1]) if typed and _fits(typed[0], known) else (None, text)
    changed = _changed(name)
    if changed:
        return Label(Target(type=kind, name=changed[0]), changed[1])
    bulk = name[:-6].rstrip() if name[-6:].casefold() in _BULK else ""
    if bulk:
        return Label(Target(type=kind, name=bulk, count=_count(bulk)))
    return Label(Target(type=kind, name=name))


# One pass each: an expression for all of it tries every division of the spaces in a text.


def _numbered(text: str) -> tuple[str, str] | None:
    """Type and id of `type #42`."""
    words, mark, number = text.partition("#")
    kind = words.rstrip()
    return (kind, number) if mark and kind != words and _NUMBERED.fullmatch(kind) and _ID.fullmatch(number) else None


def _typed(text: str) -> tuple[str, str] | None:
    """Type and name of `Type: name`."""
    words, _, behind = text.partition(":")
    kind, name = words.rstrip(), behind.lstrip()
    return (kind, name) if name and name != behind and _TYPE.fullmatch(kind) else None


def _changed(text: str) -> tuple[str, Change] | None:
    """Name and change of `name — field a → b`: the first dash, and the first arrow at least two words behind it."""
    if not any(arrow in text for arrow in _ARROWS) or not any(dash in text for dash in _DASHES):
        return None
    words = list(_WORD.finditer(text))
    dash = next((at for at, word in enumerate(words) if at and word[0] in _DASHES), len(words))
    arrow = next((at for at in range(dash + 3, len(words) - 1) if words[at][0] in _ARROWS), None)
    if arrow is None:
        return None
    field = text[words[dash + 1].start() : words[arrow - 2].end()]
    name, to = text[: words[dash - 1].end()], text[words[arrow + 1].start() :]
    return name, Change(slug(field), words[arrow - 1][0], to)


def _fits(words: str, known: str | None) -> bool:
    return known is None or target_type(words) == target_type(known)


def _count(name: str) -> int | None:
    found = _COUNT.match(name)
    return int(found["count"].replace(",", "")) if found else None
