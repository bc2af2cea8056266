"""Whoever sent the request that is being answered: the one place that every surface takes it from.

The middleware (`api.auth`) sets it before anything else runs; the readers of the server (`api.readers`) take it from
here and hold every question to it, so that no handler can forget to. Where nothing was set, asking is a fault.
"""

from contextvars import ContextVar
from typing import Literal

from msgspec import Struct
from starlette.requests import Request

from whodid_indexer.access.roles import NOTHING, Grant, Role
from whodid_indexer.query.access import EVERYTHING, Access

Way = Literal["open", "token", "session", "proxy", "nobody"]


class Caller(Struct, frozen=True):
    """Who asks, by which way, and how far they reach.

    `open`      a server without tokens: everybody on this machine may do everything; there is no grant
    `nobody`    an address that asks for no token, and none was shown
    """

    way: Way
    access: Access
    grant: Grant | None = None
    id: str = ""
    name: str = ""

    @property
    def role(self) -> Role | None:
        """The role; None where there are no tokens, or nobody is known."""
        return None if self.grant is None else self.grant.role


OPEN = Caller("open", EVERYTHING)
NOBODY = Caller("nobody", NOTHING)

_current: ContextVar[Caller] = ContextVar("caller")


def enter(caller: Caller) -> None:
    """From here on, in this request, it is this caller who asks."""
    _current.set(caller)


def current() -> Caller:
    """Who asks. Raises LookupError outside of a request: nothing is asked on nobody's behalf."""
    return _current.get()


def caller_of(_request: Request) -> Caller:
    """Who sent the request."""
    return current()


def access_of(_request: Request) -> Access:
    """How far who sent the request reaches."""
    return current().access
