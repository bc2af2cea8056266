"""The whodid server as one ASGI application: agents put records in, people ask.

POST /_bulk                     records in                    bulk
GET  /                          who this is                   about
GET  /_index_template/whodid    the template document         about
GET  /healthz /readyz /metrics                                about
GET  /api/v1/…                  questions                     questions
GET  / …                        pages, for browsers           pages (what an installed package brings)
"""

import contextlib
import importlib
import socket
import threading
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from whodid_indexer.access.gate import Gate
from whodid_indexer.api.about import About
from whodid_indexer.api.auth import Authentication, installed_refusal
from whodid_indexer.api.bulk import BulkEndpoint, elsewhere
from whodid_indexer.api.endpoints import Handler
from whodid_indexer.api.hosts import HostCheck
from whodid_indexer.api.limits import Meter, RateLimit
from whodid_indexer.api.metrics import Metrics
from whodid_indexer.api.pages import installed
from whodid_indexer.api.problem import on_fault, on_http_error, on_whodid_error
from whodid_indexer.api.questions import questions
from whodid_indexer.api.readers import Readers
from whodid_indexer.api.requests import RequestIds
from whodid_indexer.api.trail import ByWriter, Trail
from whodid_indexer.api.views import SharedViews
from whodid_indexer.audit.recorder import IntoCluster, Recorder
from whodid_indexer.holds.hold import Holds
from whodid_indexer.ingest.writer import GroupWriter
from whodid_indexer.store.base import Reader, Writer
from whodid_indexer.store.views import Views
from whodid_schema.errors import WhodidError
from whodid_schema.meta import Meta


class Closable(Writer, Protocol):
    """A writer that gives its file back."""

    def close(self) -> None:
        """Give back the file."""


def build(
    store: Closable | IntoCluster,
    opener: Callable[[], Reader],
    hosts: frozenset[str] | None,
    gate: Gate | None = None,
    *,
    kept: Views | None = None,
    holds: Holds | None = None,
    rate: float = 0,
) -> Starlette:
    """The application over one store: `store` writes, `opener` opens readers; Host must be one of `hosts`.

    Without a gate, or while it is open, everybody may do everything: then `hosts` must be loopback's alone. None is
    any host. To a cluster agents write by themselves: in the writer's place stands what records the questions. `kept`
    is where shared views are, `holds` where legal holds, `rate` the requests a second of each asker (0: as many as
    they like).

    The application owns store and readers: when it ends it stores what is queued and closes them.
    """
    gate = gate or Gate()
    refuse = installed_refusal()
    shared = SharedViews(kept)
    readers = Readers(opener)
    metrics = Metrics()
    writer, recorder, bulk = _way_in(store, opener, metrics)
    trail = Trail(recorder)
    about = About(socket.gethostname(), readers, writer, metrics)

    @contextlib.asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        if writer is not None:
            writer.start()
            threading.Thread(target=_warm, name="warm", daemon=True).start()
        trail.start()
        try:
            yield
        finally:
            trail.close()
            if writer is not None:
                writer.close()
            readers.close()
            gate.close()
            if not isinstance(store, IntoCluster):
                store.close()

    app = Starlette(
        routes=[
            *installed(readers),  # first: at `/` they answer browsers, and only those
            Route("/_bulk", bulk, methods=["POST", "PUT"]),
            Route("/", about.banner),
            Route("/_index_template/whodid", about.template),
            Route("/healthz", about.healthz),
            Route("/readyz", about.readyz),
            Route("/metrics", about.metrics),
            *questions(readers, shared, holds),
        ],
        middleware=[
            Middleware(RequestIds),
            *([Middleware(HostCheck, allowed=hosts)] if hosts is not None else []),
            Middleware(Authentication, gate=gate, refuse=refuse),
            *([Middleware(RateLimit, meter=Meter(rate))] if rate else []),
        ],
        exception_handlers={WhodidError: on_whodid_error, HTTPException: on_http_error, Exception: on_fault},
        lifespan=life,
    )
    app.router.redirect_slashes = False  # an address with a slash too many is not found, like any other
    app.state.metrics = metrics
    app.state.refuse = refuse
    app.state.views = shared
    app.state.gate = gate
    app.state.trail = trail
    return app


def _warm() -> None:
    """Read what counting in a file needs, a tenth of a second of it, beside the start: else the first page waits."""
    for module in ("facets", "stats"):
        importlib.import_module(f"whodid_indexer.store.sqlite.{module}")


class _WayIn(NamedTuple):
    """How records come in: the thread that writes them if it is ours, what records questions, and the handler."""

    writer: GroupWriter | None
    recorder: Recorder
    bulk: Handler


def _way_in(store: Closable | IntoCluster, opener: Callable[[], Reader], metrics: Metrics) -> _WayIn:
    if isinstance(store, IntoCluster):
        return _WayIn(None, store, elsewhere)
    writer = GroupWriter(store.create)
    return _WayIn(writer, ByWriter(writer, lambda: _meta(opener)), BulkEndpoint(writer, metrics).post)


def _meta(opener: Callable[[], Reader]) -> Meta:
    with contextlib.closing(opener()) as reader:
        return reader.meta()
