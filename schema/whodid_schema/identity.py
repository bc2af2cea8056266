"""The id of an event: the same event gets the same id however often and by whatever way it arrives.

An id is 26 characters of lower-case Crockford base32 over the first 128 bits of SHA-256 over these parts, each
preceded by its length as four big-endian bytes:

    native   "n", app, every native id value in the profile's order, redacted bytes
    file     "f", source, generation, offset, item [, first receipt], redacted bytes
    http     "h", source, key (or "agent/frame" without one), item, redacted bytes

`generation` names a file by its first complete line; `first receipt` (of the file instance) enters only where the
event is filed under its receipt, because nothing in it tells two such lines of different times apart.
Nothing of a profile's mapping enters, so an upgraded profile never gives an event a second name.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from struct import Struct

from ulid_transform import bytes_to_ulid

ID_LENGTH = 26


def _digest(parts: Iterable[bytes]) -> str:
    framed: list[bytes] = []
    for part in parts:
        framed += (len(part).to_bytes(4, "big"), part)
    return bytes_to_ulid(sha256(b"".join(framed)).digest()[:16]).lower()


def native_id(app: str, values: Sequence[str], event: bytes) -> str:
    """The id where the application names its events; `event` is the event's redacted bytes."""
    parts = [_named_by(app)]
    for value in values:
        part = value.encode()
        parts += (_length(len(part)), part)
    parts += (_length(len(event)), event)
    return bytes_to_ulid(sha256(b"".join(parts)).digest()[:16]).lower()


@lru_cache(maxsize=256)
def _named_by(app: str) -> bytes:
    return _framed(b"n") + _framed(app.encode())


def file_id(source: str, generation: str, offset: int, item: int, event: bytes, first_receipt: str = "") -> str:
    """The id of event number `item` (from 0) of the line at byte `offset` of the decompressed file."""
    return file_ids(source, generation)(offset, item, event, first_receipt)


FileIds = Callable[[int, int, bytes, str], str]


@lru_cache(maxsize=256)
def file_ids(source: str, generation: str) -> FileIds:
    """As `file_id`, for the events of one file: of offset, item, event, first receipt."""
    place = b"".join(map(_framed, (b"f", source.encode(), generation.encode())))

    def of(offset: int, item: int, event: bytes, first_receipt: str) -> str:
        at = b"%d" % offset
        number = _number(item) if item else _FIRST
        receipt = _framed(first_receipt.encode()) if first_receipt else b""
        parts = (place, _LENGTHS[len(at)], at, number, receipt, _length(len(event)), event)
        return bytes_to_ulid(sha256(b"".join(parts)).digest()[:16]).lower()

    return of


def _framed(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


@lru_cache(maxsize=4096)
def _number(item: int) -> bytes:
    return _framed(b"%d" % item)


_length = Struct(">I").pack
_LENGTHS = tuple(map(_length, range(64)))
_FIRST = _framed(b"0")


def http_id(source: str, key: str, item: int, event: bytes) -> str:
    """The id of event number `item` of a posted body; `key` is the sender's, else `agent/frame`."""
    return _digest((b"h", source.encode(), key.encode(), b"%d" % item, event))


def generation_of(first_line: bytes) -> str:
    """The generation of a file: a hash (hex, 32 characters) of its first complete line, newline excluded."""
    return sha256(first_line).hexdigest()[:32]


def origin_of(event: bytes) -> str:
    """The hash of the redacted original (hex, 32 characters) that `ingest.origin` carries."""
    return sha256(event).hexdigest()[:32]
