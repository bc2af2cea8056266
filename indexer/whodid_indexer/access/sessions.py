"""Sessions of browsers: who showed a token once is known by a random cookie, until one of four ends.

    signed out · an hour without a request · twelve hours in all · the token expires or is revoked

They live in the server's memory: a restart signs everybody out, and nothing that is on the disk can be used to get in.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct

IDLE = timedelta(hours=1)
LONGEST = timedelta(hours=12)

MOST = 10_000
"""Sessions kept; the one that was longest without a request goes first."""


class Session(Struct):
    """One browser's session: the id of the token it was begun with, when that was, and when it was last used."""

    token: str
    begun: datetime
    used: datetime


class Sessions:
    """All of them. `clock` gives the time (UTC)."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._open: OrderedDict[bytes, Session] = OrderedDict()

    def begin(self, token: str) -> str:
        """A session for the token of this id; the value for the cookie, never one that a browser brought along."""
        value, now = secrets.token_urlsafe(32), self._clock()
        self._open[_hashed(value)] = Session(token, now, now)
        while len(self._open) > MOST:
            self._open.popitem(last=False)
        return value

    def find(self, value: str) -> Session | None:
        """The session of a cookie, which is used by this; None where there is none any more."""
        key, now = _hashed(value), self._clock()
        session = self._open.get(key)
        if session is None:
            return None
        if now - session.used >= IDLE or now - session.begun >= LONGEST:
            del self._open[key]
            return None
        session.used = now
        self._open.move_to_end(key)
        return session

    def end(self, value: str) -> None:
        """End the session of a cookie, if there is one."""
        self._open.pop(_hashed(value), None)


def _hashed(value: str) -> bytes:
    """Sessions are looked up by a hash, so that how long a search takes says nothing about the value."""
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).digest()
