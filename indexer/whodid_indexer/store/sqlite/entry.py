"""What is sent, made ready to be stored: an item is read, checked, and its key worked out; a bad one says why."""

import re
import struct
from datetime import UTC, datetime
from functools import lru_cache

import msgspec
from msgspec import Struct
from ulid_transform import bytes_to_ulid, ulid_to_bytes

from whodid_indexer.store.base import Item
from whodid_schema.bulk import Outcome, Result
from whodid_schema.folding import search_text
from whodid_schema.identity import ID_LENGTH
from whodid_schema.record import Record, decode

MAX_BODY = 64 << 20
"""Bytes of one record's JSON."""

_LONGEST_INDEX = 255

_HALF = 1 << 63
_two = struct.Struct(">QQ")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_is_id = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}").fullmatch
_is_stamp = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z").fullmatch

_is_receipt = lru_cache(maxsize=1_024)(_is_stamp)
"""The same, remembered: many records have one receipt."""

FILED = frozenset({"received", "implausible"})
"""Values of time_precision that say: filed under its receipt."""


class Entry(Struct, gc=False, frozen=True):
    """A checked item: microseconds since the epoch and both halves of the id, which sort as the id does.

    `home` is the index that the sender named, `text` what free text finds it by.
    """

    record: Record
    body: bytes
    home: str
    micros: int
    high: int
    low: int
    filed: bool
    text: str


def halves(identifier: str) -> tuple[int, int] | None:
    """An id as two signed 64-bit ints that sort as it does; None where it is no id of ours."""
    if not _is_id(identifier):
        return None
    high, low = _two.unpack(ulid_to_bytes(identifier))
    return high - _HALF, low - _HALF


def joined(high: int, low: int) -> str:
    """The id of two halves."""
    return bytes_to_ulid(_two.pack(high + _HALF, low + _HALF)).lower()


def micros_of(stamp: str) -> int | None:
    """Microseconds since the epoch of a record's time; None where it is not RFC 3339 in UTC, written with a Z."""
    if not _is_stamp(stamp):
        return None
    try:
        since = datetime.fromisoformat(stamp) - _EPOCH
    except ValueError:
        return None
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def read(item: Item) -> Entry | Result:
    """The entry for an item, or its rejection."""
    try:
        return _checked(item)
    except _Refused as refusal:
        return Result(Outcome.REJECTED, str(refusal))
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
        return Result(Outcome.REJECTED, f"not a record: {error}")


class _Refused(Exception):
    """Why an item is rejected."""


def _checked(item: Item) -> Entry:
    if len(item.body) > MAX_BODY:
        raise _Refused(f"the record has {len(item.body)} bytes, the limit is {MAX_BODY}")
    if not 0 < len(item.index) <= _LONGEST_INDEX:
        raise _Refused(f"the index's name must have 1 to {_LONGEST_INDEX} characters")
    record = decode(item.body)
    if record.id != item.id:
        raise _Refused(f"the record's id is {_shown(record.id)}, the action line's is {_shown(item.id)}")
    key = halves(item.id)
    if key is None:
        raise _Refused(f"the id {_shown(item.id)} is not {ID_LENGTH} characters of lower-case Crockford base32")
    micros = micros_of(record.timestamp or "")
    if micros is None:
        raise _Refused(f"@timestamp {_shown(record.timestamp)} is not RFC 3339 in UTC (2026-11-21T08:30:00.000000Z)")
    if not _is_receipt(record.received_at or ""):
        raise _Refused(f"received_at {_shown(record.received_at)} is not RFC 3339 in UTC")
    return Entry(record, item.body, item.index, micros, *key, record.time_precision in FILED, search_text(record))


def _shown(value: str | None) -> str:
    return "missing" if value is None else ascii(value[:80])
