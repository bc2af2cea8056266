"""What the numbers of an axis stand for: its values as they are compared, and how they are shown.

Dictionary rows are never changed and never deleted, so what was once read stays right; new rows are read as they come.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from ipaddress import IPv6Address
from socket import AF_INET, inet_ntop
from types import MappingProxyType
from typing import Any, NamedTuple

import apsw
import msgspec

from whodid_indexer.store.sqlite.axes import MAPPED
from whodid_schema.folding import shadow
from whodid_schema.record import Actor

Key = str | bytes
"""A value of a dictionary: folded text, an actor's key as written, or an address as 16 bytes."""


Numbers = Container[int] | None
"""Rows of a dictionary by number; None for all."""


class Place(NamedTuple):
    """Where an axis' values are: the column of `event`, and the expressions over its dictionary's rows."""

    column: str
    select: str


PLACES: Mapping[str, Place] = MappingProxyType(
    {
        **{
            name: Place("combo", name)
            for name in ("surface", "kind", "category", "action", "verb", "outcome", "layer", "app")
        },
        "type": Place("combo", "types"),
        "actor": Place("actor", "handle"),
        "actor.type": Place("actor", "type"),
        "email": Place("actor", "email"),
        "role": Place("actor", "role"),
        "provider": Place("actor", "provider"),
        "workspace": Place("ws", "ext, name"),
        "project": Place("project", "ext, name"),
        "ip": Place("ip", "key"),
        "device": Place("device", "value"),
        "reason": Place("reason", "value"),
    }
)
"""The axes that are numbers; all others are in the bodies alone."""

REFS = frozenset({"workspace", "project"})

_strings = msgspec.json.Decoder(list[str]).decode
_actor = msgspec.json.Decoder(Actor).decode


class Dictionaries:
    """What was read of one connection's dictionaries."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._rows: dict[str, list[Any]] = {}

    def rows(self, axis: str) -> list[Any]:
        """By number: the value, None where there is none; of type a list of values; of a ref its id and name."""
        place = PLACES[axis]
        known = self._rows.setdefault(axis, [_empty(axis)])
        rows: Any = self._connection.execute(
            f"SELECT id, {place.select} FROM {place.column} WHERE id >= ? ORDER BY id",  # noqa: S608  ours
            (len(known),),
        )
        for number, *values in rows:
            known.extend([_empty(axis)] * (number - len(known)))
            known.append(_read(axis, values))
        return known

    def shown(self, axis: str, value: Key, among: Numbers = None) -> str:
        """How a value is written where it is shown to people: one spelling of it.

        What an actor or a workspace is called is the newest of the rows `among`, those of records that were counted:
        another's records may call it otherwise, and that is not for whoever asks. None is all rows.
        """
        if axis == "ip":
            return text_of(value)
        text = str(value)
        if axis == "actor":
            return _called(self.actor(text, among)) or text
        if axis in REFS:
            text = self._name(axis, text, among) or text
        return self._written(axis, text)

    def compared(self, axis: str, value: Key) -> str:
        """The value as a query has it; in a dictionary NUL is U+FFFD (see `axes.folded`)."""
        text = text_of(value)
        if "\ufffd" not in text or axis == "actor":
            return text
        return shadow(self._written(axis, text))

    def actor(self, handle: str, among: Numbers = None) -> Actor:
        """The newest that is known of an actor. Nothing is known of one that never was."""
        found = self._newest("SELECT id, json FROM actor WHERE handle = ? ORDER BY id DESC", handle, among)
        return _actor(found) if found else Actor()

    def containing(self, axis: str, wanted: str, among: Numbers = None) -> Callable[[Key], bool]:
        """Whether a value, or how it is shown, contains the text; of an actor also the e-mail address."""
        folded = shadow(wanted)
        if axis == "ip":
            return lambda value: folded in text_of(value)
        if axis == "actor":
            found = self._actors_with(folded, among)
            return lambda value: value in found
        if axis in REFS:
            return partial(self._ref_contains, axis, folded, among)
        return lambda value: folded in str(value)

    def _actors_with(self, folded: str, among: Numbers) -> set[str]:
        rows: Any = self._connection.execute("SELECT id, handle, json FROM actor WHERE handle IS NOT NULL")
        found = set()
        for number, handle, json in rows:
            if among is not None and number not in among:
                continue
            actor = _actor(json)
            if any(text and folded in shadow(text) for text in (handle, _called(actor), actor.email)):
                found.add(handle)
        return found

    def _ref_contains(self, axis: str, folded: str, among: Numbers, value: Key) -> bool:
        return folded in str(value) or folded in (self._name(axis, str(value), among) or "")

    def _newest(self, sql: str, value: str, among: Numbers) -> str | None:
        """The second column of the first row that is among the numbers."""
        rows: Any = self._connection.execute(sql, (value,))
        found: str | None = next((text for number, text in rows if among is None or number in among), None)
        return found

    def _written(self, axis: str, text: str) -> str:
        written: str | None = self._connection.execute(
            "SELECT label FROM label WHERE axis = ? AND value = ?", (axis, text)
        ).get
        return written or text

    def _name(self, axis: str, text: str, among: Numbers) -> str | None:
        """The name that goes with an id."""
        table = PLACES[axis].column
        sql = f"SELECT id, name FROM {table} WHERE ext = ? AND name IS NOT NULL ORDER BY id DESC"  # noqa: S608  ours
        return self._newest(sql, text, among)


def text_of(value: Key) -> str:
    """An address of 16 bytes as people write it; anything else as it is."""
    if isinstance(value, str):
        return value
    if value.startswith(MAPPED):
        return inet_ntop(AF_INET, value[len(MAPPED) :])
    return str(IPv6Address(value))


def _empty(axis: str) -> Any:
    return [] if axis == "type" else (None, None) if axis in REFS else None


def _read(axis: str, values: Sequence[Any]) -> Any:
    if axis == "type":
        return _strings(values[0])
    return tuple(values) if axis in REFS else values[0]


def _called(actor: Actor) -> str:
    return actor.name or actor.email or actor.id or actor.key or ""
