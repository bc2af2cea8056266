"""The one table that query names, flags, URL parameters, CSV columns and the field reference come from.

A field's query name is its flag (`--actor`, `--not-actor`), its URL parameter and its CSV column. How a field is
matched is its `match`:

    closed    one of `values`; anything else is refused with the allowed ones
    text      the whole value, case-folded; `*` is a wildcard
    person    any name, e-mail, id or key of the actor, of whom it acted for, and of its token
    ref       the id or the name, case-folded; `*` is a wildcard
    target    id, name or `type:id` of any of the record's targets
    ip        an address, or a network in CIDR form
    paths     any of a list of dotted paths, with `*`
    exact     the value as it is, no wildcard (ids)
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

from whodid_schema import taxonomy

Match = Literal["closed", "text", "person", "ref", "target", "ip", "paths", "exact"]


class Field(Struct, frozen=True):
    """One thing that can be asked for. `path` is its place in the record's JSON, `help` one line for people."""

    name: str
    path: str
    match: Match
    help: str
    values: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """The command-line flag, without `--`: `actor.type` is `actor-type`."""
        return self.name.replace(".", "-")


_TABLE = (
    Field("id", "id", "exact", "the record's own id"),
    Field("app", "app", "text", "the application that wrote the event"),
    Field(
        "surface", "surface", "closed", "activity, authentication, delivery, api_request or audit", taxonomy.SURFACES
    ),
    Field("kind", "kind", "closed", "auth, write or read", taxonomy.KINDS),
    Field("category", "category", "text", "the product area, as a slug (auth, inbox, webhooks …)"),
    Field("action", "action", "text", "the action as the application wrote it"),
    Field("verb", "verb", "closed", "the canonical verb", taxonomy.VERBS),
    Field("outcome", "outcome", "closed", "success, warning, failure or unknown", taxonomy.OUTCOMES),
    Field("reason", "reason", "text", "why it ended so"),
    Field("actor", "actor", "person", "who: any name, e-mail, id or key; also of whom it acted for, and of its token"),
    Field("actor.key", "actor.key", "exact", "one actor alone, by its key (shop/user:783): what a facet's value adds"),
    Field("actor.type", "actor.type", "text", "what the actor is: user, admin, api_token, system, service or another"),
    Field("email", "actor.email", "text", "the actor's e-mail address"),
    Field("role", "actor.role", "text", "the role the actor acted under"),
    Field("provider", "actor.provider", "text", "the login provider (GitHub …)"),
    Field("target", "targets", "target", "what it was done to: id, name or type:id of any target"),
    Field("type", "target_types", "text", "the target's type; any target's"),
    Field("workspace", "workspace", "ref", "the workspace's id or name"),
    Field("workspace.id", "workspace.id", "exact", "one workspace alone, by its id as written: what access goes by"),
    Field("project", "project", "ref", "the project's id or name"),
    Field("project.id", "project.id", "exact", "one project alone, by its id as written"),
    Field("layer", "layer", "closed", "workspace or platform", taxonomy.LAYERS),
    Field("ip", "client.ip", "ip", "the client's address, or a network (203.0.113.0/24)"),
    Field("device", "client.device", "text", "the readable device (Chrome 126 on macOS)"),
    Field("session", "session_id", "exact", "the session's id"),
    Field("request", "request_id", "exact", "the request's id"),
    Field("changed", "changed", "paths", "a changed field's dotted path"),
)

FIELDS: Mapping[str, Field] = MappingProxyType({field.name: field for field in _TABLE})
"""Query name → field, in the order people read them. `meta.<path>` is a family of its own, see META_PREFIX."""

META_PREFIX = "meta."
"""`meta.<path>` asks for a value in the event's metadata by its dotted path."""

ALIASES: Mapping[str, str] = MappingProxyType({"user": "actor", "who": "actor", "resource": "target", "level": "layer"})
"""Other names people type, and what they mean."""
