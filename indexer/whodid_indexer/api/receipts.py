"""`/api/v1/exports/{ticket}`: how far an export is that was asked for with `ticket=…`, and its manifest at the end.

    GET     {"state":"running","rows":120000,"promised":[247000,247000],"bytes":…}
    DELETE  breaks it off: 204
    GET     …/manifest: once it is complete

Whoever asks for an export makes up its ticket, and alone sees what becomes of it. The manifest is that of the file as
it is when unpacked: with it `whodid export --verify` tells it from any other. In memory, for the
newest two hundred.
"""

import hashlib
import re
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whodid_indexer.access.caller import Caller, caller_of
from whodid_indexer.api.endpoints import JSON, Answer, Endpoint, routes
from whodid_indexer.api.problem import Conflict, NotFound
from whodid_indexer.export.manifest import Manifest, Question, ends, range_of, text_of
from whodid_indexer.export.part import Mark
from whodid_indexer.export.run import Marked
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.query.printer import to_text
from whodid_schema import __version__, timestamp
from whodid_schema.errors import UsageError, WhodidError

MOST = 200

_ticket = re.compile(r"[A-Za-z0-9-]{16,64}").fullmatch

State = Literal["running", "complete", "broken"]


class BrokenOff(WhodidError):
    """Whoever asked for the export does not want it any more."""

    code = "broken_off"


class Made(Struct, frozen=True):
    """What a file is made of: the question and everything that shapes its rows."""

    file: str
    form: str
    query: AuditQuery
    zone: str
    ascending: bool
    columns: tuple[str, ...] | None
    excel: bool


class Progress(Struct):
    """How far an export is. `promised` is least and most rows; `bytes` are those of the file, unpacked."""

    state: State
    rows: int
    promised: tuple[int, int]
    bytes: int
    sha256: str | None = None


class Receipt:
    """One export on its way; `pieces` lets it pass, and counts. What it says may be asked from any thread."""

    def __init__(self, made: Made, caller: Caller) -> None:
        self.owner = _owner(caller)
        self._made = made
        self._user = caller.name or caller.id or "not signed in"
        self._started = timestamp.now()
        self._stop = threading.Event()
        self._digest = hashlib.sha256()
        self.progress = Progress("running", 0, (0, 0), 0)
        self.manifest: Manifest | None = None
        self._marked = Marked((), Mark())

    def rows(self, bodies: Iterable[bytes], promised: tuple[int, int]) -> Iterator[bytes]:
        """The records, counted."""
        self.progress.promised = promised
        self._marked = Marked(bodies, Mark())
        for body in self._marked:
            self.progress.rows += 1
            yield body

    def pieces(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The file's pieces, measured. Raises BrokenOff where it is not wanted any more."""
        try:
            for piece in pieces:
                if self._stop.is_set():
                    raise BrokenOff("the export was broken off")
                self._digest.update(piece)
                self.progress.bytes += len(piece)
                yield piece
            self.manifest = self._manifest()
            self.progress.sha256 = self.manifest.sha256
            self.progress.state = "complete"
        finally:
            if self.progress.state == "running":
                self.progress.state = "broken"

    def stop(self) -> None:
        """Break it off before its next piece."""
        self._stop.set()

    def _manifest(self) -> Manifest:
        made, progress = self._made, self.progress
        first, last = ends(self._marked.mark())
        return Manifest(
            whodid=__version__,
            file=made.file,
            format=made.form,
            query=Question(to_text(made.query), made.query),
            range=range_of(made.query),
            zone=made.zone,
            order="asc" if made.ascending else "desc",
            columns=made.columns,
            excel=made.excel,
            gzip=False,
            rows=progress.rows,
            promised=progress.promised,
            bytes=progress.bytes,
            sha256=self._digest.hexdigest(),
            first=first,
            last=last,
            store="",
            user=self._user,
            host=socket.gethostname(),
            started=self._started,
            finished=timestamp.now(),
            recorded=True,
        )


PROGRESS = Endpoint(
    "export_progress", "/api/v1/exports/{ticket}", "How far an export is", (Answer("As far as it is", Progress),)
)
BREAK_OFF = Endpoint(
    "break_off_export",
    "/api/v1/exports/{ticket}",
    "Break an export off",
    (Answer("It ends before its next piece", media="", status=204),),
    method="DELETE",
)


MANIFEST = Endpoint(
    "export_manifest",
    "/api/v1/exports/{ticket}/manifest",
    "The manifest of an export that is complete",
    (Answer("As it stands beside a file that the command line exports", Manifest),),
)


class Receipts:
    """The exports that were asked for with a ticket, the newest of them."""

    def __init__(self) -> None:
        self._known: dict[str, Receipt] = {}

    def routes(self) -> list[Route]:
        """The progress of each, and its manifest."""
        return [
            Route(PROGRESS.path, self.one, methods=[PROGRESS.method, BREAK_OFF.method]),
            *routes([(MANIFEST, self.manifest)]),
        ]

    def begin(self, ticket: str, made: Made, caller: Caller) -> Receipt:
        """A receipt for a new export. Raises UsageError for what is no ticket, Conflict for one that is taken."""
        if not _ticket(ticket):
            raise UsageError(f"{ticket[:80]!r} is no ticket", "16 to 64 letters, digits and -, as good as random")
        if ticket in self._known:
            raise Conflict("this ticket is taken", "make up another")
        while len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        self._known[ticket] = receipt = Receipt(made, caller)
        return receipt

    async def one(self, request: Request) -> Response:
        """Tell how far one is, or break it off."""
        PROGRESS.given(request)
        receipt = self._of(request)
        if request.method == BREAK_OFF.method:
            receipt.stop()
            return Response(status_code=204)
        return Response(msgspec.json.encode(receipt.progress), media_type=JSON)

    async def manifest(self, request: Request) -> Response:
        """What `whodid export` writes beside a file."""
        MANIFEST.given(request)
        manifest = self._of(request).manifest
        if manifest is None:
            raise NotFound("this export is not complete, and has no manifest")
        named = {"Content-Disposition": f'attachment; filename="{manifest.file}.manifest.json"'}
        return Response(text_of(manifest), headers=named, media_type=JSON)

    def _of(self, request: Request) -> Receipt:
        receipt = self._known.get(request.path_params["ticket"])
        if receipt is None or receipt.owner != _owner(caller_of(request)):
            raise NotFound("no export of yours has this ticket", "it may be long ago")
        return receipt


def _owner(caller: Caller) -> tuple[str, str]:
    return caller.way, caller.id
