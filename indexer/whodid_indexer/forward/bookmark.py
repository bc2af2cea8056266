"""How far a consumer has come: its place in the store's feed, what became of what it read, and what is on its way.

    NAME.bookmark    one line of JSON (Place), then the records of the batch that is on its way, a line each
    NAME.lock        held by whoever sends for this consumer
    NAME.now         what it is doing, for `forward status`: written at most once a second, never relied on

The place moves when the receiver has acknowledged. A batch for a receiver that tells deliveries apart is written down
before it is first sent, so that after a crash the same records go under the same name again.
"""

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from whodid_indexer.export.file import write_state
from whodid_schema.errors import StateError, UsageError


class FileState(Struct, frozen=True):
    """A file that is written: which one, how much of it counts; `moving` is the name it is being given."""

    inode: int
    size: int
    moving: str | None = None


class Pending(Struct, frozen=True):
    """A batch on its way: see sink.Batch; `records` of it are sent, under the name `delivery`."""

    cursor: str
    read: int
    filtered: int
    records: int
    delivery: str


class Counts(Struct, frozen=True):
    """What became of what was read: `read = sent + filtered + dead + in_flight`."""

    read: int = 0
    sent: int = 0
    filtered: int = 0
    dead: int = 0
    in_flight: int = 0

    @property
    def balanced(self) -> bool:
        """Whether it does."""
        return self.read == self.sent + self.filtered + self.dead + self.in_flight


class Place(Struct, frozen=True):
    """The first line of the file. The counts are those of what lies before `cursor`: nothing of it is in flight."""

    store: str
    cursor: str | None = None
    counts: Counts = Counts()
    pending: Pending | None = None
    file: FileState | None = None
    version: int = 1


class Now(Struct, frozen=True):
    """What a consumer is doing: `state` is sending, waiting, failing or ended; `reason` says why it fails."""

    state: str
    counts: Counts
    reason: str = ""
    attempts: int = 0
    retries: int = 0
    shortened: int = 0


class Bookmark:
    """The bookmark of this name, held against every other process. Raises StateError, and UsageError where it is held.

    `place` is what is on disk or will be with the next `save`; `bodies` belong to `place.pending`.
    """

    def __init__(self, folder: Path, name: str, store: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / f"{name}.bookmark"
        self._now = folder / f"{name}.now"
        self._said = 0.0
        self._told: Now | None = None
        self._lock = hold(folder, name)
        try:
            found = read_bookmark(folder, name)
            self.place, self.bodies = found or (Place(store), [])
            self.new = found is None
            self._same_store(name, store)
        except BaseException:
            os.close(self._lock)
            raise

    def _same_store(self, name: str, store: str) -> None:
        if self.place.store != store:
            raise UsageError(
                f"the bookmark of {name} is of {self.place.store}, not of {store}",
                f"name that store, give the consumer another name, or remove {self.path} to begin anew",
            )

    def save(self, **changed: object) -> None:
        """Put it on disk, changed. Raises StateError where that fails."""
        place = replace(self.place, **changed)
        bodies = self.bodies if place.pending is not None else []
        try:
            write_state(self.path, b"\n".join([msgspec.json.encode(place), *bodies]) + b"\n")
        except OSError as error:
            raise StateError(f"{self.path} cannot be written: {error}", "see to its disk and rights") from error
        self.place = place

    def tell(self, now: Now, *, hurry: bool = False) -> None:
        """Say what is being done, where it is something else than before; at most once a second, unless in a hurry."""
        moment = time.monotonic()
        if now != self._told and (hurry or moment - self._said >= 1.0):
            self._said, self._told = moment, now
            fresh = self._now.with_suffix(".now.new")
            with contextlib.suppress(OSError):  # a full disk is told by `save`; this is only for people who look
                fresh.write_bytes(msgspec.json.encode(now))
                fresh.replace(self._now)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._lock)


def hold(folder: Path, name: str) -> int:
    """The lock of this consumer. Raises UsageError where another process has it."""
    lock = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise UsageError(f"another whodid forward is sending for {name}", "there can be only one") from error
    return lock


def is_held(folder: Path, name: str) -> bool:
    """Whether a process is sending for this consumer."""
    try:
        lock = os.open(folder / f"{name}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def read_bookmark(folder: Path, name: str) -> tuple[Place, list[bytes]] | None:
    """The place and the records on their way; None where there is no bookmark. Raises StateError for a damaged one."""
    path = folder / f"{name}.bookmark"
    try:
        first, *bodies = path.read_bytes().removesuffix(b"\n").split(b"\n")
        place = msgspec.json.decode(first, type=Place)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise StateError(f"{path} cannot be read: {error}", anew(path)) from error
    if place.version != 1 or len(bodies) != (place.pending.records if place.pending else 0):
        raise StateError(f"{path} is damaged, or of another version", anew(path))
    return place, bodies


def anew(path: Path) -> str:
    """What can be done about a bookmark that is of no use."""
    return (
        f"put it back from a backup; or remove {path.name}: the consumer then begins anew and sends everything again, "
        "with `begin: now` only what is new"
    )


def read_now(folder: Path, name: str) -> Now | None:
    """What the consumer said last that it was doing."""
    try:
        return msgspec.json.decode((folder / f"{name}.now").read_bytes(), type=Now)
    except (OSError, msgspec.DecodeError):
        return None
