"""The file input against a reference model, under whatever order of writes, rotations, copies and restarts.

The model is a list of the lines that were written. At the end, every line must have been delivered as the store would
keep it (once by id), and none that was not written: the lines carry no time of their own, so a line that is read
a second time as part of another instance would show as one too many.
"""

import gzip
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import zstandard
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from whodid_agent.inputs.contract import Block, StreamRow
from whodid_agent.inputs.file import FileSource
from whodid_agent.inputs.file.tracker import Timing
from whodid_agent.normalise.contract import Event, Origin, Sent
from whodid_schema.identity import file_id


class Plain:
    """A normaliser that masks nothing."""

    def redact(self, chunk: bytes) -> bytes:
        return chunk

    def events(self, line: bytes, origin: Origin, sent: Mapping[int, Sent] | None = None) -> list[Event]:
        raise AssertionError("the input hands lines on, it does not normalise them")


class Clock:
    """Time that the test moves; files get their times from it too."""

    def __init__(self) -> None:
        self.seconds = 1_790_000_000.0

    def __call__(self) -> float:
        return self.seconds


class Tailer(RuleBasedStateMachine):
    """One configured file, written by an application and rotated in every known way."""

    @initialize(unique=st.booleans())
    def begin(self, unique: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tailer-"))
        self.path = self.folder / "audit.jsonl"
        self.clock = Clock()
        self.written: list[bytes] = []
        self.store: dict[str, bytes] = {}
        self.rows: dict[str, StreamRow] = {}
        self.unique = unique
        self.sequence = 0
        self.copied = False
        self.kept: list[int] = []
        self.start()

    def start(self) -> None:
        self.source = FileSource(
            "in",
            [self.path],
            Plain(),
            host="h",
            chunk=64,
            timing=Timing(self.clock, self.clock),
        )
        self.source.open(self.rows)

    def teardown(self) -> None:
        if hasattr(self, "source"):
            try:
                self.catch_up()
                assert sorted(self.store.values()) == sorted(self.written)
                assert sum(row.counters.missed_bytes for row in self.rows.values()) == 0
            finally:
                self.source.close()
                for descriptor in self.kept:
                    os.close(descriptor)
                shutil.rmtree(self.folder)

    # ---- the agent

    def take(self, block: Block) -> None:
        row = self.rows.setdefault(block.key, StreamRow(key=block.key, input="in"))
        assert block.start == row.position
        assert not block.refused
        for line in block.lines:
            stream = line.origin.stream
            name = file_id(stream.source, stream.generation, line.origin.offset, 0, line.data, stream.first_receipt)
            self.store[name] = line.data
        row.position = block.end
        row.counters.blank_bytes += block.blank_bytes
        row.detail = self.source.detail(block.key, block.end)
        self.source.delivered(block.key, block.end)

    def drain(self) -> None:
        self.source.poll()
        while block := self.source.read(64):
            self.take(block)
        for key, missed in self.source.missed().items():
            row = self.rows.setdefault(key, StreamRow(key=key, input="in", detail=self.source.detail(key, 0)))
            row.counters.missed_bytes += missed

    def catch_up(self) -> None:
        for _ in range(4):
            self.clock.seconds += 20
            self.drain()
        assert self.source.pending() == 0

    @rule(blocks=st.integers(1, 3))
    def read(self, blocks: int) -> None:
        self.clock.seconds += 0.3
        self.source.poll()
        for _ in range(blocks):
            if block := self.source.read(64):
                self.take(block)

    @rule()
    def read_all(self) -> None:
        self.clock.seconds += 3
        self.drain()

    @rule(blocks=st.integers(1, 4), kept=st.integers(0, 3), crash=st.booleans())
    def read_but_deliver_only_some(self, blocks: int, kept: int, crash: bool) -> None:
        """What was read and not delivered is read again, from where the checkpoint stands."""
        self.clock.seconds += 0.3
        self.source.poll()
        read = [block for _ in range(blocks) if (block := self.source.read(64))]
        lost = {block.key for block in read[kept:]}
        for block in read[:kept]:
            self.take(block)
        if crash:
            self.crash_and_start_again()
            return
        for key in sorted(lost):
            self.source.rewind(key, self.rows[key].position if key in self.rows else 0)

    @rule()
    def crash_and_start_again(self) -> None:
        self.source.close()
        self.start()

    # ---- the application

    @rule(count=st.integers(1, 12), size=st.integers(0, 30))
    def append(self, count: int, size: int) -> None:
        lines = [self.line(size) for _ in range(count)]
        self.write(b"".join(line + b"\n" for line in lines))
        self.written += lines

    def line(self, size: int) -> bytes:
        self.sequence += self.unique
        return b'["%d%s"]' % (self.sequence, b"x" * size)

    def write(self, data: bytes) -> None:
        self.clock.seconds += 0.01
        with self.path.open("ab") as file:
            file.write(data)
        os.utime(self.path, (self.clock.seconds, self.clock.seconds))

    # ---- rotation

    def shift(self) -> None:
        """audit.jsonl.1 becomes audit.jsonl.2, and so on; what is compressed stays so."""
        for number in range(30, 0, -1):
            for suffix in ("", ".gz", ".zst"):
                name = self.folder / f"audit.jsonl.{number}{suffix}"
                if name.exists():
                    name.rename(self.folder / f"audit.jsonl.{number + 1}{suffix}")

    @precondition(lambda self: self.path.exists() and self.path.stat().st_size)
    @rule()
    def rename(self) -> None:
        self.shift()
        self.path.rename(self.folder / "audit.jsonl.1")

    @precondition(lambda self: self.path.exists() and self.path.stat().st_size)
    @rule()
    def copy_and_truncate(self) -> None:
        self.shift()
        shutil.copy2(self.path, self.folder / "audit.jsonl.1")
        os.truncate(self.path, 0)
        self.clock.seconds += 0.01
        os.utime(self.path, (self.clock.seconds, self.clock.seconds))

    @precondition(lambda self: self.unique and not self.copied and self.path.exists())
    @rule()
    def truncate_what_was_read(self) -> None:
        """Not beside a copy that is shorter: after a restart nothing is left to compare it with."""
        self.read_all()
        os.truncate(self.path, 0)

    @precondition(lambda self: self.path.exists() and len(set(self.path.read_bytes().splitlines())) > 1)
    @precondition(lambda self: self.unique)
    @rule()
    def copy_aside(self) -> None:
        """Somebody saves the file under a sibling's name; nothing is new in it (one equal line would not tell)."""
        self.read_all()
        self.copied = True
        self.shift()
        shutil.copy2(self.path, self.folder / "audit.jsonl.1")
        self.read_all()

    @precondition(lambda self: (self.folder / "audit.jsonl.1").exists())
    @rule(zst=st.booleans())
    def compress(self, zst: bool) -> None:
        if not self.unique:
            # equal bytes without a time cannot be told from a copy of an older file that was never read
            self.read_all()
        plain = self.folder / "audit.jsonl.1"
        data = plain.read_bytes()
        packed = plain.with_name(plain.name + (".zst" if zst else ".gz"))
        packed.write_bytes(zstandard.compress(data) if zst else gzip.compress(data))
        shutil.copystat(plain, packed)
        self.keep_inode(plain)
        plain.unlink()

    def keep_inode(self, path: Path) -> None:
        """Equal bytes under an inode that was used again would be the same file by every sign there is."""
        if not self.unique:
            self.kept.append(os.open(path, os.O_RDONLY))

    @invariant()
    def nothing_is_delivered_that_was_not_written(self) -> None:
        assert set(getattr(self, "store", {}).values()) <= set(getattr(self, "written", []))


TestTailer = Tailer.TestCase
TestTailer.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_what_was_read_and_given_back_is_not_read_again_from_the_archive_made_of_it() -> None:
    state = Tailer()
    state.begin(unique=True)
    state.append(count=1, size=0)
    state.rename()
    state.read_but_deliver_only_some(blocks=1, kept=0, crash=False)
    state.compress(zst=False)
    state.teardown()


def test_an_archive_under_the_inode_of_a_deleted_file_is_read_as_what_it_holds() -> None:
    state = Tailer()
    state.begin(unique=True)
    state.append(count=1, size=0)
    state.read_all()
    state.copy_and_truncate()
    state.read_all()
    state.compress(zst=False)
    state.append(count=1, size=2)
    state.rename()
    state.compress(zst=False)
    state.teardown()


def test_an_archive_made_before_anything_was_read_is_not_read_beside_the_file() -> None:
    state = Tailer()
    state.begin(unique=True)
    state.append(count=3, size=10)
    state.rename()
    state.source.poll()
    plain = state.folder / "audit.jsonl.1"
    packed = plain.with_name(f"{plain.name}.gz")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    shutil.copystat(plain, packed)
    state.clock.seconds += 20
    state.source.poll()
    state.read_all()
    plain.unlink()
    state.teardown()
