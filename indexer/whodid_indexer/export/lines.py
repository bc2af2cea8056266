r"""Records as JSON text that no terminal obeys: the same values, every steering character as `\uXXXX`."""

import re
from collections.abc import Iterable, Iterator

from whodid_schema.visible import visible

_CHUNK = 1 << 16
_plain = re.compile(rb"[\x20-\x7e]*").fullmatch


def inert(body: bytes) -> bytes:
    """The same JSON value. Only strings can hold what is escaped here, so the escapes are JSON's own."""
    if _plain(body):
        return body
    text = body.decode(errors="surrogateescape")
    return "".join(_escaped(character) for character in text).encode() if visible(text) != text else body


def _escaped(character: str) -> str:
    if character in "\t\n" or visible(character) == character:
        return character
    if character == "\r":
        return " "  # it can only stand between values: a string has it escaped
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


class Lines:
    """Turns records into NDJSON; `rows` counts those written."""

    def __init__(self) -> None:
        self.rows = 0

    def chunks(self, bodies: Iterable[bytes], *, header: bool = True) -> Iterator[bytes]:  # noqa: ARG002  see Sheet
        """The file in pieces of about 64 KiB, each of whole lines. NDJSON has no header to leave out."""
        pieces: list[bytes] = []
        size = 0
        for body in bodies:
            line = inert(body)
            pieces += (line, b"\n")
            size += len(line) + 1
            self.rows += 1
            if size >= _CHUNK:
                yield b"".join(pieces)
                pieces.clear()
                size = 0
        yield b"".join(pieces)
