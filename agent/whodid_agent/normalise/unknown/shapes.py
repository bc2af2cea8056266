"""What a value looks like: which texts can be an action, a person, a client's address, a moment of an unknown event.

Stricter than `values` where a name alone proves little, wider where logs write a value in more ways. Each takes any
decoded JSON value and gives the slot's value, or None. Nothing here raises.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from whodid_agent.normalise import values
from whodid_schema import timestamp
from whodid_schema.timestamp import Instant

Accept = Callable[[Any], Any]

_LONGEST_ACTION = 160
_KIND = re.compile(r"[A-Za-z]{2,}(?:[_-][A-Za-z]+){0,3}")
_SHORT = 64
"""What is read once and remembered: who acts, acts often."""
_NO_ACTIONS_WORDS = """event events audit log logs auditlog audit_log auditevent audit_event
    activity
    activities record entry info
    debug notice warn warning error critical success failure succeeded failed ok true false user admin default general
    json security application system api web ui http https get head options data message access management none object
    syslog user_event admin_event resource client rest ip local"""
_NO_ACTIONS = frozenset(_NO_ACTIONS_WORDS.split())
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_LONGEST_NAME = 120
_LONGEST_EMAIL = 320
_DOT_NET = re.compile(r"/Date\((-?\d{9,15})(?:[+-]\d{4})?\)/")
_COMMON_LOG = re.compile(r"\[?(\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\]?")
_AUDITD = re.compile(r"(?:msg=)?audit\((\d{9,10}\.\d{1,6}):\d+\)")
_WORDED = re.compile(r"[A-Z][a-z]{2},? ")
_TIME_TEXT = re.compile(r"\d{4}-?\d{2}-?\d{2}[T ]\d{2}")
_LONGEST_MOMENT = 64
_NOT_PUBLIC = {str(first): range(256) for first in (0, 10, 127, *range(224, 256))} | {
    "100": range(64, 128),
    "169": range(254, 255),
    "172": range(16, 32),
    "192": range(168, 169),
}
"""First part of an IPv4 address → the second parts with which it is met in own networks alone."""
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")
_CLOCK = re.compile(r"(\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?) ?(Z|UTC|[+-]\d{2}:?\d{2})?")
_FIRST, _LAST = 946_684_800, 4_102_444_800
"""2000 and 2100: a number between these, in some unit, can be a time."""


def action(value: Any) -> str | None:
    """Text that can name an action: short, no id, number, time, address or person, and no word for any event."""
    return _action(value) if type(value) is str and 2 <= len(value) <= _LONGEST_ACTION else None


@lru_cache(maxsize=2048)
def _action(value: str) -> str | None:
    if value.casefold() in _NO_ACTIONS or not any(map(str.isalpha, value[:32])):
        return None
    if _UUID.fullmatch(value) or "://" in value or _TIME_TEXT.match(value) or is_email(value):
        return None
    return None if ":" in value and values.address(value) else value


def any_action(value: Any) -> str | None:
    """Any short text or number."""
    found = values.text(value) if not isinstance(value, bool) else None
    return found if found is not None and found.strip() and len(found) <= 2 * _LONGEST_ACTION else None


def person(value: Any) -> tuple[str | None, str | None, str | None] | None:
    """(id, name, e-mail) of a plain value that stands for somebody: exactly one of them, or name and e-mail."""
    found = values.name(value)
    if found is None or len(found) > 512:
        return None
    if type(value) is not str:
        return found, None, None
    return _short_person(found) if len(found) <= _SHORT else _person(found)


def _person(found: str) -> tuple[str | None, str | None, str | None]:
    named = _named_address(found) if found[-1:] in "> " else None
    if named is not None:
        return None, named[0] or None, named[1]
    if is_email(found):
        return None, None, found
    if is_id(found):
        return found, None, None
    return None, found, None


def _named_address(text: str) -> tuple[str, str] | None:
    """Name and e-mail address of `"Jane Doe" <jane@x.example>`; one pass, however many spaces stand in it."""
    text = text.rstrip()
    before, _, address = text[:-1].rpartition("<")
    if text[-1:] != ">" or not before or not 3 <= len(address) < 255 or ">" in address or not is_email(address):
        return None
    name = before.strip()
    if name in ("", '"'):
        return "", address
    name = name.removeprefix('"').removesuffix('"')
    if not 1 <= len(name) <= _LONGEST_NAME or any(mark in name for mark in '"<>'):
        return None
    return name.strip(), address


_short_person = lru_cache(maxsize=2048)(_person)


def is_email(text: str) -> bool:
    """As `values.looks_like_email`, in less time, and of no more than an address can have."""
    if "@" not in text or len(text) > _LONGEST_EMAIL:
        return False
    local, _, domain = text.partition("@")
    return bool(local) and "." in domain and "@" not in domain and text.split() == [text]


def is_id(text: str) -> bool:
    """Whether a text is an id rather than a name: digits, a UUID, an ARN, or long with digits and no space."""
    if text.isdigit() or text.startswith(("arn:", "urn:", "gid://", "spiffe://")) or _UUID.fullmatch(text):
        return True
    if " " in text or not text.isascii():
        return False
    head, mark, tail = text.rpartition("_")
    if mark and head.isalpha() and len(head) <= 8 and len(tail) >= 3 and any(map(str.isdigit, tail)):
        return True
    digits = sum(map(str.isdigit, text[:64]))
    return len(text) >= 16 and digits >= 3 and text.replace("-", "").replace("_", "").isalnum()


def kind(value: Any) -> str | None:
    """What reads like a sort of things: `invoice`, `ApiKey`, `user_role`; no name of several words, no id."""
    return value if type(value) is str and len(value) <= _SHORT and _KIND.fullmatch(value) else None


def client(value: Any) -> str | None:
    """An address; of a list (`X-Forwarded-For`) the first public one, else the first."""
    if type(value) is str and "," not in value:
        # Most texts that are none are told without asking the system.
        return values.address(value) if "." in value or ":" in value else None
    parts = value.split(",", 15) if type(value) is str else value if type(value) is list else ()
    found = [one for part in parts[:16] if (one := values.address(part)) is not None]
    return next((one for one in found if is_public(one)), found[0] if found else None)


def is_public(address: str) -> bool:
    """Whether a valid address can be met on the internet (those for documentation stand for such)."""
    if ":" in address:
        return not address.casefold().startswith(("::", "fc", "fd", "fe8", "fe9", "fea", "feb", "ff"))
    first, second = address.split(".", 2)[:2]
    own = _NOT_PUBLIC.get(first)
    return own is None or int(second) not in own


def moment(value: Any) -> Instant | None:
    """A plausible time, also as mail, web servers, .NET and auditd write it."""
    kind = type(value)
    if kind is int or kind is float:
        return _plausible(timestamp.parse(value)) if is_epoch(value) else None
    if kind is not str or not 8 <= len(value) <= _LONGEST_MOMENT:
        return None
    return _plausible(timestamp.parse(value) or _unusual(value))


def day(value: Any) -> str | None:
    """A date without a time of day."""
    found = _DAY.fullmatch(value) if type(value) is str else None
    return None if found is None else "-".join(found.groups())


def clock(value: Any) -> str | None:
    """A time of day without a date, with or without its zone."""
    found = _CLOCK.fullmatch(value) if type(value) is str else None
    return None if found is None else found[1] + ("Z" if found[2] == "UTC" else found[2] or "")


def joined(day: str, clock: str) -> Instant | None:
    """The moment that a date and a time of day are together."""
    return _plausible(timestamp.parse(f"{day}T{clock}"))


def is_epoch(value: float) -> bool:
    """Whether a number is a time between 2000 and 2100 in seconds, or in thousandths down to nanoseconds."""
    return _FIRST <= value <= _LAST * 1e9 and (
        value <= _LAST
        or _FIRST <= value / 1e3 <= _LAST
        or _FIRST <= value / 1e6 <= _LAST
        or _FIRST <= value / 1e9 <= _LAST
    )


def _plausible(found: Instant | None) -> Instant | None:
    return found if found is not None and found.text >= timestamp.FIRST_PLAUSIBLE else None


def _unusual(text: str) -> Instant | None:
    number = _DOT_NET.fullmatch(text)
    if number is not None:
        return timestamp.parse(int(number[1]))
    stamp = _AUDITD.match(text)
    if stamp is not None:
        return timestamp.parse(float(stamp[1]))
    try:
        return _worded(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _worded(text: str) -> Instant | None:
    """Times with the month's name. Raises ValueError and the like for what is none."""
    found = _COMMON_LOG.fullmatch(text)
    if found is not None:
        return _instant(datetime.strptime(found[1], "%d/%b/%Y:%H:%M:%S %z"), assumed=False)
    if not _WORDED.match(text):
        return None
    if text[3] == ",":
        read = parsedate_to_datetime(text)
        return _instant(read, assumed=read.tzinfo is None)
    return _instant(datetime.strptime(text, "%a %b %d %H:%M:%S %Y"), assumed=True)  # noqa: DTZ007  # said so


