"""The dictionaries: everything that many records share becomes a small number, the same one for ever.

The writer remembers the numbers it has seen. They are never deleted, so another process's rows cannot make a
remembered number wrong; only a rollback can, and then all is forgotten. Every transaction begins with `catch_up` and
ends with `flush`.
"""

import hashlib
from collections.abc import Hashable
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_pton
from typing import Any

import apsw
import msgspec

from whodid_schema.folding import shadow
from whodid_schema.record import Actor, Record, Ref

_REMEMBERED = 200_000
"""Numbers kept in memory per dictionary; past that it starts anew."""

LONGEST_VALUE = 1_024
"""Characters of a value that are indexed; the record itself keeps all of it."""

MAPPED = b"\0" * 10 + b"\xff\xff"
"""What stands in front of an IPv4 address in an IPv6 one."""

_encode = msgspec.json.Encoder(order="sorted").encode
_encode_quickly = msgspec.json.Encoder().encode

_COMBO = "INSERT INTO combo VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ACTOR = "INSERT INTO actor VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_IP = "INSERT INTO ip VALUES (?, ?)"
_WS = "INSERT INTO ws VALUES (?, ?, ?, ?, ?)"
_PROJECT = "INSERT INTO project VALUES (?, ?, ?, ?, ?)"
_DEVICE = "INSERT INTO device VALUES (?, ?, ?)"
_REASON = "INSERT INTO reason VALUES (?, ?, ?)"
_PERSON = "INSERT OR IGNORE INTO person VALUES (?, ?)"
_LABEL = "INSERT OR IGNORE INTO label VALUES (?, ?, ?)"


@lru_cache(maxsize=65_536)
def folded(value: str | None) -> str | None:
    """The value as it is compared; None for none and for an empty one. GLOB stops at a NUL: here it is U+FFFD."""
    return shadow(value[:LONGEST_VALUE]).replace("\0", "\ufffd") if value else None


def packed_ip(text: str) -> bytes | None:
    """The address as 16 bytes, IPv4 mapped into IPv6; None for what is not an address."""
    try:
        if ":" in text:
            return inet_pton(AF_INET6, text)
        return MAPPED + inet_pton(AF_INET, text)
    except (OSError, ValueError):
        return None


class Dictionary:
    """One dictionary table: the number of a row, which is added where it is not there yet.

    While the table is small, all its keys are in memory and a new one need not be looked for. New rows are numbered
    here, and written many at a time by `flush`; the transaction keeps other writers out meanwhile.

    `known` has the numbers of what was asked before, by whatever the asker tells values apart by: look there first.
    """

    def __init__(self, connection: apsw.Connection, table: str, insert: str) -> None:
        self._connection = connection
        self._find = f"SELECT id FROM {table} WHERE key = ?"  # noqa: S608  the table's name is ours
        self._highest = f"SELECT coalesce(max(id), 0) FROM {table}"  # noqa: S608  as above
        self._newer = f"SELECT key, id FROM {table} WHERE id > ?"  # noqa: S608  as above
        self._insert = insert
        self.known: dict[Hashable, int] = {}
        self._keys: dict[bytes, int] = {}
        self._last = 0
        self._new: list[tuple[Any, ...]] = []

    def forget(self) -> None:
        """Forget everything."""
        self.known.clear()
        self._keys.clear()
        self._new.clear()
        self._last = 0

    def catch_up(self) -> None:
        """Take in what was added since the last time; at the beginning of every transaction."""
        last: int = self._connection.execute(self._highest).get
        if last != self._last and last <= _REMEMBERED:
            self._keys.update(self._connection.execute(self._newer, (self._last,)))
        self._last = last

    def flush(self) -> None:
        """Write the new rows."""
        if self._new:
            self._connection.executemany(self._insert, self._new)
            self._new.clear()

    def number(self, values: Hashable, key: bytes, columns: tuple[Any, ...]) -> tuple[int, bool]:
        """The number for values that are not `known`, and whether it is new, by the row's key and other columns."""
        if len(self.known) >= _REMEMBERED:
            self.known.clear()
        number, new = self.keyed(key, columns)
        self.known[values] = number
        return number, new

    def keyed(self, key: bytes, columns: tuple[Any, ...] = ()) -> tuple[int, bool]:
        """The number of the row with this key, and whether it is new."""
        found = self._keys.get(key)
        if found is not None:
            return found, False
        if len(self._keys) >= _REMEMBERED:
            self.flush()
            self._keys.clear()
        if self._last > _REMEMBERED:
            found = self._connection.execute(self._find, (key,)).get
        new = found is None
        if found is None:
            self._last = found = self._last + 1
            self._new.append((found, key, *columns))
        self._keys[key] = found
        return found, new


def _digest(*parts: Any) -> bytes:
    return hashlib.blake2b(_encode(parts), digest_size=16).digest()


