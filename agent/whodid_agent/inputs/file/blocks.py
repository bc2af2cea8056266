"""From a file's bytes to blocks: whole lines taken from the file, unwrapped, redacted, each with where it stands.

Bytes ─► next: a piece that ends with a line ─► make: the fingerprint takes it in, the head moves ─► Block
"""

from typing import NamedTuple

from whodid_agent.inputs.contract import Block, Gone
from whodid_agent.inputs.file.instance import Instance
from whodid_agent.inputs.file.lines import bounds, cut, cut_written, first_line
from whodid_agent.inputs.file.pieces import Ending, Piece, Pieces
from whodid_agent.inputs.file.reader import Bytes
from whodid_agent.inputs.file.unwrap import Mode, Written, may_be_wrapped, unwrapped
from whodid_agent.normalise.contract import Normaliser, Stream
from whodid_schema.errors import StateError
from whodid_schema.identity import generation_of


class Got(NamedTuple):
    """A piece of a file, and where its lines were wrapped, what was in them."""

    piece: Piece
    lines: list[Written] | None = None
    skipped: int = 0


class Blocks:
    """Makes the blocks of one file input. `chunk`: bytes of one read."""

    def __init__(
        self, normaliser: Normaliser, pieces: Pieces, unwrap: Mode, chunk: int, *, agent: str, host: str
    ) -> None:
        self._redact = normaliser.redact
        self._pieces = pieces
        self._unwrap = unwrap
        self._chunk = chunk
        self._agent, self._host = agent, host

    def generation(self, first_line: bytes) -> str:
        """The generation of a file that begins with this line."""
        return generation_of(self._redact(first_line + b"\n").removesuffix(b"\n"))

    def next(self, file: Bytes, start: int, chunk: int, ending: Ending, stop: int | None = None) -> Got | None:
        """The next piece; one that holds wrapped lines ends where no line is unfinished."""
        last = start
        while True:
            piece = self._pieces.next(file, start, chunk, ending, stop)
            if piece is None or not may_be_wrapped(piece.raw, self._unwrap):
                return None if piece is None else Got(piece)
            written, skipped = bounds(piece.raw, start)
            lines, unfinished = unwrapped(written, self._unwrap)
            if unfinished is None:
                return Got(piece, lines, skipped)
            if unfinished > start:
                whole = unfinished - start
                raw = piece.raw[:whole]
                written, skipped = bounds(raw, start)
                return Got(Piece(unfinished, raw), unwrapped(written, self._unwrap)[0], skipped)
            nothing_more = piece.end == last
            if chunk > self._pieces.max_line or (nothing_more and ending is Ending.CLOSE):
                return Got(piece, lines, skipped)
            if nothing_more:
                return None
            last, chunk = piece.end, 2 * chunk

    def make(self, instance: Instance, file: Bytes, got: Got, received_at: str) -> Block:
        """The block of a piece; the instance's head moves behind it. Raises Gone where its bytes are not there."""
        start, piece = instance.head, got.piece
        self._consume(instance, file, piece)
        if not piece.raw:
            return Block(instance.key, start, piece.end, [], 0, piece.skipped, piece.refused)

        def stream_of(line: bytes) -> Stream:
            instance.generation = instance.generation or generation_of(line)
            return instance.stream(self._agent, self._host)

        if got.lines is not None:
            # The generation is that of the file's own first line, as whoever looks for copies of it reads it.
            first = first_line(piece.raw, self._pieces.max_line) or b""
            instance.generation = instance.generation or self.generation(first)
            stream = instance.stream(self._agent, self._host)
            taken, blank = cut_written(got.lines, stream, self._redact, received_at)
            return Block(instance.key, start, piece.end, taken, blank, got.skipped)
        lines, blank, skipped = cut(piece.raw, start, stream_of, self._redact, received_at)
        return Block(instance.key, start, piece.end, lines, blank, skipped)

    def _consume(self, instance: Instance, file: Bytes, piece: Piece) -> None:
        """Move the head behind the piece; the fingerprint takes in its bytes."""
        print_ = instance.print
        if print_ is None:
            raise StateError(f"{instance.path}: read before it was known again", "report this as a bug of whodid")
        if piece.raw:
            print_.add(piece.raw)
        while print_.end < piece.end:
            more = file.read(print_.end, min(self._chunk, piece.end - print_.end))
            if not more:
                raise Gone(piece.end - print_.end)
            print_.add(more)
        instance.head = piece.end
