r"""A record as a syslog message (RFC 5424): header, structured data, and the record as JSON, CEF, ECS or OCSF.

    <PRI>1 TIMESTAMP HOSTNAME APP-NAME - MSGID [whodid@32473 id="…"] MSG

PRI is the facility with a severity by outcome; TIMESTAMP when it happened; HOSTNAME where, as the agent there calls it;
MSGID the action. JSON is written in ASCII, everything else as \uXXXX; CEF that is not ASCII begins with the byte order
mark that the RFC asks of UTF-8. A message that would be too long is sent without details, and `left_out` names them.
"""

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from whodid_indexer.forward.forms import FORMS
from whodid_indexer.forward.settings import ConsumerSettings
from whodid_schema.record import Actor, Client, Record, Target, decode, encode

_SEVERITY: Mapping[str, int] = MappingProxyType({"failure": 4, "warning": 5})
"""warning and notice; 6, informational, is everything else."""

_BOM = b"\xef\xbb\xbf"
_NIL = "-"
_time = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z").fullmatch
_unprintable = re.compile(r"[^!-~]")
_beyond = re.compile(r"[^\x00-\x7f]+")
_unit = re.compile("(....)")
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


def messages(settings: ConsumerSettings, shortened: Callable[[], None]) -> Callable[[bytes], bytes]:
    """What makes the message of a stored record; `shortened` is called for each that left something out."""
    form, limit, structure = FORMS[settings.form], settings.message_bytes, settings.structured_data
    marked = settings.form == "cef"
    app, here, facility = settings.app_name, _token(socket.gethostname(), 255), settings.facility * 8

    def text_of(body: bytes, room: int) -> bytes:
        text = form(body)
        if text.isascii() or len(text) > room:  # one that is too long already is not sent
            return text
        return _BOM + text if marked else _beyond.sub(_escaped, text.decode(errors="replace")).encode()

    def message(body: bytes) -> bytes:
        record = _envelope.decode(body)
        time = record.timestamp if record.timestamp and _time(record.timestamp) else _NIL
        host = _token(record.ingest.host, 255) if record.ingest and record.ingest.host else here
        head = (
            f"<{facility + _SEVERITY.get(record.outcome or '', 6)}>1 {time} {host} {app} - "
            f'{_token(record.action, 32)} [{structure} id="{_value(record.id)}"'
        )
        room = limit - len(head) - _MANDATORY
        text, left_out = text_of(body, room), ""
        if len(text) > room:
            text, left_out = next(_shorter(body, text_of, room))
            shortened()
        return f"{head}{left_out}] ".encode() + text

    return message


def _token(text: str | None, longest: int) -> str:
    return _unprintable.sub("_", (text or _NIL)[:longest])


def _value(text: str | None) -> str:
    """A parameter's value: ids are letters and digits, whatever else stands there is made harmless."""
    return _unprintable.sub("_", (text or "")[:64]).translate(str.maketrans('"\\]', "___"))


def _escaped(match: re.Match[str]) -> str:
    return _unit.sub(r"\\u\1", match.group().encode("utf-16-be").hex())


def _shorter(body: bytes, text_of: Callable[[bytes, int], bytes], room: int) -> Iterator[tuple[bytes, str]]:
    """The text without details, and the parameter that names them; the first that fits."""
    record = decode(body)
    for names, lighter in _steps(record):
        text = text_of(encode(lighter), room)
        if len(text) <= room:
            yield text, f' left_out="{names}"'
    bare = Record(timestamp=record.timestamp, id=record.id, action=_cut(record.action, 40), outcome=record.outcome)
    yield text_of(encode(bare), room), ' left_out="all"'


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
