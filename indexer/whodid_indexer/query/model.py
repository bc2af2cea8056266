"""The one value that flags, URL parameters, search text and saved views parse into: an `AuditQuery`.

A query is a time range and a conjunction of terms, texts and groups. A term names a field of the record's table and
the values it may have (any of them), or must not; a text asks for words anywhere in the record; a group is what is
nested: parentheses and OR.

What matches, in every store (tests/contract and tests/scenarios hold them to it):

    values    compared by their shadow (folding.shadow: case and composition go), session, request and id as they are;
              an empty string is no value; `*` stands for any run of characters, `field:*` for any value
    person    name, e-mail, id, key; id, name and e-mail of on_behalf_of; id and name of the token; of a value that is
              `=` and an identity: what `identity` says of it, and no name
    ref       id or name
    target    id, name or `type:id` of any of `targets`, of `target` where there are none
    type      any of `target_types`, else the type of `target`
    ip        inside the network; IPv4 is ::ffff:0:0/96 of IPv6; what is no address matches nothing
    meta.     the values behind `path=` in `meta`
    words     folding.tokens of the word, next to each other, in folding.tokens of folding.search_text(record);
              the last of them as a prefix where the word ends in `*`; a word without tokens asks for nothing, a text
              without any matches nothing
    negated   exactly the records that the same without `negated` does not match
    order     by time, then id; since ≤ time < until

Values of records are compared by their first 1,024 characters; in the fields that only exact tokens know (target,
changed, meta) a wildcard sees the first 512.
"""

from msgspec import Struct


class Term(Struct, frozen=True, tag=True):
    """`field` has any of `values`; `negated`: it has none of them (and a record without the field matches).

    Values are as typed: `*` is a wildcard where the field's match allows one, `field:*` asks for any value.
    """

    field: str
    values: tuple[str, ...]
    negated: bool = False


class Text(Struct, frozen=True, tag=True):
    """Words that must all stand in the record's text; `phrase`: next to each other, in this order.

    A word that ends in `*` is a prefix.
    """

    words: str
    phrase: bool = False
    negated: bool = False


class Group(Struct, frozen=True, tag=True):
    """What parentheses and OR say: all of its members hold, or any of them; `negated`: not so."""

    members: tuple["Term | Text | Group", ...]
    any: bool = False
    negated: bool = False


Member = Term | Text | Group
"""What a query, or a group of it, is made of."""


class AuditQuery(Struct, frozen=True):
    """What is asked: records with `since` ≤ @timestamp < `until` for which every term, text and group holds.

    `since` and `until` are microseconds since the epoch, None for open.
    """

    since: int | None = None
    until: int | None = None
    terms: tuple[Term, ...] = ()
    texts: tuple[Text, ...] = ()
    groups: tuple[Group, ...] = ()


ALL = AuditQuery()
"""Every record of all time."""
