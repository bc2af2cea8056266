"""Content-Encoding of a posted body: gzip and zstd, never more than the limit in memory, nothing cut short silently."""

import io
import zlib
from collections.abc import Callable

import zstandard

from whodid_agent.inputs.http.problem import Problem

_WINDOW = 32 << 20


def too_large(limit: int) -> Problem:
    """Refusal 413: nothing of the body was taken."""
    return Problem(
        413,
        "too_large",
        f"the body is longer than {limit} bytes; nothing of it was taken",
        "post fewer events at once, or raise the input's body limit",
    )


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """The plain body. Raises Problem: 413 over `limit` bytes, 415 for other encodings, 400 for damaged ones."""
    for name in reversed([part.strip().lower() for part in encoding.split(",")]):
        if name in {"", "identity"}:
            continue
        decode = _DECODERS.get(name)
        if decode is None:
            raise Problem(415, "unknown_encoding", "the Content-Encoding is not known here", "send gzip, zstd or none")
        try:
            body = decode(body, limit)
        except (zlib.error, zstandard.ZstdError) as error:
            raise _damaged() from error
    return body


def _damaged() -> Problem:
    return Problem(400, "bad_encoding", "the body is not what its Content-Encoding says, or it is cut short")


def _gunzip(body: bytes, limit: int) -> bytes:
    plain = bytearray()
    while body:
        member = zlib.decompressobj(wbits=31)
        plain += member.decompress(body, limit + 1 - len(plain))
        if len(plain) > limit:
            raise too_large(limit)
        if not member.eof:
            raise _damaged()
        body = member.unused_data
    return bytes(plain)


def _unzstd(body: bytes, limit: int) -> bytes:
    # The first pass only finds out, in bounded memory, that the plain body is short enough; it does not notice
    # a frame that is cut short. The second does.
    reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(
        io.BytesIO(body), read_across_frames=True
    )
    length = 0
    while piece := reader.read(1 << 20):
        length += len(piece)
        if length > limit:
            raise too_large(limit)
    plain = bytearray()
    while body:
        frame = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
        plain += frame.decompress(body)
        if not frame.eof:
            raise _damaged()
        body = frame.unused_data
    return bytes(plain)


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "zstd": _unzstd,
}