def _instant(moment: datetime, *, assumed: bool) -> Instant | None:
    zoned = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    found = timestamp.parse(zoned.strftime("%Y-%m-%dT%H:%M:%SZ"))
    return found if found is None else Instant(found.text, found.precision, assumed)


_CODES_OF_SUCCESS = frozenset({"0", "success", "ok", "none", "null", "no error", "noerror", "s_ok"})


def outcome(value: Any) -> str | None:
    """As `values.outcome`, and yes, no and 0."""
    if type(value) is int and value == 0:
        return "success"
    found = values.outcome(value)
    if found is not None or type(value) is not str:
        return found
    word = value.strip().casefold()
    if word in ("0", "yes", "y"):
        return "success"
    return "failure" if word in ("no", "n", "failed_login", "error") else None


def failure(value: Any) -> str | None:
    """What an error's code or text says of the outcome: 0 is success, anything else is not."""
    if value is None or value is False or value in ("", [], {}):
        return None
    if value is True:
        return "failure"
    text = values.text(value)
    if text is None:
        return "failure" if type(value) is dict else None
    return "success" if text.strip().casefold() in _CODES_OF_SUCCESS else "failure"


def words(value: Any) -> str | None:
    """Text; a list of texts by its first."""
    return values.text(value[0]) if type(value) is list and value else values.text(value)
