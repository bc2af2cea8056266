"""What a value must look like to be taken for a slot of the record: one function per kind of slot.

Each takes any decoded JSON value and gives the value for the record, or None: then it stays in the event (and so in
`metadata`), and the profile's next path is tried. Nothing here raises.
"""

import math
import socket
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from whodid_agent.normalise.remembered import Remembered
from whodid_schema import taxonomy, timestamp

Accept = Callable[[Any], Any]

_PLACEHOLDERS = frozenset({"", "-", "null", "none", "n/a", "unknown", "undefined"})
_PLAIN = frozenset("abcdefghijklmopqrstvwxyzABCDEFGHIJKLMOPQRSTVWXYZ0123456789")
PLACEHOLDER = 11
"""Characters that a placeholder has at most, white space around it included."""


def text(value: Any) -> str | None:
    """Text that is not empty, or a number as text: 783 and "783" are one."""
    kind = type(value)
    if kind is str:
        return value or None
    if kind is int or (kind is float and math.isfinite(value)):
        return str(value)
    return None


def count(value: Any) -> int | None:
    """A whole number from 0, also as text; at most what 64 bits hold."""
    if type(value) is str and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return value if type(value) is int and 0 <= value < 1 << 63 else None


def address(value: Any) -> str | None:
    """An IPv4 or IPv6 address in its usual spelling, port, brackets, zone and IPv4-mapping taken off."""
    if type(value) is list:
        return address(value[0]) if value else None
    if type(value) is not str or not 2 <= len(value) <= 64:
        return None
    try:
        socket.inet_pton(socket.AF_INET, value)
    except (OSError, ValueError):
        found: str | None = _others[value]
        return found
    return value


def _unusual(value: str) -> str | None:
    host = value.strip().split(",", 1)[0]
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    host = host.partition("%")[0]
    try:
        if ":" not in host:
            socket.inet_pton(socket.AF_INET, host)
            return host
        packed = socket.inet_pton(socket.AF_INET6, host)
    except (OSError, ValueError):
        return None
    if packed[:12] == b"\0" * 10 + b"\xff\xff":
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed)


_others = Remembered(_unusual)


_OUTCOME_WORDS = {
    "success": "success ok okay succeeded successful passed pass allow allowed granted accepted true completed "
    "complete",
    "failure": "failure fail failed failing error errored denied deny rejected reject refused blocked unauthorized "
    "forbidden invalid false timeout",
    "warning": "warning warn partial partially_succeeded challenge throttled",
    "unknown": "unknown",
}
_OUTCOMES: Mapping[str, str] = MappingProxyType(
    {word: outcome for outcome, words in _OUTCOME_WORDS.items() for word in words.split()}
)


def outcome(value: Any) -> str | None:
    """One of success, warning, failure and unknown: from the usual words, true/false, or an HTTP status."""
    kind = type(value)
    if kind is str:
        return _OUTCOMES.get(value) or _OUTCOMES.get(value.strip().casefold()) or _status(count(value))
    if kind is bool:
        return "success" if value else "failure"
    return _status(value) if kind is int else None


def _status(code: int | None) -> str | None:
    if code is None or not 100 <= code <= 599:
        return None
    return "failure" if code >= 400 else "success"


def layer(value: Any) -> str | None:
    """One of workspace and platform."""
    return _closed(value, taxonomy.LAYERS)


def surface(value: Any) -> str | None:
    """A surface; never `audit`, which is whodid's own."""
    found = _closed(value, taxonomy.SURFACES)
    return None if found == "audit" else found


def kind(value: Any) -> str | None:
    """One of auth, write and read."""
    return _closed(value, taxonomy.KINDS)


def _closed(value: Any, allowed: tuple[str, ...]) -> str | None:
    if type(value) is not str:
        return None
    folded = value.strip().casefold().replace(" ", "_").replace("-", "_")
    return folded if folded in allowed else None


PRECISIONS = ("us", "ms", "s", "minute", "day")


def precision(value: Any) -> str | None:
    """A precision that a time of the event can have."""
    return value if type(value) is str and value in PRECISIONS else None


def name(value: Any) -> str | None:
    """Text that names somebody or something: not a placeholder like "-" or "null"."""
    found = value if type(value) is str else text(value)
    if not found or found[0] in _PLAIN or len(found) > PLACEHOLDER:  # no placeholder begins so
        return found or None
    return None if found.strip().casefold() in _PLACEHOLDERS else found


def looks_like_email(value: str) -> bool:
    """Whether this text can be an e-mail address: one @ with something around it and a dot behind, no spaces."""
    local, at, domain = value.partition("@")
    return bool(local and at and "." in domain and "@" not in domain) and not any(map(str.isspace, value))


def whole(value: Any) -> Any:
    """An object or an array that is not empty."""
    return value if isinstance(value, dict | list) and value else None


def targets(value: Any) -> Any:
    """What the slot `targets` takes: as whole; `each` makes it of other objects."""
    return whole(value)


def changes(value: Any) -> Any:
    """What the slot `changes` takes: as whole; `each` makes it of other objects."""
    return whole(value)


def telling(value: Any) -> str | None:
    """What a profile itself says: text that is not empty."""
    return value if type(value) is str and value.strip() else None


def flag(value: Any) -> bool | None:
    """True; anything else says nothing."""
    return True if value is True else None


def anything(value: Any) -> Any:
    """Whatever is there."""
    return value


KINDS: Mapping[str, Accept] = MappingProxyType(
    {"moment": timestamp.parse}
    | {
        function.__name__: function
        for function in (
            text,
            count,
            address,
            outcome,
            layer,
            surface,
            kind,
            precision,
            name,
            whole,
            targets,
            changes,
            telling,
            flag,
            anything,
        )
    }
)
