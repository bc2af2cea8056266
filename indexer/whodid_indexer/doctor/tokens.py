"""Tokens that have ended, or will soon: whoever shows one is then not let in."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from whodid_indexer.access.token import Token
from whodid_indexer.doctor.finding import Budget, Check, Finding, ok, warn

_SOON = timedelta(days=7)


class Tokens:
    """The check of a store's tokens; `kept` reads all there are, `now` is aware."""

    def __init__(self, kept: Callable[[], Sequence[Token]], now: datetime) -> None:
        self._kept = kept
        self._now = now

    def checks(self) -> list[tuple[str, Check]]:
        """In the order of their cost."""
        return [("tokens", self.tokens)]

    def tokens(self, _: Budget) -> Iterator[Finding]:
        """Whether each token that nobody has revoked opens something, and goes on to."""
        kept = [token for token in self._kept() if token.revoked is None]
        well = 0
        for token in kept:
            named = f"{token.id} ({token.grant.role}{', ' + token.name if token.name else ''})"
            if token.state(self._now) == "expired":
                mend = f"where it is still shown: whodid token create; whodid token revoke {token.id} ends this warning"
                yield warn(f"{named} has expired at {token.expires:%Y-%m-%dT%H:%M:%SZ}", mend)
            elif token.expires is not None and token.expires < self._now + _SOON:
                mend = "make another one before that, and let whoever shows it show that: whodid token create"
                yield warn(f"{named} expires at {token.expires:%Y-%m-%dT%H:%M:%SZ}", mend)
            else:
                well += 1
        if well == len(kept):
            yield ok(
                f"{well} tokens, all of them valid" if well else "there are no tokens: this machine alone is let in"
            )
