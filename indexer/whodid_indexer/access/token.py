"""A token: a secret that whoever holds it shows, and what it is good for.

    whodid_<43 characters>      the secret, shown once: 256 bits from the system's generator, in URL-safe base64

Kept is its SHA-256 alone. Passwords need a slow, salted hash because people choose them; a secret of 256 random bits
cannot be guessed at any speed, so one pass is enough, and a request costs microseconds.
"""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct

from whodid_indexer.access.roles import Grant, checked
from whodid_schema.errors import UsageError

PREFIX = "whodid_"
"""In front of every secret, so that scanners for leaked secrets can tell one."""

LONGEST_SECRET = 200
"""Characters that are looked at; nobody's token is longer."""

_LONGEST_NAME = 100
_LONGEST_LIFE = 3_650

State = Literal["valid", "expired", "revoked"]


class Token(Struct, frozen=True, omit_defaults=True):
    """What is kept of a token beside its hash; `id` names it in lists and records, and is no secret. Times are UTC."""

    id: str
    grant: Grant
    created: datetime
    name: str = ""
    expires: datetime | None = None
    revoked: datetime | None = None

    def state(self, now: datetime) -> State:
        """Whether it opens anything at this moment."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and now >= self.expires else "valid"


def new(grant: Grant, name: str, now: datetime, life: timedelta | None) -> tuple[Token, str]:
    """A token and its secret, of which nothing else has a copy. Raises UsageError."""
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise UsageError(f"{name[:40]!r} is no name for a token", f"at most {_LONGEST_NAME} printable characters")
    moment = now.astimezone(UTC).replace(microsecond=0)
    token = Token(f"t{secrets.token_hex(5)}", checked(grant), moment, name, None if life is None else moment + life)
    return token, PREFIX + secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def parse_life(text: str) -> timedelta | None:
    """`90d`, `12h` as a span; None for `never`. Raises UsageError."""
    if text == "never":
        return None
    number, unit = text[:-1], {"d": 24, "h": 1}.get(text[-1:])
    if unit is None or not (number.isascii() and number.isdecimal() and len(number) < 6):
        raise UsageError(f"{text[:40]!r} is not how long a token lasts", "90d, 12h or never")
    life = timedelta(hours=int(number) * unit)
    if not timedelta(0) < life <= timedelta(days=_LONGEST_LIFE):
        raise UsageError(f"{text} is not how long a token lasts", f"from 1h to {_LONGEST_LIFE}d, or never")
    return life
