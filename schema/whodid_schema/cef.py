r"""A record as a line of the Common Event Format, version 0 (ArcSight's "Implementing CEF", revision 25).

    CEF:0|whodid|APP|VERSION|ACTION|DESCRIPTION|SEVERITY|key=value key=value …

Escaped as the format says: `\` and `|` in the header; `\` and `=` in the extension, where a line feed is `\n`. All else
that steers (carriage returns, escapes, bidi marks; a line feed in the header) is written out as `visible` writes it, so
a line is one line whatever the event says. Values are cut at the lengths that the format gives its keys.
"""

import re
from collections.abc import Iterator

from whodid_schema import __version__
from whodid_schema.record import Actor, Client, Record, Target
from whodid_schema.timestamp import to_micros
from whodid_schema.visible import visible

VERSION = 0
_LONGEST_HEADER = 512
_SEVERITY = {"failure": 5, "warning": 4}
_plain = re.compile(r"[ -<>-\[\]-{}~]*").fullmatch
"""Neither `\\`, `=` nor `|`, and nothing that steers: what nearly every value is."""

_HEADER = str.maketrans({"\\": "\\\\", "|": "\\|"})
_EXTENSION = str.maketrans({"\\": "\\\\", "=": "\\=", "\n": "\\n"})


def to_cef(record: Record) -> str:
    """The line, without a line feed at its end. Severity 5 for failures, 4 for warnings, else 3."""
    action = record.action or record.verb or "other"
    header = "|".join(
        (
            f"CEF:{VERSION}|whodid",
            _head(record.app or "whodid"),
            __version__,
            _head(action),
            _head(record.description or action),
            str(_SEVERITY.get(record.outcome or "", 3)),
        )
    )
    pairs = " ".join([f"{key}={_extension(value[:longest])}" for key, value, longest in _values(record) if value])
    return f"{header}|{pairs}"


def _head(text: str) -> str:
    return text if len(text) <= _LONGEST_HEADER and _plain(text) else visible(text[:_LONGEST_HEADER]).translate(_HEADER)


def _extension(text: str) -> str:
    return text if _plain(text) else visible(text, newlines=True).translate(_EXTENSION)


def _values(record: Record) -> Iterator[tuple[str, str | None, int]]:
    """Key, value and the most characters that the format allows it."""
    actor, client = record.actor or Actor(), record.client or Client()
    person, target = actor.on_behalf_of, record.target or Target()
    yield "rt", str(to_micros(record.timestamp) // 1000) if record.timestamp else None, 20
    yield "externalId", record.id, 40
    yield "cat", record.surface, 1023
    yield "act", record.verb, 63
    yield "outcome", record.outcome, 63
    yield "reason", record.reason, 1023
    yield from _source(client.ip)
    yield "requestClientApplication", client.user_agent, 1023
    yield "suid", actor.id, 1023
    yield "suser", actor.name or actor.email, 1023
    yield "spriv", actor.role, 1023
    yield "duid", person.id if person else None, 1023
    yield "duser", (person.name or person.email) if person else None, 1023
    yield "requestContext", record.request_id, 2048
    yield "dvchost", record.ingest.host if record.ingest else None, 100
    yield "msg", record.description, 1023
    custom = (
        ("targetType", target.type),
        ("targetId", target.id),
        ("targetName", target.name),
        ("workspace", (record.workspace.name or record.workspace.id) if record.workspace else None),
        ("session", record.session_id),
        ("changed", ", ".join(record.changed) if record.changed else None),
    )
    for number, (label, value) in enumerate(custom, 1):
        yield f"cs{number}", value, 4000
        yield f"cs{number}Label", label if value else None, 1023


def _source(ip: str | None) -> Iterator[tuple[str, str | None, int]]:
    """`src` holds an IPv4 address; an IPv6 one has the custom key that the format sets aside for it."""
    if ip and ":" in ip:
        yield "c6a2", ip, 45
        yield "c6a2Label", "Source IPv6 Address", 1023
    else:
        yield "src", ip, 45
