"""Who "me" is: the identities that `actor:me`, `--mine` and the role `self` stand for.

    shop/user:783          an actor's key: app/type:id, as it is written
    email:ana@example.com  the e-mail address, or the id, of the actor, or of whom somebody acted for; letter case is
                           no matter

A token that one owns is an actor with a key of its own (shop/api_token:t-9). A name is no identity: people choose what
they are called, and whoever is called like another's key or address is not them.

As a value of the field `actor` an identity stands behind a `=` (`actor:=email:ana@example.com`); a value without one
is anything that somebody is called.
"""

from collections.abc import Iterable
from string import ascii_lowercase, ascii_uppercase

from msgspec import Struct

from whodid_schema.errors import UsageError

EMAIL = "email:"
EXACTLY = "="
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
        return (*(EXACTLY + key for key in self.keys), *(f"{EXACTLY}{EMAIL}{email}" for email in self.emails))

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, for people."""
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


def split(values: Iterable[str]) -> tuple[Me, tuple[str, ...]]:
    """The identities among values of the field `actor`, and the others."""
    keys: list[str] = []
    emails: list[str] = []
    others: list[str] = []
    for value in values:
        try:
            found = parse_identities([value.removeprefix(EXACTLY)]) if value.startswith(EXACTLY) else NOBODY
        except UsageError:
            found = NOBODY  # what somebody is called may begin with a `=` too
        keys += found.keys
        emails += found.emails
        if found is NOBODY:
            others.append(value)
    return Me(tuple(keys), tuple(emails)), tuple(others)


_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def same_case(address: str) -> str:
    """The address as it is compared: its letters from A to Z are small ones, everything else as it is written.

    No more than that: a fold that knows more alphabets would take other people's addresses for this one.
    """
    return address.translate(_LOWER)
