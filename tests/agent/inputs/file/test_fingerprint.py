"""The chain of hashes by which consumed bytes are known again."""

import json
import random

import pytest

from whodid_agent.inputs.file.fingerprint import BLOCK, Fingerprint, Saved, walk


class Memory:
    """A file in memory that counts what is read of it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.bytes_read = 0

    def read(self, offset: int, size: int) -> bytes:
        piece = self.data[offset : offset + size]
        self.bytes_read += len(piece)
        return piece


DATA = random.Random(1).randbytes(40 * BLOCK + 1234)


def fingerprint(data: bytes, step: int = 100_000) -> Fingerprint:
    made = Fingerprint()
    for start in range(0, len(data), step):
        made.add(data[start : start + step])
        made.settle(made.end)
    return made


@pytest.mark.parametrize("position", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 7 * BLOCK, len(DATA)])
def test_the_hash_of_a_prefix_does_not_depend_on_how_it_was_read(position: int) -> None:
    whole = Fingerprint()
    whole.add(DATA)
    assert whole.at(position) == (position, fingerprint(DATA[:position]).at(position)[1])
    assert walk(Memory(DATA), [position]).digests[position] == whole.at(position)[1]


def test_after_a_restart_at_most_two_blocks_are_read_again_and_the_chain_goes_on() -> None:
    half = 20 * BLOCK + 77
    saved = Saved(json.loads(json.dumps(fingerprint(DATA[:half]).saved(half))))
    file = Memory(DATA)
    resumed = saved.resume(file, half)
    assert resumed is not None
    assert file.bytes_read <= 2 * BLOCK
    resumed.add(DATA[half:])
    assert resumed.at(len(DATA)) == fingerprint(DATA).at(len(DATA))


def test_other_bytes_are_not_taken_for_the_same() -> None:
    saved = Saved(fingerprint(DATA).saved(len(DATA)))
    other = DATA[:-1] + bytes([DATA[-1] ^ 1])
    assert saved.resume(Memory(other), len(DATA)) is None
    assert saved.resume(Memory(DATA[:-1]), len(DATA)) is None


def test_the_marks_of_a_long_file_are_few() -> None:
    made = Fingerprint()
    block = bytes(16 * BLOCK)
    for _ in range(1024):
        made.add(block)
        made.settle(made.end)
    saved = made.saved(made.end)
    assert made.end == 1 << 30
    assert len(saved["marks"]) < 100
    assert len(json.dumps(saved)) < 5000


def test_what_was_added_and_not_delivered_can_be_taken_back() -> None:
    made = fingerprint(DATA[:BLOCK])
    made.add(DATA[BLOCK : 3 * BLOCK])
    assert made.cut(2 * BLOCK - 5)
    made.add(DATA[2 * BLOCK - 5 :])
    assert made.at(len(DATA)) == fingerprint(DATA).at(len(DATA))
