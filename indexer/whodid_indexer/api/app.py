"""The whodid server as one ASGI application: agents put records in, people ask.

POST /_bulk                     records in                    bulk
GET  /                          who this is                   about
GET  /_index_template/whodid    the template document         about
GET  /healthz /readyz /metrics                                about
GET  /api/v1/…                  questions                     questions
"""

import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from whodid_indexer.api.about import About
from whodid_indexer.api.bulk import BulkEndpoint
from whodid_indexer.api.hosts import HostCheck
from whodid_indexer.api.metrics import Metrics
from whodid_indexer.api.problem import on_fault, on_http_error, on_whodid_error
from whodid_indexer.api.questions import questions
from whodid_indexer.api.readers import Readers
from whodid_indexer.ingest.writer import GroupWriter
from whodid_indexer.store.base import Reader, Writer
from whodid_schema.errors import WhodidError


class Closable(Writer, Protocol):
    """A writer that gives its file back."""

    def close(self) -> None:
        """Give back the file."""


def build(store: Closable, opener: Callable[[], Reader], hosts: frozenset[str]) -> Starlette:
    """The application over one store: `store` writes, `opener` opens readers; Host must be one of `hosts`.

    The application owns both: when it ends it stores what is queued and closes them.
    """
    writer = GroupWriter(store.create)
    readers = Readers(opener)
    metrics = Metrics()
    bulk = BulkEndpoint(writer, metrics)
    about = About(socket.gethostname(), readers, writer, metrics)

    @contextlib.asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        writer.start()
        try:
            yield
        finally:
            writer.close()
            readers.close()
            store.close()

    app = Starlette(
        routes=[
            Route("/_bulk", bulk.post, methods=["POST", "PUT"]),
            Route("/", about.banner),
            Route("/_index_template/whodid", about.template),
            Route("/healthz", about.healthz),
            Route("/readyz", about.readyz),
            Route("/metrics", about.metrics),
            *questions(readers),
        ],
        middleware=[Middleware(HostCheck, allowed=hosts)],
        exception_handlers={WhodidError: on_whodid_error, HTTPException: on_http_error, Exception: on_fault},
        lifespan=life,
    )
    app.router.redirect_slashes = False  # an address with a slash too many is not found, like any other
    app.state.metrics = metrics
    return app
