"""The state directory: who owns it, who this agent is, and how its files are written so that a crash cannot hurt them.

    <state_dir>/
      lock                      held by the one agent that runs here; its process id
      identity.json             the agent's id and its host's name, fixed at the first start
      checkpoint.json           how far every stream is settled (see `checkpoint`)
      journal/<seq>.json        batches in flight (see `journal`)
      parking/<name>.jsonl      events whose index takes nothing for the moment (see `parking`)
      quarantine/<n>.jsonl      what cannot be stored (see `quarantine`)
      requests/<id>.json        what a command asks of the running agent (see `replay`)
      spool/                    what came by HTTP (see `spool`)

A state file is one header line and one JSON document; the header carries a SHA-256 (first 32 hex) of the document:

    whodid checkpoint 1 9f86d081884c7d659a2feaa0c55ad015
    {…}

It is written to `<name>.tmp`, fsynced and renamed, and the directory is fsynced; where a previous generation is kept,
it is `<name>.previous`, and the current file exists at every moment. A damaged current file is answered by the
previous one with a loud warning; with both damaged nothing starts, because starting from nothing would be silent.
"""

import fcntl
import hashlib
import logging
import os
import secrets
import socket
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

import msgspec
from msgspec import Struct

from whodid_schema.errors import StateError

VERSION = 1
FOLDERS = ("journal", "parking", "quarantine", "requests")

log = logging.getLogger(__name__)

Form = TypeVar("Form")


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` as durable as the files."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_synced(path: Path, *parts: bytes) -> None:
    """Write `parts` as the whole of `path`, fsynced; the name itself is not yet durable."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.writelines(parts)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_synced(path: Path, *parts: bytes) -> None:
    """Write `parts` as `path` so that a crash leaves the old or the new file, and the new one once this returns."""
    temporary = path.with_name(path.name + ".tmp")
    write_synced(temporary, *parts)
    temporary.replace(path)
    sync_folder(path.parent)


def framed(kind: str, document: bytes) -> tuple[bytes, bytes]:
    """The header line of a state file and its document."""
    return f"whodid {kind} {VERSION} {_digest(document)}\n".encode(), document


def _digest(document: bytes) -> str:
    return hashlib.sha256(document).hexdigest()[:32]


class Damaged(Exception):
    """A state file is not what was written; the message says how."""


def unframed(kind: str, content: bytes) -> bytes:
    """The document of a state file's content.

    Raises Damaged where it is not what was written, StateError where a newer version wrote it.
    """
    header, _, document = content.partition(b"\n")
    words = header.split(b" ")
    if len(words) != 4 or words[0] != b"whodid" or words[1] != kind.encode() or not words[2].isdigit():
        raise Damaged("its first line is not that of a state file")
    if int(words[2]) > VERSION:
        raise StateError(
            f"the {kind} file was written by a newer version (form {int(words[2])}, this one knows {VERSION})",
            "run the newer whodid-agent, or start with another --state-dir",
        )
    if words[3] != _digest(document).encode():
        raise Damaged("its checksum does not fit its content")
    return document


class StateFile(Generic[Form]):
    """One state file of kind `kind`, holding a `form`; `generations` keeps the previous one beside it."""

    def __init__(self, path: Path, kind: str, form: type[Form], *, generations: bool = False) -> None:
        self.path = path
        self.kind = kind
        self.previous = path.with_name(path.name + ".previous") if generations else None
        self._decoder = msgspec.json.Decoder(form)

    def read(self) -> Form | None:
        """What was written last; None where nothing was ever written. Raises StateError where it cannot be known."""
        found = [path for path in (self.path, self.previous) if path is not None and path.exists()]
        problems = []
        for path in found:
            try:
                value = self._decoder.decode(unframed(self.kind, path.read_bytes()))
            except (Damaged, msgspec.DecodeError, OSError) as error:
                problems.append(f"{path}: damaged: {error}")
                continue
            if problems or path != self.path:
                log.error("%s; going on from the generation before, %s", "; ".join(problems) or self.path, path)
            return value
        if problems:
            raise StateError(
                "\n".join(problems),
                "restore the file from a backup; to give up the positions and read everything again, move it away",
            )
        return None

    def write(self, document: bytes) -> None:
        """Make `document` (JSON of the form) the current generation. Raises OSError; then the old one still stands."""
        temporary = self.path.with_name(self.path.name + ".tmp")
        write_synced(temporary, *framed(self.kind, document))
        if self.previous is not None and self.path.exists():
            link = self.path.with_name(self.path.name + ".link")
            link.unlink(missing_ok=True)
            os.link(self.path, link)
            link.replace(self.previous)
        temporary.replace(self.path)
        sync_folder(self.path.parent)


class Identity(Struct, frozen=True):
    """Who this agent is: `agent` (16 hex) and `host` enter ids and records, so they never change by themselves."""

    agent: str
    host: str


class StateDirectory:
    """An open state directory; with `lock` nobody else can open it so until `close`."""

    def __init__(self, path: Path, *, lock: bool = True) -> None:
        self.path = path
        self._lock: int | None = None
        try:
            if lock:
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
                for folder in FOLDERS:
                    (path / folder).mkdir(mode=0o700, exist_ok=True)
                self._lock = _take(path / "lock")
            self.identity = self._identify(create=lock)
        except (OSError, ValueError) as error:  # ValueError: no path has a NUL
            self.close()
            raise StateError(
                f"the state directory {path} cannot be used: {getattr(error, 'strerror', None) or error}",
                "give a directory this user can write, with --state-dir or WHODID_STATE_DIR",
            ) from error
        except BaseException:
            self.close()
            raise

    def _identify(self, *, create: bool) -> Identity:
        file = StateFile(self.path / "identity.json", "identity", Identity)
        known = file.read()
        if known is None:
            known = Identity(agent=secrets.token_hex(8), host=socket.gethostname())
            if create:
                file.write(msgspec.json.encode(known))
        return known

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let others open it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _take(path: Path) -> int:
    """An exclusive lock on `path`, given back when the descriptor closes or the process ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        process = f" (process {owner})" if owner else ""
        raise StateError(
            f"another whodid-agent{process} already runs on the state directory {path.parent}",
            "stop it, or give this one a directory of its own with --state-dir",
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    return descriptor


def is_locked(path: Path) -> bool:
    """Whether an agent runs on the state directory `path` now."""
    try:
        descriptor = os.open(path / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
