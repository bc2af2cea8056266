"""`/api/v1/holds`: legal holds, for the role platform alone.

    GET  /api/v1/holds                   {"holds":[{"name","query","reason","by","at","state"…}…]}, ended ones too
    POST /api/v1/holds                   {"query":"actor:ana","reason":"case 7","until":"2027-01-01T00:00:00Z"}: 201
    POST /api/v1/holds/{name}/release    {"reason":"settled"}

A hold is recorded before it is put and before it is released; where that cannot be, nothing is done. `matches` is how
many of the stored records it covers: none is a hold for what comes later, or a mistake.
"""

from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from anyio import to_thread
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whodid_indexer.access.caller import caller_of
from whodid_indexer.api.endpoints import JSON, Answer, Endpoint
from whodid_indexer.api.problem import Conflict
from whodid_indexer.api.readers import Readers
from whodid_indexer.api.sent import read_json
from whodid_indexer.api.trail import trail_of
from whodid_indexer.audit.event import Deed
from whodid_indexer.holds.hold import Hold, Holds, State, named, new_hold, released
from whodid_indexer.query.parse import Context, read_query
from whodid_schema.errors import UsageError

Sent = TypeVar("Sent")

LARGEST = 16 << 10
"""Bytes of a request."""


class NoHolds(Conflict):
    """This server has nowhere to keep holds."""

    code = "no_holds"


class NewHold(Struct, forbid_unknown_fields=True):
    """What is to be held: a query, why, until when (RFC 3339), and its name."""

    query: str
    reason: str
    until: str | None = None
    name: str | None = None


class Release(Struct, forbid_unknown_fields=True):
    """Why a hold is let go."""

    reason: str


class ToldHold(Hold, frozen=True, kw_only=True):
    """A hold, and whether it holds anything now."""

    state: State


class PutHold(ToldHold, frozen=True, kw_only=True):
    """A new hold, and how many stored records it covers."""

    matches: int


class HoldList(Struct):
    """Every hold there is or was, the oldest first."""

    holds: list[ToldHold]


LIST = Endpoint("holds", "/api/v1/holds", "The legal holds", (Answer("All of them", HoldList),))
ADD = Endpoint(
    "add_hold",
    "/api/v1/holds",
    "Put a legal hold",
    (Answer("It holds", PutHold, status=201),),
    method="POST",
    body=NewHold,
)
RELEASE = Endpoint(
    "release_hold",
    "/api/v1/holds/{name}/release",
    "Release a legal hold",
    (Answer("It holds no more", ToldHold),),
    method="POST",
    body=Release,
)


class LegalHolds:
    """The handlers; `holds` is None where the server keeps none."""

    def __init__(self, readers: Readers, holds: Holds | None) -> None:
        self._readers = readers
        self._holds = holds

    def routes(self) -> list[Route]:
        """The list with what is added to it, and each hold's release."""
        return [
            Route(LIST.path, self.all, methods=["GET", "POST"]),
            Route(RELEASE.path, self.release, methods=["POST"]),
        ]

    async def all(self, request: Request) -> Response:
        """List them, or add one."""
        LIST.given(request)
        if request.method == ADD.method:
            return await self._add(request)
        found = await to_thread.run_sync(self._kept().all)
        now = datetime.now(UTC)
        return Response(msgspec.json.encode(HoldList([_told(hold, now) for hold in found])), media_type=JSON)

    async def _add(self, request: Request) -> Response:
        sent, now, holds = await read_json(request, NewHold, LARGEST), datetime.now(UTC), self._kept()
        query = read_query((), [sent.query], context=Context(now)).query
        until = None if sent.until is None else _moment(sent.until)
        hold = new_hold(query, sent.reason, _who(request), now, name=sent.name or None, until=until)
        hold = named(hold, await to_thread.run_sync(holds.all), now)
        matches = await self._readers.ask(lambda reader: reader.count(query), heavy=True)
        await trail_of(request).administer(request, _deed("hold_add", hold, found=matches))
        await to_thread.run_sync(holds.add, hold)
        answer = PutHold(**msgspec.structs.asdict(_told(hold, now)), matches=matches)
        return Response(msgspec.json.encode(answer), 201, media_type=JSON)

    async def release(self, request: Request) -> Response:
        """Release one."""
        RELEASE.given(request)
        sent, now, holds = await read_json(request, Release, LARGEST), datetime.now(UTC), self._kept()
        name, who = request.path_params["name"], _who(request)
        ended = released(await to_thread.run_sync(holds.all), name, who, sent.reason, now)
        await trail_of(request).administer(request, _deed("hold_release", ended))
        ended = await to_thread.run_sync(holds.release, name, who, sent.reason, now)
        return Response(msgspec.json.encode(_told(ended, now)), media_type=JSON)

    def _kept(self) -> Holds:
        if self._holds is None:
            raise NoHolds("this server keeps no holds", "put them with whodid hold add --store, where the store is")
        return self._holds


def _told(hold: Hold, now: datetime) -> ToldHold:
    return ToldHold(**msgspec.structs.asdict(hold), state=hold.state_at(now))


def _who(request: Request) -> str:
    caller = caller_of(request)
    return caller.name or caller.id or "anonymous"


def _deed(action: str, hold: Hold, found: int | None = None) -> Deed:
    told = {
        "held": hold.query,
        "hold_reason": hold.reason,
        "until": hold.until,
        "released_reason": hold.released_reason,
    }
    known = {name: value for name, value in told.items() if value is not None}
    return Deed(action, subject=hold.name, found=found, details=known)


def _moment(text: str) -> datetime:
    """When it ends. Raises UsageError where that is no moment, or has no zone."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise UsageError(f"until {text[:60]!r} has no zone", "write it like 2027-01-01T00:00:00Z")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"until {text[:60]!r} is not a time", "write it like 2027-01-01T00:00:00Z") from error
