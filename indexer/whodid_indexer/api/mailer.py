"""`GET /api/v1/projects/{project}/audit-log`: a self-hosted mailer's own list, over the records of any product.

    limit      entries of a page: 50, at most 500
    action     the action, exactly
    actor_id   the actor's id
    from, to   RFC 3339, both ends belong to the range
    cursor     the `next_cursor` of the page before

    {"entries":[{"id","created_at","actor_id","actor_email","action","target_type","target_id","metadata","ip",
                 "user_agent"}…],"next_cursor":"…"}

Newest first; `next_cursor` is null on the last page. What the mailer wrote is given back as it wrote it: its own id,
its time in its own precision, its metadata. Of other products' records the id is whodid's; what a record does not have
is null. To a project belong the records that name it (by id or name), and those that name none and are about it.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whodid_indexer.access.caller import access_of
from whodid_indexer.api.endpoints import CURSOR, JSON, Answer, Endpoint, number, routes, text
from whodid_indexer.api.parameters import Parameters
from whodid_indexer.api.readers import Readers
from whodid_indexer.api.trail import trail_of
from whodid_indexer.export.lines import inert
from whodid_indexer.query.access import Access
from whodid_indexer.query.check import LAST_MOMENT, MOST_VALUES, check_query
from whodid_indexer.query.counting import Axis
from whodid_indexer.query.model import AuditQuery, Group, Member, Term
from whodid_indexer.query.times import parse_time
from whodid_indexer.store.base import Key, Page, Reader
from whodid_indexer.store.places import format_key
from whodid_schema.errors import BadQuery, NotAllowed, UsageError
from whodid_schema.record import Record, decode

DEFAULT_LIMIT = 50
MAX_LIMIT = 500

_PROFILE = "mailer"
"""The profile whose records are the mailer's own."""

_DECIMALS = {"s": 0, "minute": 0, "day": 0, "ms": 3}
"""Decimals of the second that a time of this precision was written with; six else."""


class Entry(Struct):
    """One entry as the mailer has it; every key always stands there."""

    id: str | None
    created_at: str | None
    actor_id: str | None
    actor_email: str | None
    action: str | None
    target_type: str | None
    target_id: str | None
    metadata: dict[str, Any] | None
    ip: str | None
    user_agent: str | None


class EntryPage(Struct):
    """One page of the list."""

    entries: list[Entry]
    next_cursor: str | None


PROJECT_LOG = Endpoint(
    "project_log",
    "/api/v1/projects/{project}/audit-log",
    "A project's audit log in the form of a self-hosted mailer",
    (Answer("A page of entries, newest first", EntryPage),),
    (
        number("limit", "entries of a page", DEFAULT_LIMIT, 1, MAX_LIMIT),
        text("action", "the action, exactly"),
        text("actor_id", "the actor's id"),
        text("from", "the first moment: RFC 3339", format="date-time"),
        text("to", "the last moment, which belongs to it: RFC 3339", format="date-time"),
        CURSOR,
    ),
)


class _Original(Struct):
    metadata: dict[str, Any] | None = None


_read_original = msgspec.json.Decoder(_Original).decode


class ProjectLog:
    """The handler, over one store's readers."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    def routes(self) -> list[Route]:
        """The one."""
        return routes([(PROJECT_LOG, self.entries)])

    async def entries(self, request: Request) -> Response:
        """One page of a project's entries, newest first."""
        given = PROJECT_LOG.given(request)
        query = _query(request.path_params["project"], given, access_of(request))
        actor = _one(given, "actor_id")
        page = Page(given.number("limit", DEFAULT_LIMIT, 1, MAX_LIMIT), given.key("cursor"))
        answer, total = await self._readers.ask(lambda reader: _page(reader, query, actor, page))
        trail_of(request).note(request, "search", query, found=total)
        return Response(inert(msgspec.json.encode(answer)), media_type=JSON)


