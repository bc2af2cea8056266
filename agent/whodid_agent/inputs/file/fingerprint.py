"""What the consumed bytes of a file were: a chain of hashes by which the same bytes are known again under any name.

    H(0) = ""      H(k+1) = SHA-256(H(k) + block k)[:16]      blocks of 64 KiB
    D(p) = H(p / 64 KiB) if p is a multiple of 64 KiB, else SHA-256(H(p // 64 KiB) + the bytes up to p)[:16]

D(p) names the whole prefix of p bytes, and the chain goes on from H(k): after a restart at most one block is read
again, however long the file. H is kept for a number of blocks that grows with the logarithm of the file
(`_kept`): every one of the last eight, every second of the eight pairs before them, and so on.

The bytes behind the last settled block are held in memory (at most `HELD`), so that D is exact at any position that
a checkpoint or a shorter copy may ask for. Nothing but the hashes is ever written down.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

BLOCK = 64 * 1024
HELD = 32 * 1024 * 1024
BEGINNING = 1024


class Readable(Protocol):
    """Bytes that can be read by position."""

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset`; fewer only at the end."""


def _link(before: bytes, data: bytes | memoryview) -> bytes:
    digest = hashlib.sha256(before)
    digest.update(data)
    return digest.digest()[:16]


def _kept(number: int, newest: int) -> bool:
    """Whether H(number) is still kept when H(newest) is the last: its distance may be eight times its evenness."""
    return newest - number < 8 * (number & -number)


class Fingerprint:
    """The hashes of one file's bytes from 0 to `end`, and the newest of the bytes themselves.

    `beginning` are its first bytes (`BEGINNING` at most), to see quickly that a file is still the same.
    """

    def __init__(self, marks: Mapping[int, bytes] | None = None, block: int = 0) -> None:
        self._marks = dict(marks or {})
        self._floor = block
        self._chain = [self._marks[block] if block else b""]
        self._raw = bytearray()
        self.beginning = b""

    @property
    def floor(self) -> int:
        """From here to `end` every position has an exact hash."""
        return self._floor * BLOCK

    @property
    def end(self) -> int:
        """How many bytes of the file have been added."""
        return self.floor + len(self._raw)

    def add(self, data: bytes | memoryview) -> None:
        """The bytes that follow `end`."""
        if self.end < BEGINNING:
            self.beginning += bytes(data[: BEGINNING - self.end])
        self._raw += data
        if len(self._raw) > HELD:
            self.settle(self.end - HELD // 2)

    def tail(self, size: int) -> bytes:
        """The last bytes before `end`, at most `size`, fewer where they are no longer held."""
        return bytes(self._raw[max(0, len(self._raw) - size) :])

    def cut(self, position: int) -> bool:
        """Forget what was added behind `position`; False: it lies below what is held."""
        if position < self.floor:
            return False
        del self._raw[position - self.floor :]
        self.beginning = self.beginning[:position]
        del self._chain[(position - self.floor) // BLOCK + 1 :]
        return True

    def settle(self, position: int) -> None:
        """Nothing below `position` is asked for any more, but for one whole block that shorter copies may end in."""
        keep = max(self._floor, position // BLOCK - 1)
        self._link_up_to(keep)
        for number in range(self._floor + 1, keep + 1):
            self._marks[number] = self._chain[number - self._floor]
        del self._raw[: (keep - self._floor) * BLOCK]
        del self._chain[: keep - self._floor]
        self._floor = keep
        self._marks = {number: mark for number, mark in self._marks.items() if _kept(number, keep)}

    def at(self, position: int) -> tuple[int, bytes]:
        """(p, D(p)) for the largest known p up to `position`: itself, unless it lies below `floor`."""
        if position < self.floor:
            number = max((number for number in self._marks if number * BLOCK <= position), default=0)
            return number * BLOCK, self._marks.get(number, b"")
        position = min(position, self.end)
        number = position // BLOCK
        self._link_up_to(number)
        rest = memoryview(self._raw)[number * BLOCK - self.floor : position - self.floor]
        before = self._chain[number - self._floor]
        return position, _link(before, rest) if rest else before

    def marks(self) -> dict[int, bytes]:
        """D at the multiples of 64 KiB that are still kept."""
        return {number * BLOCK: mark for number, mark in self._marks.items()}

    def _link_up_to(self, number: int) -> None:
        with memoryview(self._raw) as raw:
            while len(self._chain) <= number - self._floor:
                start = (len(self._chain) - 1) * BLOCK
                self._chain.append(_link(self._chain[-1], raw[start : start + BLOCK]))

    def saved(self, position: int) -> dict[str, Any]:
        """As JSON, for the checkpoint: the marks up to `position` and D of it."""
        verified, digest = self.at(position)
        marks = {number: mark for number, mark in self._marks.items() if number * BLOCK <= position}
        newest = position // BLOCK
        for number in range(self._floor, self._floor + len(self._chain)):
            if 0 < number <= newest:
                marks[number] = self._chain[number - self._floor]
        if verified % BLOCK == 0 and verified:
            marks[verified // BLOCK] = digest
        kept = {str(number): mark.hex() for number, mark in sorted(marks.items()) if _kept(number, newest)}
        return {"verified": verified, "digest": digest.hex(), "marks": kept}


class Saved:
    """A fingerprint as the checkpoint has it: enough to know the bytes again, not yet to go on with them."""

    def __init__(self, saved: Mapping[str, Any]) -> None:
        self.verified = int(saved.get("verified", 0))
        self.digest = bytes.fromhex(saved.get("digest", ""))
        self.marks = {int(number): bytes.fromhex(mark) for number, mark in saved.get("marks", {}).items()}

    def saved(self) -> dict[str, Any]:
        """As it came from the checkpoint."""
        marks = {str(number): mark.hex() for number, mark in self.marks.items()}
        return {"verified": self.verified, "digest": self.digest.hex(), "marks": marks}

    def marks_by_position(self) -> dict[int, bytes]:
        """D at the multiples of 64 KiB that were kept."""
        return {number * BLOCK: mark for number, mark in self.marks.items()}

    def resume(self, file: Readable, position: int) -> Fingerprint | None:
        """The fingerprint up to `position`, from the bytes behind the last mark; None: they are other bytes."""
        block = max((number for number in self.marks if number * BLOCK <= self.verified), default=0)
        found = Fingerprint(self.marks, block)
        found.beginning = file.read(0, BEGINNING) if block else b""
        while found.end < position:
            piece = file.read(found.end, min(1 << 20, position - found.end))
            if not piece:
                return None
            found.add(piece)
        return found if found.at(self.verified) == (self.verified, self.digest) else None


class Walk(NamedTuple):
    """D at the positions that were asked for and reached; `end`: the file's end, if it came first (D there too)."""

    digests: dict[int, bytes]
    end: int | None


def walk(file: Readable, positions: Iterable[int]) -> Walk:
    """Read the file once from its beginning, up to the largest of `positions`."""
    found: dict[int, bytes] = {}
    print_ = Fingerprint()
    for position in sorted(set(positions)):
        while print_.end < position:
            piece = file.read(print_.end, min(1 << 20, position - print_.end))
            if not piece:
                found[print_.end] = print_.at(print_.end)[1]
                return Walk(found, print_.end)
            print_.add(piece)
            print_.settle(print_.end)
        found[position] = print_.at(position)[1]
    return Walk(found, None)
