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
_TYPED = re.compile(r"(?P<type>[^\W\d][\w /&-]{0,47}?)\s*:\s+(?P<name>\S.*)", re.DOTALL)
_NUMBERED = re.compile(r"(?P<type>[^\W\d][\w -]{0,47}?)\s+#(?P<id>[\w-]{1,64})")
_BULK = re.compile(r"(?P<name>.*\S)\s*\((?:bulk|mass)\)", re.DOTALL | re.IGNORECASE)
_COUNT = re.compile(r"(?P<count>\d[\d,]{0,14})\s")
_CHANGE = re.compile(r"(?P<name>.*?\S)\s+[—–]\s+(?P<field>\S.*?)\s+(?P<from>\S+)\s+(?:→|->)\s+(?P<to>\S.*)", re.DOTALL)


def read_label(label: str, known: str | None = None) -> Label:
    """The target that this text names; text in no known form is its name.

    Where the type is `known` from elsewhere, only that type is taken from the text: a broadcast may well be called
    "May Newsletter #38".
    """
    if len(label) > _LONGEST:
        return Label(Target(name=label))
    text = label.strip()
    numbered = _NUMBERED.fullmatch(text)
    if numbered and _fits(numbered["type"], known):
        return Label(Target(type=target_type(numbered["type"]), id=numbered["id"]))
    typed = _TYPED.fullmatch(text)
    kind, name = (target_type(typed["type"]), typed["name"]) if typed and _fits(typed["type"], known) else (None, text)
    changed = _CHANGE.fullmatch(name)
    if changed:
        field = slug(changed["field"])
        return Label(Target(type=kind, name=changed["name"]), Change(field, changed["from"], changed["to"]))
    bulk = _BULK.fullmatch(name)
    if bulk:
        return Label(Target(type=kind, name=bulk["name"], count=_count(bulk["name"])))
    return Label(Target(type=kind, name=name))


def _fits(words: str, known: str | None) -> bool:
    return known is None or target_type(words) == target_type(known)


def _count(name: str) -> int | None:
    found = _COUNT.match(name)
    return int(found["count"].replace(",", "")) if found else None