class Axes:
    """All dictionaries of the writer."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        # what goes with new rows, written with them
        self._persons: list[tuple[str, int]] = []
        self._labels: list[tuple[str, str | None, str]] = []
        self._combo = Dictionary(connection, "combo", _COMBO)
        self._actor = Dictionary(connection, "actor", _ACTOR)
        self._ip = Dictionary(connection, "ip", _IP)
        self._ws = Dictionary(connection, "ws", _WS)
        self._project = Dictionary(connection, "project", _PROJECT)
        self._device = Dictionary(connection, "device", _DEVICE)
        self._reason = Dictionary(connection, "reason", _REASON)
        self._all = (self._combo, self._actor, self._ip, self._ws, self._project, self._device, self._reason)

    def forget(self) -> None:
        """After a rollback: no number is certain any more."""
        self._persons.clear()
        self._labels.clear()
        for dictionary in self._all:
            dictionary.forget()

    def catch_up(self) -> None:
        """Take in what another process has added; at the beginning of every transaction."""
        for dictionary in self._all:
            dictionary.catch_up()

    def flush(self) -> None:
        """Write all rows that are new; before the transaction ends."""
        for dictionary in self._all:
            dictionary.flush()
        for insert, rows in ((_PERSON, self._persons), (_LABEL, self._labels)):
            if rows:
                self._connection.executemany(insert, rows)
                rows.clear()

    def combo(self, record: Record, class_: str, present: int) -> int:
        """The number of the record's low-cardinality values."""
        types = tuple(record.target_types or ())
        if not types and record.target is not None and record.target.type:
            types = (record.target.type,)
        values = (
            class_,
            record.app,
            record.surface,
            record.kind,
            record.category,
            record.action,
            record.verb,
            record.outcome,
            record.layer,
            types,
            present,
        )
        known = self._combo.known.get(values)
        if known is not None:
            return known
        plain = tuple(folded(value) for value in values[1:9])
        listed = _encode(sorted({name for name in map(folded, types) if name})).decode()
        columns = (class_, *plain, listed, present)
        number, new = self._combo.number(values, _digest(*columns), columns)
        if new:
            self._label("app", record.app)
            self._label("category", record.category)
            self._label("action", record.action)
            self._label("type", *types)
        return number

    def actor(self, actor: Actor | None) -> int:
        """The actor's number; 0 for no actor."""
        if actor is None:
            return 0
        encoded = _encode_quickly(actor)
        known = self._actor.known.get(encoded)
        if known is not None:
            return known
        return self._new_actor(actor, encoded) if encoded != b"{}" else 0

    def _new_actor(self, actor: Actor, encoded: bytes) -> int:
        written = _encode(actor).decode()
        plain = (folded(actor.type), folded(actor.email), folded(actor.role), folded(actor.provider))
        number, new = self._actor.number(encoded, _digest(written), (*plain, actor.key or None, written))
        if new:
            self._persons += [(value, number) for value in _names(actor)]
            self._label("actor.type", actor.type)
            self._label("email", actor.email)
            self._label("role", actor.role)
            self._label("provider", actor.provider)
        return number

    def ip(self, text: str | None) -> int:
        """The address's number; 0 for none."""
        packed = packed_ip(text) if text else None
        return self._ip.keyed(packed)[0] if packed is not None else 0

    def workspace(self, workspace: Ref | None) -> int:
        """The workspace's number; 0 for none."""
        return 0 if workspace is None else self._ref("workspace", self._ws, workspace)

    def project(self, project: Ref | None) -> int:
        """The project's number; 0 for none."""
        return 0 if project is None else self._ref("project", self._project, project)

    def device(self, device: str | None) -> int:
        """The device's number; 0 for none."""
        return self._value("device", self._device, device) if device else 0

    def reason(self, reason: str | None) -> int:
        """The reason's number; 0 for none."""
        return self._value("reason", self._reason, reason) if reason else 0

    def _ref(self, axis: str, dictionary: Dictionary, ref: Ref) -> int:
        written = (ref.id, ref.name)
        known = dictionary.known.get(written)
        if known is not None:
            return known
        if not any(written):
            return 0
        columns = (folded(ref.id), folded(ref.name), ref.id or None)
        number, new = dictionary.number(written, _digest(*columns), columns)
        if new:
            self._label(axis, *written)
        return number

    def _value(self, axis: str, dictionary: Dictionary, value: str) -> int:
        known = dictionary.known.get(value)
        if known is not None:
            return known
        columns = (folded(value),)
        number, new = dictionary.number(value, _digest(*columns), columns)
        if new:
            self._label(axis, value)
        return number

    def _label(self, axis: str, *written: str | None) -> None:
        """Keep how the values were written, where that is not as they are compared."""
        for value in written:
            if value and value != folded(value):
                self._labels.append((axis, folded(value), value[:LONGEST_VALUE]))


def _names(actor: Actor) -> set[str]:
    """Every folded value that `actor:` finds this actor by."""
    values = [actor.name, actor.email, actor.id, actor.key]
    if actor.token is not None:
        values += [actor.token.id, actor.token.name]
    if actor.on_behalf_of is not None:
        values += [actor.on_behalf_of.id, actor.on_behalf_of.name, actor.on_behalf_of.email]
    return {value for value in map(folded, values) if value}
