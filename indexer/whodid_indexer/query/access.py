"""Who may see what: one function that every surface puts below a question, and that no question can undo.

    self         what the person's own identities did, were the token of, or had done on their behalf
    workspace    records of the named workspaces; of the named apps also those without a workspace
    project      records of the named projects
    platform     everything

What is allowed becomes groups of the query, beside whatever else it asks: all groups must hold, and a facet's own axis
counts under groups too. Where nothing is allowed, nothing is found.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from whodid_indexer.query.check import MOST_VALUES
from whodid_indexer.query.identity import Me
from whodid_indexer.query.model import AuditQuery, Group, Member, Term
from whodid_schema.errors import UsageError

Reach = Literal["self", "workspace", "project", "platform"]

NOTHING = Group((Term("id", ("*",), negated=True),))
"""Every record has an id: this finds none."""


class Access(Struct, frozen=True):
    """How far somebody reaches. `me` is who that is; workspaces and projects are ids, apps names.

    Ids are compared as they are written: nobody reaches a workspace by naming his own like its id.
    """

    reach: Reach
    me: Me = Me()
    workspaces: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for value in (*self.me.values, *self.workspaces, *self.projects, *self.apps):
            if not value or "*" in value:
                raise UsageError(f"access to {value[:60]!r} is no access to one thing", "name each; * is a wildcard")


EVERYTHING = Access("platform")


def restrict(query: AuditQuery, access: Access) -> AuditQuery:
    """The query for what of its answer the access allows; one that is held to it already stays as it is."""
    if access.reach == "platform":
        return query
    allowed = tuple(_allowed(access))
    limit = Group(allowed, any=True) if allowed else NOTHING
    return query if limit in query.groups else replace(query, groups=(*query.groups, limit))


def _allowed(access: Access) -> Iterator[Member]:
    """The alternatives of which a record must be one."""
    if access.reach == "self":
        yield from _terms("actor", access.me.values)
    elif access.reach == "project":
        yield from _terms("project.id", access.projects)
    else:
        yield from _terms("workspace.id", access.workspaces)
        for apps in _terms("app", access.apps):
            yield Group((apps, Term("workspace", ("*",), negated=True)))


def _terms(field: str, values: Sequence[str]) -> Iterator[Term]:
    """A term for as many values as one may have."""
    for start in range(0, len(values), MOST_VALUES):
        yield Term(field, tuple(values[start : start + MOST_VALUES]))
