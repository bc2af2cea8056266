"""Reading a small document that is sent to be kept or done: JSON of a form, and nothing else."""

from typing import TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request

from whodid_indexer.api.bodies import pieces
from whodid_indexer.api.endpoints import JSON
from whodid_indexer.api.problem import WrongType
from whodid_indexer.ingest.encoding import TooLarge
from whodid_schema.errors import UsageError

Sent = TypeVar("Sent")

_DOCUMENT = "see /api/v1/openapi.json"


async def read_json(
    request: Request, kind: type[Sent], largest: int, what: str = "what is taken here", hint: str = _DOCUMENT
) -> Sent:
    """What is sent, as JSON of at most `largest` bytes; `what` it should be, in words, and how that is written.

    Raises WrongType, TooLarge, TooSlow, and UsageError.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != JSON:
        raise WrongType(f"Content-Type {given!r} is not taken", f"send {JSON}")
    body = bytearray()
    try:
        async for piece in pieces(request):
            body += piece
            if len(body) > largest:
                raise TooLarge(f"this may have {largest} bytes, and has more")
    except ClientDisconnect as error:
        raise UsageError("the sender went away in the middle of its body") from error
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"this is not {what}: {error}", hint) from error
