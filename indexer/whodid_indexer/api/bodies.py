"""Reading what is sent: a sender that stops in the middle is not waited for."""

from collections.abc import AsyncIterator

from anyio import move_on_after
from starlette.requests import Request

from whodid_schema.errors import UsageError

STALLED = 60.0
"""Seconds that may pass between two pieces of a body."""


class TooSlow(UsageError):
    """The sender stopped in the middle of its body; what it had sent was thrown away."""

    code = "too_slow"


async def pieces(request: Request, stalled: float = STALLED) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises TooSlow, and ClientDisconnect where the sender goes away."""
    arriving = request.stream()
    while True:
        piece: bytes | None = None
        with move_on_after(stalled) as waiting:
            piece = await anext(arriving, None)
        if waiting.cancelled_caught:
            raise TooSlow(f"nothing came for {stalled:.0f} s", "send the whole body, then wait for the answer")
        if piece is None:
            return
        yield piece
