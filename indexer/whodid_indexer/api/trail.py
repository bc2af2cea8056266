"""What is asked of the server is an event in its store: `note` a question, `require` what takes records out of it.

    handler ─ note ─► queue ─► thread ─► Recorder ─► store          a question waits for nothing
    handler ─ require ─► Recorder ─► store ─► the answer begins      an export begins when it is recorded

The same action within five minutes is one event (`audit.event`); what was seen to be recorded is remembered, so polling
costs one look-up. A client says what it does by its requests in a header, else each address has its own action.
"""

import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

from anyio import to_thread
from starlette.requests import Request

from whodid_indexer.access.caller import caller_of
from whodid_indexer.audit.event import ASKING, LEAVING, Deed, Who, deed_of, event_of
from whodid_indexer.audit.recorder import Recorder, item_of, why_not
from whodid_indexer.ingest.writer import GroupWriter
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.store.remote import ACTION_HEADER
from whodid_schema.bulk import Result
from whodid_schema.errors import StateError, WhodidError
from whodid_schema.meta import Meta
from whodid_schema.record import Record

_REMEMBERED = 10_000
"""Events known to be recorded already."""

_PATIENCE = 30.0
"""Seconds to wait for the store."""

_LONGEST_AGENT = 200

log = logging.getLogger(__name__)


class ByWriter:
    """Records through the server's own writer, in one transaction with whatever else is waiting."""

    def __init__(self, writer: GroupWriter, meta: Callable[[], Meta]) -> None:
        self._writer = writer
        self._meta = meta

    def record(self, event: Record) -> str | None:
        """See audit.recorder.Recorder."""
        try:
            item = item_of(self._meta(), event)
            submitted: Future[list[Result]] = self._writer.submit([item])
            (result,) = submitted.result(_PATIENCE)
        except (WhodidError, RuntimeError, TimeoutError) as error:
            return str(error) or "the store does not answer"
        return why_not(result)


class Trail:
    """The trail that requests leave; `start` and `close` belong to the application's life."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._waiting: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
        self._known: OrderedDict[str | None, None] = OrderedDict()
        self._thread = threading.Thread(target=self._run, name="trail", daemon=True)
        self.unrecorded = 0

    def start(self) -> None:
        """Begin to record what is noted."""
        self._thread.start()

    def close(self) -> None:
        """Record what is waiting, then end."""
        self._waiting.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def note(self, request: Request, action: str, query: AuditQuery | None = None, **known: Any) -> None:
        """Record a question, behind its answer; one that cannot be recorded is logged and counted."""
        self._queue(self._event(request, action, query, known))

    def tell(self, request: Request, deed: Deed) -> None:
        """Record what came to pass at the door, in the server's own words: a refusal, a sign-in."""
        self._queue(event_of(deed, who_of(request), datetime.now(UTC)))

    def _queue(self, event: Record) -> None:
        if event.id not in self._known:
            self._remember(event)
            self._waiting.put(event)

    async def require(self, request: Request, action: str, query: AuditQuery | None = None, **known: Any) -> None:
        """Record what is about to be done. Raises StateError where it cannot be: then it must not be done."""
        event = self._event(request, action, query, known)
        if event.id in self._known:
            return
        reason = await to_thread.run_sync(self._recorder.record, event)
        if reason is not None:
            self.unrecorded += 1
            raise StateError(f"what leaves the store is recorded in it, and this cannot be: {reason}")
        self._remember(event)

    async def administer(self, request: Request, deed: Deed) -> None:
        """Record what is about to be done to the store. Raises StateError where it cannot be: then nothing is done."""
        reason = await to_thread.run_sync(self._recorder.record, event_of(deed, who_of(request), datetime.now(UTC)))
        if reason is not None:
            self.unrecorded += 1
            raise StateError(f"what is done to the store is recorded in it, and this cannot be: {reason}")

    def _event(self, request: Request, action: str, query: AuditQuery | None, known: dict[str, Any]) -> Record:
        said = request.headers.get(ACTION_HEADER, "")
        # a client may say that it counts in order to export, never that an export is less than that
        named = said if said in (LEAVING if action in LEAVING else ASKING) else action
        return event_of(deed_of(named, query, known), who_of(request), datetime.now(UTC))

    def _remember(self, event: Record) -> None:
        self._known[event.id] = None
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _run(self) -> None:
        while (event := self._waiting.get()) is not None:
            reason = self._recorder.record(event)
            if reason is not None:
                self.unrecorded += 1
                self._known.pop(event.id, None)
                log.warning("a question was answered and is not recorded: %s", reason)


def trail_of(request: Request) -> Trail:
    """The trail of the application that answers the request."""
    trail: Trail = request.app.state.trail
    return trail


def who_of(request: Request) -> Who:
    """Who asks: whom a token, a session or the proxy names; else the peer's address and what its program says it is."""
    caller = caller_of(request)
    peer = request.client.host if request.client is not None else None
    agent = request.headers.get("user-agent", "")[:_LONGEST_AGENT] or None
    kind = {"token": "api_token", "session": "user", "proxy": "user"}.get(caller.way, "anonymous")
    return Who(kind, "api", id=caller.id or None, name=caller.name or None, ip=peer, user_agent=agent)
