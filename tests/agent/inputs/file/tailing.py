"""What the tests of the file input share: a normaliser that hands on, a clock that the test moves, a small runner."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whodid_agent.inputs.contract import Block, StreamRow
from whodid_agent.inputs.file import FileSource
from whodid_agent.inputs.file.tracker import Timing
from whodid_agent.normalise.contract import Event, Origin, Sent
from whodid_schema.identity import file_id


class Masking:
    """Masks one word, which changes lengths; hands on everything else."""

    def redact(self, chunk: bytes) -> bytes:
        return chunk.replace(b"hunter2", b"[FILTERED]") if b"hunter2" in chunk else chunk

    def events(self, line: bytes, origin: Origin, sent: Mapping[int, Sent] | None = None) -> list[Event]:
        raise AssertionError("the input hands lines on, it does not normalise them")


class Clock:
    """Seconds since 1970 that only the test moves; files are older than it thinks now is."""

    def __init__(self) -> None:
        self.seconds = 4_000_000_000.0

    def __call__(self) -> float:
        return self.seconds


class Agent:
    """A source, and the rows that a runner would keep for it."""

    def __init__(self, *patterns: Path | str, **options: Any) -> None:
        self.patterns, self.options = patterns, options
        self.clock = Clock()
        self.rows: dict[str, StreamRow] = {}
        self.refused: list[tuple[int, str, str]] = []
        self.ids: list[str] = []
        self.source = self.start()

    def start(self) -> FileSource:
        timing = Timing(self.clock, self.clock)
        self.source = FileSource("in", self.patterns, Masking(), host="h", timing=timing, **self.options)
        self.source.open(self.rows)
        return self.source

    def restart(self) -> None:
        self.source.close()
        self.start()

    def take(self, block: Block) -> list[bytes]:
        """Settle a block as the runner would, and give its lines."""
        row = self.rows.setdefault(block.key, StreamRow(key=block.key, input="in"))
        assert block.start == row.position
        self.refused += block.refused
        for line in block.lines:
            stream, offset = line.origin.stream, line.origin.offset
            assert offset < line.end <= block.end
            self.ids.append(file_id(stream.source, stream.generation, offset, 0, line.data))
        row.position = block.end
        row.counters.blank_bytes += block.blank_bytes
        row.counters.skipped_bytes += block.skipped_bytes
        row.detail = self.source.detail(block.key, block.end)
        self.source.delivered(block.key, block.end)
        return [line.data for line in block.lines]

    def read(self, limit: int = 1 << 20) -> list[bytes]:
        """Everything that is there now."""
        self.clock.seconds += 1
        self.source.poll()
        lines: list[bytes] = []
        while block := self.source.read(limit):
            lines += self.take(block)
        return lines

    def read_patiently(self) -> list[bytes]:
        """Everything that is there, waiting for what is only decided after a while."""
        lines: list[bytes] = []
        for _ in range(3):
            lines += self.read()
            self.clock.seconds += 15
        return lines

    def missed(self) -> int:
        """What was missed since the last call, written into the checkpoint."""
        missed = self.source.missed()
        for key in missed:
            row = self.rows.setdefault(key, StreamRow(key=key, input="in"))
            row.detail = self.source.detail(key, row.position)
        return sum(missed.values())


def lines(*numbers: int, extra: str = "") -> bytes:
    """Lines as an application writes them."""
    return b"".join(b'{"n":%d%s}\n' % (number, extra.encode()) for number in numbers)


def values(*numbers: int) -> list[bytes]:
    """The same lines as the input hands them on."""
    return lines(*numbers).splitlines()
