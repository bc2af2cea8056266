"""The one value that flags, URL parameters, search text and saved views parse into: an `AuditQuery`.

A query is a time range and a conjunction of terms. A term names a field of the record's table and the values it may
have (any of them), or must not; a text term asks for words anywhere in the record.
"""

from msgspec import Struct


class Term(Struct, frozen=True):
    """`field` has any of `values`; `negated`: it has none of them (and a record without the field matches).

    Values are as typed: `*` is a wildcard where the field's match allows one, `field:*` asks for any value.
    """

    field: str
    values: tuple[str, ...]
    negated: bool = False


class Text(Struct, frozen=True):
    """Words that must all stand in the record's text; `phrase`: next to each other, in this order.

    A word that ends in `*` is a prefix.
    """

    words: str
    phrase: bool = False
    negated: bool = False


class AuditQuery(Struct, frozen=True):
    """What is asked: records with `since` ≤ @timestamp < `until` for which every term and every text holds.

    `since` and `until` are microseconds since the epoch, None for open.
    """

    since: int | None = None
    until: int | None = None
    terms: tuple[Term, ...] = ()
    texts: tuple[Text, ...] = ()


ALL = AuditQuery()
"""Every record of all time."""
