"""The spool against a reference model: whatever happens, acknowledged posts come out once, in order, unharmed."""

import os
import shutil
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from whodid_agent.spool.frame import Frame, Post, encode
from whodid_agent.spool.reader import Reader
from whodid_agent.spool.segment import HEAD_SIZE
from whodid_agent.spool.spool import Spool
from whodid_schema.errors import StateError

posts = st.builds(
    Post,
    received_at=st.just("2026-04-30T14:22:11.000001Z"),
    source=st.sampled_from(["http/anonymous", "http/søren"]),
    key=st.sampled_from(["", "k-1"]),
    lines=st.lists(st.sampled_from([b"", b'{"a":1}', b'{"b":"\xc3\xbf"}', b"x" * 300]), min_size=1, max_size=4).map(
        lambda lines: b"\n".join([*lines, b""])
    ),
    first_item=st.integers(0, 5),
)


class SpoolMachine(RuleBasedStateMachine):
    """`waiting` holds what was acknowledged and not given up, by frame number, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="spool"))
        self.waiting: dict[int, tuple[Post, int]] = {}
        self.read: dict[int, Frame] = {}
        self.highest_number = 0
        self.highest_end = 0
        self.broken_disk = False

    def sync(self, descriptor: int) -> None:
        if self.broken_disk:
            raise OSError(5, "Input/output error")
        os.fdatasync(descriptor)

    def reopen(self) -> None:
        self.spool = Spool(self.folder, segment_bytes=700, sync=self.sync)
        self.spool.advance(self.delivered, self.highest_number + 1)
        self.reader = Reader(self.spool, self.delivered)
        self.read = {}

    @initialize()
    def start(self) -> None:
        self.delivered = 0
        self.reopen()

    @rule(group=st.lists(posts, min_size=1, max_size=5))
    def append(self, group: list[Post]) -> None:
        receipts = self.spool.append(group)
        for receipt, post in zip(receipts, group, strict=True):
            assert receipt.number > self.highest_number
            assert receipt.end > self.highest_end
            self.highest_number, self.highest_end = receipt.number, receipt.end
            self.waiting[receipt.number] = (post, receipt.end)

    @rule(group=st.lists(posts, min_size=1, max_size=3))
    def fail_to_append(self, group: list[Post]) -> None:
        self.broken_disk = True
        with pytest.raises(StateError, match="cannot be written"):
            self.spool.append(group)
        self.broken_disk = False
        assert self.spool.failed

    @rule(count=st.integers(1, 6))
    def read_on(self, count: int) -> None:
        for _ in range(count):
            item = self.reader.next()
            if item is None:
                assert set(self.read) == set(self.waiting)
                return
            if isinstance(item, Frame):
                self.check(item)

    def check(self, frame: Frame) -> None:
        expected = [number for number in self.waiting if number not in self.read]
        assert frame.number == expected[0], "the next acknowledged frame comes next"
        assert (frame.post, frame.end) == self.waiting[frame.number]
        self.read[frame.number] = frame

    @precondition(lambda self: self.read)
    @rule(choice=st.randoms(use_true_random=False))
    def rewind(self, choice: Random) -> None:
        number = choice.choice(sorted(self.read))
        frame = self.read[number]
        self.reader.seek(choice.choice([frame.start, frame.start + 1, frame.end - 1]))
        self.read = {known: entry for known, entry in self.read.items() if known < number}

    @precondition(lambda self: self.read)
    @rule(choice=st.randoms(use_true_random=False))
    def deliver(self, choice: Random) -> None:
        number = choice.choice(sorted(self.read))
        self.delivered = self.read[number].end
        self.spool.delivered(self.delivered)
        for known in [known for known in self.waiting if known <= number]:
            del self.waiting[known], self.read[known]

    @rule(post=posts, share=st.floats(0.01, 0.99), zeros=st.booleans())
    def crash_in_the_middle_of_a_write(self, post: Post, share: float, zeros: bool) -> None:
        self.stop()
        last = max(self.folder.glob("*.spool"))
        whole = encode(self.highest_number + 1, post)
        torn = whole[: max(1, int(len(whole) * share))]
        with last.open("ab") as file:
            file.write(bytes(len(torn)) if zeros else torn)
        self.reopen()

    @rule()
    def crash_before_the_new_file_has_its_head(self) -> None:
        end, number = self.spool.end, self.spool.next_number
        self.stop()
        path = self.folder / f"{end + HEAD_SIZE:020d}-{number:012d}.spool"
        path.write_bytes(b"whod")
        self.reopen()

    @precondition(lambda self: self.waiting)
    @rule(choice=st.randoms(use_true_random=False))
    def damage_a_frame(self, choice: Random) -> None:
        number = choice.choice(sorted(self.waiting))
        post, end = self.waiting.pop(number)
        size = len(encode(number, post))
        place = self.spool.segment_behind(end - 1)
        assert place is not None
        self.stop()
        with place[0].path.open("r+b") as file:
            file.seek(end - place[0].start - size + choice.randrange(size))
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes((byte[0] ^ 0x10,)))
        self.reopen()

    @rule()
    def lose_the_folder(self) -> None:
        self.stop()
        for path in self.folder.glob("*.spool"):
            path.unlink()
        self.waiting = {}
        self.delivered = max(self.delivered, self.highest_end)
        self.reopen()

    @invariant()
    def end_never_goes_back(self) -> None:
        if hasattr(self, "spool"):
            assert self.spool.end >= self.highest_end or not self.waiting
            assert self.spool.next_number > self.highest_number
            assert self.spool.used >= 0

    def stop(self) -> None:
        self.reader.close()
        self.spool.close()

    def teardown(self) -> None:
        if hasattr(self, "spool"):
            self.reader.seek(self.delivered)
            self.read = {}
            while (item := self.reader.next()) is not None:
                if isinstance(item, Frame):
                    self.check(item)
            assert set(self.read) == set(self.waiting), "everything that was acknowledged can be read in the end"
            self.stop()
        shutil.rmtree(self.folder)


TestSpoolMachine = SpoolMachine.TestCase
TestSpoolMachine.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
