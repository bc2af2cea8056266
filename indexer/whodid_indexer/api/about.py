"""What the server says about itself: who it is, its template document, whether it lives, what it counts.

`GET /` and the template have the form that OpenSearch answers with, because agents ask either in the same way.
"""

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from whodid_indexer.api.metrics import CONTENT_TYPE, Metrics
from whodid_indexer.api.problem import problem
from whodid_indexer.api.readers import Readers
from whodid_indexer.ingest.writer import GroupWriter
from whodid_schema import __version__
from whodid_schema.meta import Meta


def template_document(meta: Meta) -> bytes:
    """The answer to `GET /_index_template/whodid`."""
    template = {"index_patterns": ["whodid-*"], "_meta": meta}
    return msgspec.json.encode({"index_templates": [{"name": "whodid", "index_template": template}]})


class About:
    """The handlers, with the parts they speak of; over a cluster there is no writer."""

    def __init__(self, name: str, readers: Readers, writer: GroupWriter | None, metrics: Metrics) -> None:
        self._readers = readers
        self._writer = writer
        self._metrics = metrics
        self._banner = msgspec.json.encode(
            {
                "name": name,
                "product": "whodid",
                "partitions": "server",
                "version": {"distribution": "whodid", "number": __version__},
            }
        )

    async def banner(self, _request: Request) -> Response:
        """`GET /`."""
        return Response(self._banner, media_type="application/json")

    async def template(self, _request: Request) -> Response:
        """`GET /_index_template/whodid`."""
        meta = await self._readers.ask(lambda reader: reader.meta())
        return Response(template_document(meta), media_type="application/json")

    async def healthz(self, _request: Request) -> Response:
        """Whether the process answers at all."""
        return PlainTextResponse("ok\n")

    async def readyz(self, _request: Request) -> Response:
        """Whether records can be stored and read."""
        if self._writer is not None and not self._writer.alive:
            return problem(503, "store_unreachable", "the writer has ended")
        await self._readers.ask(lambda reader: reader.now())
        return PlainTextResponse("ready\n")

    async def metrics(self, _request: Request) -> Response:
        """Everything counted."""
        return Response(self._metrics.text(), media_type=CONTENT_TYPE)
