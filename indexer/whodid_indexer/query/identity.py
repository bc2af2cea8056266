"""Who "me" is: the identities that `actor:me`, `--mine` and the role `self` stand for.

    shop/user:783          an actor's key: app/type:id
    email:ana@example.com  an e-mail address: the actor's own, and that of whom somebody acted for

A token that one owns is an actor with a key of its own (shop/api_token:t-9).
"""

from collections.abc import Iterable

from msgspec import Struct

from whodid_schema.errors import UsageError

EMAIL = "email:"
ME = "me"

UNKNOWN = "who you are is not known here"
HOW = "say it with --identity shop/user:783 or --identity email:ana@example.com"


class Me(Struct, frozen=True):
    """One person's identities: keys of actors, and e-mail addresses."""

    keys: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[str, ...]:
        """All of them, as values of the field `actor`."""
        return (*self.keys, *self.emails)


NOBODY = Me()


def parse_identities(typed: Iterable[str]) -> Me:
    """The identities as people write them. Raises UsageError; a `*` in one would be everybody."""
    keys: dict[str, None] = {}
    emails: dict[str, None] = {}
    for identity in typed:
        email = identity.removeprefix(EMAIL)
        app, _, rest = identity.partition("/")
        known = "@" in email if email != identity else bool(app) and ":" in rest and not rest.startswith(":")
        if not known or "*" in identity or identity.endswith(":"):
            raise UsageError(
                f"{identity[:60]!r} is no identity", "write it like shop/user:783 or email:ana@example.com"
            )
        (emails if email != identity else keys)[email] = None
    return Me(tuple(keys), tuple(emails))
