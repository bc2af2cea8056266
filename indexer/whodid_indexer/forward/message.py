r"""A record as a syslog message (RFC 5424): header, structured data, and the record as JSON, CEF, ECS or OCSF.

    <PRI>1 TIMESTAMP HOSTNAME APP-NAME - MSGID [whodid@32473 id="…"] MSG

PRI is the facility with a severity by outcome; TIMESTAMP when it happened; HOSTNAME where, as the agent there calls it;
MSGID the action. JSON is written in ASCII, everything else as \uXXXX; CEF that is not ASCII begins with the byte order
mark that the RFC asks of UTF-8. A message that would be too long is sent without details, and `left_out` names them.
"""

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from whodid_indexer.forward.forms import CONVERTED
from whodid_indexer.forward.settings import ConsumerSettings
from whodid_schema.record import Actor, Client, Record, Target, decode, encode

_SEVERITY: Mapping[str, int] = MappingProxyType({"failure": 4, "warning": 5})
"""warning and notice; 6, informational, is everything else."""

_BOM = b"\xef\xbb\xbf"
_NIL = "-"
_time = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z").fullmatch
_unprintable = re.compile(r"[^!-~]")
_unprintable_text = re.compile("[^ -~]+")
_unit = re.compile("(....)")
_CACHED = 32
"""Characters of a run that is worth remembering."""

_QUOTED = str.maketrans('"\\]', "___")
_MANDATORY = 60
"""Bytes of the parameter that names what was left out, and of the end of the header."""


class _Where(Struct):
    host: str | None = None


class _Envelope(Struct, rename={"timestamp": "@timestamp"}):
    """What of a record the header is made of; nothing else of it is decoded."""

    id: str | None = None
    timestamp: str | None = None
    action: str | None = None
    outcome: str | None = None
    ingest: _Where | None = None


_envelope = msgspec.json.Decoder(_Envelope)


class _Text:
    """The text of a message: the record in its form, in ASCII or marked as UTF-8."""

    def __init__(self, form: str) -> None:
        self._convert = CONVERTED.get(form, encode)
        self._marked = form == "cef"

    def of(self, record: Record, room: int) -> bytes:
        """Of a record; one longer than `room` is not sent, and so left as it is."""
        return self.sendable(self._convert(record), room)

    def sendable(self, text: bytes, room: int) -> bytes:
        """The same text as it may be sent."""
        if len(text) > room or (text.isascii() and text.decode().isprintable()):
            return text
        return _BOM + text if self._marked else _unprintable_text.sub(_escaped, text.decode(errors="replace")).encode()


def messages(settings: ConsumerSettings, shortened: Callable[[], None]) -> Callable[[bytes], bytes]:
    """What makes the message of a stored record; `shortened` is called for each that left something out."""
    limit, text, as_stored = settings.message_bytes, _Text(settings.form), settings.form == "json"
    header = _header(settings)

    def message(body: bytes) -> bytes:
        envelope = _envelope.decode(body) if as_stored else decode(body)
        head = header(envelope)
        room = limit - len(head) - _MANDATORY
        if isinstance(envelope, Record):
            sent, left_out = text.of(envelope, room), ""
        else:
            sent, left_out = text.sendable(body, room), ""
        if len(sent) > room:
            sent, left_out = next(_shorter(decode(body), text, room))
            shortened()
        return f"{head}{left_out}] ".encode() + sent

    return message


def _header(settings: ConsumerSettings) -> Callable[[_Envelope | Record], str]:
    """Makes the header of a record, up to the end of its structured data."""
    here, facility = _token(socket.gethostname(), 255), settings.facility * 8
    structure, app = settings.structured_data, settings.app_name
    priorities = {outcome: facility + severity for outcome, severity in _SEVERITY.items()}

    def header(record: _Envelope | Record) -> str:
        time = record.timestamp if record.timestamp and _time(record.timestamp) else _NIL
        host = _token(record.ingest.host, 255) if record.ingest and record.ingest.host else here
        return (
            f"<{priorities.get(record.outcome or '', facility + 6)}>1 {time} {host} {app} - "
            f'{_token(record.action, 32)} [{structure} id="{_value(record.id)}"'
        )

    return header


def _token(text: str | None, longest: int) -> str:
    return _tokened((text or _NIL)[:longest])


@lru_cache(maxsize=4096)
def _tokened(text: str) -> str:
    return _unprintable.sub("_", text)


def _value(text: str | None) -> str:
    """A parameter's value: ids are letters and digits, whatever else stands there is made harmless."""
    text = (text or "")[:64]
    if text.isascii() and text.isalnum():
        return text
    return _unprintable.sub("_", text).translate(_QUOTED)


def _escaped(match: re.Match[str]) -> str:
    text = match.group()
    return _units(text) if len(text) <= _CACHED else _units.__wrapped__(text)


@lru_cache(maxsize=4096)
def _units(text: str) -> str:
    """As JSON writes it in ASCII. Tabs and line ends stand between values alone: in strings JSON has them escaped."""
    if text.isspace() and text.isascii():
        return " "
    return _unit.sub(r"\\u\1", text.encode("utf-16-be").hex())


def _shorter(record: Record, text: _Text, room: int) -> Iterator[tuple[bytes, str]]:
    """The text without details, and the parameter that names them; the first that fits."""
    for names, lighter in _steps(record):
        sent = text.of(lighter, room)
        if len(sent) <= room:
            yield sent, f' left_out="{names}"'
    bare = Record(timestamp=record.timestamp, id=record.id, action=_cut(record.action, 40), outcome=record.outcome)
    yield text.of(bare, room), ' left_out="all"'


def _steps(record: Record) -> Iterator[tuple[str, Record]]:
    light = replace(record, raw=None)
    yield "raw", light
    light = replace(light, snapshot=None, metadata=None, meta=None, related=None)
    yield "raw snapshot metadata", light
    light = replace(light, changes=None, targets=None, target_refs=None, target_types=None)
    yield "raw snapshot metadata changes targets", light
    actor, target, client = record.actor or Actor(), record.target or Target(), record.client or Client()
    yield (
        "details",
        Record(
            timestamp=record.timestamp,
            id=record.id,
            app=_cut(record.app, 60),
            surface=record.surface,
            kind=record.kind,
            action=_cut(record.action, 80),
            verb=_cut(record.verb, 40),
            description=_cut(record.description, 160),
            outcome=record.outcome,
            actor=Actor(type=_cut(actor.type, 40), id=_cut(actor.id, 80), name=_cut(actor.name, 80)),
            target=Target(type=_cut(target.type, 40), id=_cut(target.id, 80), name=_cut(target.name, 80)),
            client=Client(ip=client.ip),
        ),
    )


def _cut(text: str | None, longest: int) -> str | None:
    return text if text is None or len(text) <= longest else f"{text[: longest - 1]}…"
