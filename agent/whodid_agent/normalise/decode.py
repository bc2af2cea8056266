"""From a line to its events: decoding, and splitting bodies that hold many.

What cannot be an event is refused with one of these words (stable: they are counted and shown in the quarantine):

    empty             nothing but white space
    not_utf8          a byte that is not UTF-8
    bom               a byte order mark in front of the JSON
    too_deep          nested deeper than can be read
    number            a number that no double can hold (1e400), or of more than MOST_DIGITS digits
    trailing          text behind the JSON value
    truncated         the line ends inside the JSON value
    not_json          anything else that is not JSON (NaN, comments, lone surrogates …)
    not_an_object     JSON, but no object: a number, a text, null
"""

import re
import sys
from collections.abc import Mapping
from typing import Any

import msgspec

from whodid_agent.normalise.language.profile import Split
from whodid_schema.errors import Undecodable

Event = dict[str, Any]

MOST_DIGITS = 640
"""Reading a number takes time by the square of its digits: 200 kB of numbers of 4,000 digits took 50 ms.

Python has the bound for all of a process, and none lower.
"""
sys.set_int_max_str_digits(MOST_DIGITS)

decode_json = msgspec.json.Decoder().decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_BYTE = re.compile(r"\(byte (\d+)\)")


def decode(data: bytes) -> Any:
    """The JSON value of these bytes. Raises Undecodable with one of the module's words and the fault's position."""
    try:
        return decode_json(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _named(error, data) from error


def _named(error: Exception, data: bytes) -> Undecodable:
    message = str(error)
    if not data.strip():
        return Undecodable("empty", "there is nothing in it")
    fault = _not_utf8(data)
    if fault is not None:
        return fault
    if isinstance(error, RecursionError):
        return Undecodable("too_deep", "nested deeper than can be read")
    if data.startswith(b"\xef\xbb\xbf"):
        return Undecodable("bom", "a byte order mark (EF BB BF) stands in front of the JSON; write UTF-8 without it")
    if isinstance(error, msgspec.ValidationError):
        return Undecodable("number", message)
    return _not_json(message, data)


def _not_json(message: str, data: bytes) -> Undecodable:
    if "truncated" in message:
        return Undecodable("truncated", "the line ends inside the JSON value")
    return Undecodable("trailing" if "trailing" in message else "not_json", _place(message, data))


def _not_utf8(data: bytes) -> Undecodable | None:
    try:
        data.decode()
    except UnicodeDecodeError as fault:
        return Undecodable(
            "not_utf8", f"byte {fault.start} is not UTF-8: {data[fault.start : fault.start + 4].hex(' ')}"
        )
    return None


def _place(message: str, data: bytes) -> str:
    found = _BYTE.search(message)
    if found is None:
        return message
    at = int(found[1])
    return f"{message}, near {data[at : at + 16].decode(errors='replace')!r}"


def not_an_object(value: Any) -> str:
    """Why a value that is JSON is no event, for people."""
    words = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "an array"}
    return f"an event is a JSON object, this is {words.get(type(value), 'null')}"


def items_of(line: bytes, value: Any, splits: Mapping[str, Split]) -> list[bytes] | None:
    """The bytes of each event in this line, None where the line (decoded: `value`) is itself one event.

    An array holds events; so does an object with an array of objects under the key of a known body, beside which
    nothing stands but what such a body has.
    """
    if type(value) is list:
        return [bytes(item) for item in _decode_items(line)]
    if type(value) is dict:
        for key, split in splits.items():
            held = value.get(key)
            if type(held) is list and is_body(value, key, held, split):
                return [bytes(item) for item in _decode_items(bytes(_decode_members(line)[key]))]
    return None


MOST_PARTS = 100
MOST_COPIED = 1 << 20
"""Bounds of what an event is taken apart into: how many, and bytes of what stands beside, once for each."""


def parts_of(line: bytes, value: Event, key: str) -> list[bytes] | None:
    """Of an event that holds several things under `key` an event for each, with that one alone; None: it is one.

    Everything else stands in each of them, byte for byte.
    """
    held = value.get(key)
    if type(held) is not list or not 1 < len(held) <= MOST_PARTS or any(type(one) is not dict for one in held):
        return None
    members = _decode_members(line)
    if (len(line) - len(bytes(members[key]))) * len(held) > MOST_COPIED:
        return None
    return [msgspec.json.encode({**members, key: [one]}) for one in _decode_items(bytes(members[key]))]


def is_body(value: Event, key: str, held: list[Any], split: Split) -> bool:
    """Whether nothing stands beside an array of events but what such a body has."""
    return all(other == key or other in split.beside for other in value) and all(type(item) is dict for item in held)
