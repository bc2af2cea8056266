"""What a token, a session or a person signed on by a proxy is good for.

ingest      puts records in, of its workspaces where it names some; reads nothing
self        what the person did, at most
admin       the named workspaces, and of the named apps what has no workspace; or the named projects
owner       as admin
auditor     reads and exports everything, or the named workspaces or projects
platform    reads everything and administers
"""

from typing import Literal, get_args

from msgspec import Struct

from whodid_indexer.query.access import EVERYTHING, Access
from whodid_indexer.query.check import LONGEST_VALUE, MOST_TERMS
from whodid_indexer.query.identity import parse_identities
from whodid_schema.errors import UsageError

Role = Literal["ingest", "self", "admin", "owner", "auditor", "platform"]

ROLES: tuple[Role, ...] = get_args(Role)

READERS: frozenset[Role] = frozenset({"self", "admin", "owner", "auditor", "platform"})
"""Roles that ask questions; what they find is another matter."""

WRITERS: frozenset[Role] = READERS - {"auditor"}
"""Roles that may keep something of their own on the server, such as a view."""

ANYBODY: frozenset[Role] = frozenset(ROLES)

NOTHING = Access("workspace")
"""Of whoever may not read: every question finds nothing."""

MOST = 1_000
"""Workspaces, projects, apps or identities of one grant."""


class Grant(Struct, frozen=True, omit_defaults=True):
    """A role, and what it is limited to: ids of workspaces and projects, names of apps, a person's identities."""

    role: Role
    workspaces: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()

    @property
    def access(self) -> Access:
        """How far it reaches."""
        me = parse_identities(self.identities)
        if self.role == "ingest":
            return NOTHING
        if self.role == "self":
            return Access("self", me)
        if self.projects:
            return Access("project", me, projects=self.projects)
        if self.workspaces or self.apps or self.role in ("admin", "owner"):
            return Access("workspace", me, self.workspaces, apps=self.apps)
        return Access("platform", me) if me.values else EVERYTHING


def checked(grant: Grant) -> Grant:
    """The grant. Raises UsageError where it is none that makes sense: too wide without a word, or limited in vain."""
    if grant.role not in ROLES:
        raise UsageError(f"there is no role {str(grant.role)[:40]!r}", ", ".join(ROLES))
    for what, values in (("workspaces", grant.workspaces), ("projects", grant.projects), ("apps", grant.apps)):
        if len(values) > MOST:
            raise UsageError(f"{len(values)} {what}, the most are {MOST}")
        for value in values:
            if not value or "*" in value or len(value) > LONGEST_VALUE or not value.isprintable():
                raise UsageError(f"{value[:60]!r} is not the id of one of the {what}", "name each as it is written")
    _limits_fit(grant)
    parse_identities(grant.identities)
    if len(grant.identities) > MOST_TERMS:
        raise UsageError(f"{len(grant.identities)} identities, the most are {MOST_TERMS}")
    return grant


def _limits_fit(grant: Grant) -> None:
    role, limited = grant.role, grant.workspaces or grant.projects or grant.apps
    if role == "self" and not grant.identities:
        raise UsageError(
            "the role self needs to know who that is", "--identity shop/user:783 or --identity email:ana@example.com"
        )
    if role in ("admin", "owner") and not (grant.workspaces or grant.projects):
        raise UsageError(f"the role {role} is of named workspaces or projects", "--workspace ID or --project ID")
    if role in ("self", "platform") and limited:
        raise UsageError(f"the role {role} is not limited to workspaces, projects or apps", "leave them out")
    if role != "ingest" and grant.projects and (grant.workspaces or grant.apps):
        raise UsageError("workspaces and projects together", "one token for the workspaces, another for the projects")
    if role == "auditor" and grant.apps and not grant.workspaces:
        raise UsageError("an app's records are of workspaces; --app adds those that are of none", "--workspace ID")
    if role == "ingest" and grant.identities:
        raise UsageError("the role ingest is no person", "leave --identity out")


def named(roles: frozenset[Role]) -> str:
    """The roles as people read them, the least first."""
    known = [role for role in ROLES if role in roles]
    return known[0] if len(known) == 1 else f"{', '.join(known[:-1])} or {known[-1]}"
