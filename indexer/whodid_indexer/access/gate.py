"""From a request's headers to who asks: a token, a browser's session, a person that a trusted proxy has signed on.

As long as there never was a token, and no proxy signs people on, everybody who reaches the server is let in as `OPEN`
(`whodid serve` listens on loopback only then). What is shown and is not right is refused, whatever stands beside it.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from whodid_indexer.access.attempts import Attempts
from whodid_indexer.access.caller import OPEN, Caller, Way
from whodid_indexer.access.proxy import NO_PROXY, Proxy
from whodid_indexer.access.sessions import Sessions
from whodid_indexer.access.token import LONGEST_SECRET, Token, digest
from whodid_indexer.access.tokens import Tokens
from whodid_schema.errors import NotAllowed


class NotSignedIn(NotAllowed):
    """Nobody is signed in: no token, or one that is unknown, expired or revoked; the answer is the same for all."""

    code = "not_signed_in"


class _NoTokens:
    """Of a server that never had any."""

    def any(self) -> bool:
        """See Tokens."""
        return False

    def find(self, digest: bytes) -> Token | None:  # noqa: ARG002  see Tokens
        """See Tokens."""
        return None

    def get(self, identifier: str) -> Token | None:  # noqa: ARG002  see Tokens
        """See Tokens."""
        return None

    def fresh(self) -> bool:
        """See Tokens."""
        return True

    def refresh(self) -> None:
        """See Tokens."""

    def close(self) -> None:
        """See Tokens."""


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


class Gate:
    """Lets people in. `secure`: browsers reach the server by TLS alone, so cookies are sent by nothing else."""

    def __init__(
        self,
        tokens: Tokens | None = None,
        proxy: Proxy = NO_PROXY,
        *,
        secure: bool = False,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._tokens = tokens or _NoTokens()
        self._clock = clock
        self.proxy = proxy
        self.secure = secure
        self.sessions = Sessions(clock)
        self.attempts = Attempts()

    @property
    def cookie(self) -> str:
        """The cookie's name; with the prefix, browsers take it only by TLS, from this host, for all of it."""
        return "__Host-whodid" if self.secure else "whodid"

    @property
    def open(self) -> bool:
        """Whether everybody who reaches the server may do everything."""
        return not self._tokens.any() and not self.proxy.signs_on

    @property
    def fresh(self) -> bool:
        """Whether somebody can be let in without waiting for anything; where not, `refresh` first, on a thread."""
        return self._tokens.fresh()

    def refresh(self) -> None:
        """Look at the tokens there are. Raises StoreUnreachable and StateError where nobody can tell."""
        self._tokens.refresh()

    def close(self) -> None:
        """Nobody comes any more; before the store's writer, which as the last one merges the log into the file."""
        self._tokens.close()

    def caller(self, headers: Headers, peer: str) -> Caller:
        """Who sends a request with these headers from the address `peer`. Raises NotSignedIn, and NotAllowed."""
        if self.open:
            if "x-forwarded-for" in headers or "forwarded" in headers:
                raise NotAllowed(
                    "a proxy lets others in here, and there are no tokens: this serves the machine it runs on alone",
                    "make a token first: whodid token create --role platform",
                )
            return OPEN
        given = headers.getlist("authorization")
        if given:
            return _of_token(self.token_of(_bearer(given)), "token")
        signed_on = self.proxy.person(headers, peer)
        if signed_on is not None:
            return signed_on
        token = self._of_session(headers)
        if token is None:
            raise not_signed_in()
        return _of_token(token, "session")

    def token_of(self, secret: str) -> Token:
        """The token that is valid now and has this secret. Raises NotSignedIn, alike for whatever is wrong with it."""
        hashed = digest(secret[:LONGEST_SECRET]) if len(secret) <= LONGEST_SECRET else b""
        found = self._tokens.find(hashed)
        if found is None or found.state(self._clock()) != "valid":
            raise not_signed_in()
        return found

    def sign_in(self, secret: str) -> tuple[Caller, str]:
        """Begin a browser's session: who that is, and the value of its cookie. Raises NotSignedIn."""
        token = self.token_of(secret)
        return _of_token(token, "session"), self.sessions.begin(token.id)

    def session_value(self, headers: Headers) -> str:
        """What the browser has as its session's cookie; empty for none."""
        for line in headers.getlist("cookie"):
            value = cookie_parser(line).get(self.cookie)
            if value:
                return value
        return ""

    def _of_session(self, headers: Headers) -> Token | None:
        value = self.session_value(headers)
        session = self.sessions.find(value) if value else None
        if session is None:
            return None
        token = self._tokens.get(session.token)
        if token is None or token.state(self._clock()) != "valid":
            self.sessions.end(value)
            return None
        return token


def not_signed_in() -> NotSignedIn:
    """The one answer for nobody, and for whatever is wrong with a token."""
    return NotSignedIn(
        "this needs a token, and none that is valid was shown",
        "send Authorization: Bearer TOKEN; whodid token create makes one",
    )


def _bearer(given: list[str]) -> str:
    """The token of an Authorization header. Raises NotSignedIn for several headers, or another scheme."""
    scheme, _, secret = given[0].partition(" ")
    if len(given) != 1 or scheme.lower() != "bearer":
        raise not_signed_in()
    return secret.strip()


def _of_token(token: Token, way: Way) -> Caller:
    return Caller(way, token.grant.access, token.grant, token.id, token.name)
