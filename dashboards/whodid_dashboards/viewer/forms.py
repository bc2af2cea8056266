"""What a page's form sends, bounded. That it comes from a page of ours is checked before (`api.auth`)."""

from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from whodid_schema.errors import UsageError

_LARGEST = 16 << 10
"""Bytes of a form."""


async def form_fields(request: Request) -> dict[str, str]:
    """The form's fields. Raises UsageError for what no form of ours sends."""
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > _LARGEST:
                raise UsageError("this is longer than any form of this page", "shorten what was typed")
    except ClientDisconnect as error:
        raise UsageError("the browser went away in the middle of the form") from error
    try:
        return dict(parse_qsl(bytes(body).decode("ascii"), keep_blank_values=True, max_num_fields=10, errors="strict"))
    except ValueError as error:
        raise UsageError("this is not the form of this page", "reload it and try again") from error
