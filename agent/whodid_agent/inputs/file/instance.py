"""One file instance: what was consumed of it, and where its bytes are now.

Its row in the checkpoint (`saved`), all but the position:

    {"v": 1, "source": "host:/var/log/a.jsonl", "generation": "…", "first_receipt": "2026-…Z",
     "path": "/var/log/a.jsonl.1", "inode": [device, inode] or null (its bytes are nowhere now),
     "size": bytes there were when last seen, "stamp": [size, mtime in ns] of the file when it had been read to its end,
     "rotated": true, "gone": true (its unread bytes have been counted as missed),
     "print": {"verified": p, "digest": D(p), "marks": {block number: H}}}          (see fingerprint)

`verified` is the position itself unless more than `fingerprint.HELD` bytes were in flight. The marks of a file of
10 GB are about a hundred.
"""

import os
from collections.abc import Mapping
from typing import Any

from whodid_agent.filename import told
from whodid_agent.inputs.contract import StreamRow
from whodid_agent.inputs.file.fingerprint import BEGINNING, Fingerprint, Saved
from whodid_agent.inputs.file.reader import Bytes, is_packed
from whodid_agent.normalise.contract import Stream
from whodid_schema.errors import StateError

VERSION = 1

Inode = tuple[int, int]
Stamp = tuple[int, int]


def is_out_of_sight(instance: "Instance") -> bool:
    """Whether a file that no scan found may be where it was: nobody may look there now, or only by its name."""
    try:
        status = os.stat(instance.path)  # noqa: PTH116 - asked often
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return (status.st_dev, status.st_ino) == instance.inode


def stamp_of(status: os.stat_result) -> Stamp:
    """What changes when a file is written."""
    return status.st_size, status.st_mtime_ns


class Instance:
    """A stream of the file input. `head` is how far it has been read; `inode` None: its bytes are nowhere now."""

    def __init__(self, key: str, source: str, first_receipt: str, generation: str = "") -> None:
        self.key = key
        self.source = source
        self.first_receipt = first_receipt
        self.generation = generation
        self.head = 0
        self.settled = 0
        self.path = ""
        self.inode: Inode | None = None
        self.file: Bytes | None = None
        self.size = 0
        self.stamp: Stamp = (0, 0)
        self.read_to_end: Stamp | None = None
        self.changed_at = 0.0
        self.rotated = False
        self.lost_at: float | None = None
        self.lost_in = 0
        self.fault = ""
        self.gone = False
        self.print: Fingerprint | None = Fingerprint()
        self.restored: Saved | None = None
        self._stream: Stream | None = None

    @classmethod
    def of_row(cls, row: StreamRow) -> "Instance":
        """The instance that the checkpoint knows. Raises StateError where a newer version wrote it."""
        detail = row.detail
        if detail.get("v") != VERSION:
            raise StateError(
                f"stream {row.key}: its file's state has version {detail.get('v')!r}, this agent reads {VERSION}",
                "run the version that wrote it, or a newer one",
            )
        self = cls(row.key, detail["source"], detail["first_receipt"], detail["generation"])
        self.head, self.path, self.size = row.position, detail["path"], detail["size"]
        self.settled = row.position
        self.inode = (detail["inode"][0], detail["inode"][1]) if detail["inode"] else None
        self.read_to_end = (detail["stamp"][0], detail["stamp"][1]) if detail["stamp"] else None
        self.rotated, self.gone = detail["rotated"], detail["gone"]
        self.print, self.restored = None, Saved(detail["print"])
        return self

    def saved(self, position: int) -> Mapping[str, Any]:
        """The row's detail for `position`."""
        prints = self.print.saved(position) if self.print else self.restored.saved() if self.restored else {}
        return {
            "v": VERSION,
            "source": self.source,
            "generation": self.generation,
            "first_receipt": self.first_receipt,
            "path": told(self.path),
            "inode": list(self.inode) if self.inode else None,
            "size": self.size,
            "stamp": list(self.read_to_end) if self.read_to_end and position == self.head else None,
            "rotated": self.rotated,
            "gone": self.gone,
            "print": prints,
        }

    def stream(self, agent: str, host: str) -> Stream:
        """What the lines' origins say; the same object until the generation becomes known."""
        if self._stream is None or self._stream.generation != self.generation:
            self._stream = Stream("file", self.source, self.generation, self.first_receipt, agent, host)
        return self._stream

    def unread(self) -> int:
        """Bytes behind `head`, as far as known (a compressed file: 1 until its end is known)."""
        if self.inode is None or self.read_to_end == self.stamp:
            return 0
        if self.file is not None and self.file.packed:
            return self.file.unread(self.head)
        return 1 if is_packed(self.path) else max(0, self.size - self.head)

    def is_missing(self) -> bool:
        """Whether bytes were seen that were not read, and are nowhere now."""
        return self.inode is None and not self.gone and self.size > self.head

    def seen(self, stamp: Stamp, *, packed: bool) -> None:
        """What the file was when it was looked at; how much a compressed one holds is not known by that."""
        self.stamp = stamp
        self.size = max(self.size, self.head) if packed else stamp[0]

    def continues_in(self, file: Bytes) -> bool:
        """Whether the file still has what was read of it: its beginning, and the last bytes before `head`."""
        if file.packed or self.print is None:
            return True
        if file.stat().st_size < self.head:
            return False
        beginning, tail = self.print.beginning, self.print.tail(BEGINNING)
        return file.read(self.head - len(tail), len(tail)) == tail and file.read(0, len(beginning)) == beginning

    def resume(self, file: Bytes) -> bool:
        """After a restart: go on in this file if it repeats what was consumed. False: it does not."""
        if self.restored is None:
            return self.continues_in(file)
        found = self.restored.resume(file, self.head)
        if found is None:
            return False
        self.print, self.restored = found, None
        return True

    def rewind(self, position: int) -> None:
        """Go back to `position`, which was not settled yet."""
        if self.print is not None and not self.print.cut(position):
            # more was in flight than is held: the bytes up to there have to be read once more
            self.restored, self.print = Saved(self.print.saved(position)), None
        self.head = min(self.head, position)
        self.read_to_end = None

    def settle(self, position: int) -> None:
        """Nothing before `position` will be asked for again."""
        self.settled = position
        if self.print is not None:
            self.print.settle(position)

    def rest(self) -> None:
        """Let go of the bytes held in memory, if all is settled; `resume` reads the last of them again when needed."""
        if self.print is not None and self.head and self.settled == self.head:
            self.restored, self.print = Saved(self.print.saved(self.head)), None

    def claim(self) -> tuple[int, bytes]:
        """(p, D(p)): whoever repeats these p bytes is a copy; p is `head`, or near it."""
        if self.print is not None:
            return self.print.at(self.head)
        return (self.restored.verified, self.restored.digest) if self.restored else (0, b"")

    def marks(self) -> Mapping[int, bytes]:
        """D at some positions below the claim, for copies that are shorter."""
        return self.print.marks() if self.print else self.restored.marks_by_position() if self.restored else {}
