"""A posted body cut into events: each event's own bytes on one line, in the order and with the numbers of the body.

    {"action": …}                        one event
    [{…}, {…}]                           an array
    {"events": [{…}, {…}]}               an envelope (the webhook's batches, an API's answer)
    {…} newline {…} newline              lines, each of them one of the above

A body that is not JSON is refused as a whole, with the place of the fault. What is JSON but no object, or a line that
is not JSON among good ones, is refused alone: its number stays free, so the others keep theirs when it is mended.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from whodid_agent.inputs.http.problem import Problem

# Values are counted before a body is taken apart: an array of millions of them would take 60 bytes of memory for two
# bytes sent. Real events have a comma in every ten to thirty bytes.
VALUE_LIMIT = 2_000_000
_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_BETWEEN = re.compile(rb"[\s,]*")
_FAULT = re.compile(r"(?:JSON is malformed: )?(.*?)(?: \(byte (\d+)\))?")

_any = msgspec.json.Decoder(msgspec.Raw)
_array = msgspec.json.Decoder(list[msgspec.Raw])
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])

Envelopes = Mapping[str, frozenset[str]]


class Refused(NamedTuple):
    """An event that was not taken: its number in the body, and the byte (from 0) of the body where it stands."""

    item: int
    offset: int
    reason: str
    detail: str


class Cut(NamedTuple):
    """The events of a body: compact bytes without a newline, empty where one was refused.

    `enveloped`: the whole body is one envelope and nothing else.
    """

    events: list[bytes]
    refused: list[Refused]
    enveloped: bool

    @property
    def accepted(self) -> int:
        """How many events were taken."""
        return len(self.events) - len(self.refused)


class _NotJson(Exception):
    """`offset` is the first byte that cannot be read."""

    def __init__(self, offset: int, detail: str) -> None:
        super().__init__(detail)
        self.offset = offset
        self.detail = detail


def cut(body: bytes, as_lines: bool, envelopes: Envelopes, event_limit: int) -> Cut:
    """The body's events. Raises Problem: 400 not JSON at all, 413 too many events or values.

    `as_lines`: the sender says it is NDJSON; a JSON body that turns out to be lines is read as such too.
    """
    if body.startswith(_BOM):
        body = b"   " + body[3:]
    if body.count(b",") > VALUE_LIMIT or body.count(b"\n") > VALUE_LIMIT:
        raise _too_many(f"the body holds more than {VALUE_LIMIT} values or lines")
    if not body.strip(_SPACE):
        raise Problem(400, "empty", "the body is empty", "post one JSON object, an array, or one object a line")
    cutter = _Cutter(body, envelopes, event_limit)
    return cutter.lines() if as_lines else cutter.document()


def line_of(body: bytes, offset: int) -> int:
    """The line (from 1) that the byte at `offset` stands in."""
    return body.count(b"\n", 0, offset) + 1


class _Cutter:
    """Takes one body apart."""

    def __init__(self, body: bytes, envelopes: Envelopes, event_limit: int) -> None:
        self.body = body
        # Most bodies have no envelope: then no line of them is looked at twice.
        self.envelopes = {key: beside for key, beside in envelopes.items() if _quoted(key) in body}
        self.event_limit = event_limit
        self.events: list[bytes] = []
        self.refused: list[Refused] = []

    def document(self) -> Cut:
        """The body as one JSON value, or else as lines."""
        try:
            value = _checked(self.body)
        except _NotJson as fault:
            # Every line of one broken document is broken too; only where events come out lines were meant.
            if self._looks_like_lines():
                return self.lines()
            raise _not_json(self.body, fault.offset, fault.detail) from None
        enveloped = self._take(value, self.body.find(value[:1]))
        return Cut(self.events, self.refused, enveloped)

    def lines(self) -> Cut:
        """The body as one JSON value a line."""
        for offset, line in self._each_line():
            try:
                value = _checked(line)
            except _NotJson as fault:
                self._refuse(offset + fault.offset, "not_json", fault.detail)
            else:
                self._take(value, offset + len(line) - len(line.lstrip(_SPACE)))
        broken = next((entry for entry in self.refused if entry.reason == "not_json"), None)
        if broken is not None and len(self.events) == len(self.refused):
            raise _not_json(self.body, broken.offset, broken.detail)
        return Cut(self.events, self.refused, enveloped=False)

    def _looks_like_lines(self) -> bool:
        lines = [line for _, line in itertools.islice(self._each_line(), 2)]
        if len(lines) < 2:
            return False
        try:
            return _checked(lines[0])[:1] in {b"{", b"["}
        except _NotJson:
            return False

    def _each_line(self) -> Iterator[tuple[int, bytes]]:
        offset = 0
        for line in self.body.split(b"\n"):
            if line.strip(_SPACE):
                yield offset, line
            offset += len(line) + 1

    def _take(self, value: bytes, offset: int) -> bool:
        """Add the events of one JSON value that stands at `offset`; whether it was an envelope."""
        start = value[:1]
        if start == b"[":
            self._take_array(value, offset)
        elif start != b"{":
            self._refuse(offset, "not_an_object", "an event must be a JSON object")
        else:
            inner = self._inside(value) if self.envelopes else b""
            if inner:
                self._take_array(inner, offset + value.find(inner))
                return True
            self._add(_one_line(value))
        return False

    def _inside(self, value: bytes) -> bytes:
        """The array that an envelope wraps; empty where the object is an event."""
        for key, beside in self.envelopes.items():
            if _quoted(key) in value:
                members = _object.decode(value)
                inner = bytes(members.pop(key, b""))
                if inner[:1] == b"[" and beside.issuperset(members):
                    return inner
        return b""

    def _take_array(self, value: bytes, offset: int) -> None:
        elements = list(map(bytes, _array.decode(value)))
        if len(self.events) + len(elements) > self.event_limit:
            raise _too_many(f"the body holds more than {self.event_limit} events")
        if all(element[:1] == b"{" for element in elements):
            broken = b"\n" in value or b"\r" in value
            self.events += map(_one_line, elements) if broken else elements
            return
        at = 1
        for element in elements:
            at = _BETWEEN.match(value, at).end()  # type: ignore[union-attr]  # it matches everywhere
            if element[:1] == b"{":
                self._add(_one_line(element))
            else:
                self._refuse(offset + at, "not_an_object", "an event must be a JSON object")
            at += len(element)

    def _refuse(self, offset: int, reason: str, detail: str) -> None:
        self.refused.append(Refused(len(self.events), offset, reason, detail))
        self._add(b"")

    def _add(self, event: bytes) -> None:
        if len(self.events) >= self.event_limit:
            raise _too_many(f"the body holds more than {self.event_limit} events")
        self.events.append(event)


def _too_many(detail: str) -> Problem:
    return Problem(413, "too_many_events", f"{detail}; nothing of it was taken", "post fewer events at once")


def _quoted(key: str) -> bytes:
    return b'"%b"' % key.encode()


def _one_line(event: bytes) -> bytes:
    """The event without line breaks; in valid JSON they only ever stand between values."""
    return msgspec.json.format(event, indent=-1) if b"\n" in event or b"\r" in event else event


def _checked(data: bytes) -> bytes:
    """The one JSON value of these bytes, without the space around it. Raises _NotJson."""
    try:
        _any.decode(data)
        value = data.strip(_SPACE)
        if not value.isascii():
            value.decode()
    except msgspec.DecodeError as error:
        raise _fault(str(error), data) from None
    except UnicodeDecodeError as error:
        raise _NotJson(len(data) - len(data.lstrip(_SPACE)) + error.start, "not UTF-8") from None
    except RecursionError:
        raise _NotJson(0, "nested too deeply") from None
    return value


def _fault(message: str, data: bytes) -> _NotJson:
    """What msgspec says, as a place: it counts bytes from 0, but those behind a value from 1."""
    found = _FAULT.fullmatch(message)
    if found is None or found[2] is None:
        return _NotJson(len(data.rstrip(_SPACE)), "not JSON: it ends too early")
    return _NotJson(int(found[2]) - ("trailing characters" in message), f"not JSON: {found[1]}")


def _not_json(body: bytes, offset: int, detail: str) -> Problem:
    line = line_of(body, offset)
    column = offset - body.rfind(b"\n", 0, offset)
    place: dict[str, Any] = {"line": line, "column": column, "offset": offset}
    where = f"line {line}, column {column} (byte {offset})"
    return Problem(400, "not_json", f"{detail}, at {where}; nothing of the body was taken", extras=place)