def _query(project: str, given: Parameters, access: Access) -> AuditQuery:
    """What is asked but for the actor. Raises UsageError, BadQuery, or NotAllowed for another's project."""
    _plain("project", project)
    if access.reach == "project" and project not in access.projects:
        raise NotAllowed(
            f"this token does not reach the project {project!r}", "ask with a token of that project, by its id"
        )
    action = _one(given, "action")
    query = AuditQuery(
        since=_time(given, "from"),
        until=_end(given),
        terms=() if action is None else (Term("action", (action,)),),
        groups=(_of_project(project),),
    )
    check_query(query)
    return query


def _of_project(project: str) -> Group:
    about: tuple[Member, ...] = (Term("target", (f"project:{project}",)), Term("project", ("*",), negated=True))
    return Group((Term("project", (project,)), Group(about)), any=True)


def _page(reader: Reader, query: AuditQuery, actor: str | None, page: Page) -> tuple[EntryPage, int]:
    if actor is not None:
        keys = _keys(reader, query, actor)
        if not keys:
            return EntryPage([], None), 0
        query = msgspec.structs.replace(query, terms=(*query.terms, Term("actor.key", keys)))
    found = reader.search(query, page)
    following: Key | None = found.next
    entries = [entry_of(decode(body)) for body in found.records]
    return EntryPage(entries, following and format_key(following)), found.total


def _keys(reader: Reader, query: AuditQuery, actor: str) -> tuple[str, ...]:
    """The keys of the actors with this id, among all whom it is an id, a name or a token of."""
    asked = msgspec.structs.replace(query, groups=(*query.groups, Group((Term("actor", (actor,)),))))
    (facet,) = reader.facets(asked, [Axis("actor", MOST_VALUES)])
    return tuple(value.value for value in facet.values if value.value.partition(":")[2] == actor)


def entry_of(record: Record) -> Entry:
    """The record as an entry of the mailer's."""
    actor, target, client = record.actor, record.target, record.client
    own = record.ingest is not None and record.ingest.profile == _PROFILE
    return Entry(
        id=(record.native_id if own else None) or record.id,
        created_at=_written_time(record),
        actor_id=actor.id if actor else None,
        actor_email=actor.email if actor else None,
        action=record.action or record.verb,
        target_type=target.type if target else None,
        target_id=target.id or target.name if target else None,
        metadata=_metadata(record) if own else record.metadata or {},
        ip=client.ip if client else None,
        user_agent=client.user_agent if client else None,
    )


def _metadata(record: Record) -> dict[str, Any] | None:
    """What the mailer wrote as metadata, null or empty too; without the original what became of it."""
    if record.raw is not None:
        try:
            return _read_original(record.raw).metadata
        except msgspec.DecodeError:
            pass  # an original of another form: a list's page, or metadata that is no object
    return record.metadata or {}


def _written_time(record: Record) -> str | None:
    """RFC 3339 in UTC with as many decimals as the application gave."""
    if record.timestamp is None:
        return None
    whole, _, fraction = record.timestamp.removesuffix("Z").partition(".")
    kept = fraction[: _DECIMALS.get(record.time_precision or "", 6)]
    return f"{whole}.{kept}Z" if kept else f"{whole}Z"


def _one(given: Parameters, name: str) -> str | None:
    value = given.one(name)
    if value is not None:
        _plain(name, value)
    return value


def _plain(name: str, value: str) -> None:
    """Raises UsageError for a pattern: here every value means itself."""
    if not value or "*" in value:
        raise UsageError(f"{name}={value[:60]}: not one {name}", "give the whole value; there are no wildcards here")


def _end(given: Parameters) -> int | None:
    last = _time(given, "to")
    return None if last is None else min(last + 1, LAST_MOMENT)


def _time(given: Parameters, name: str) -> int | None:
    written = given.one(name)
    if written is None:
        return None
    try:
        return parse_time(written, datetime.now(UTC))
    except BadQuery as error:
        hint = "RFC 3339, like 2026-04-30T14:22:11Z; in a URL a + is written %2B"
        raise UsageError(f"{name}={written[:60]}: not a time", hint) from error
