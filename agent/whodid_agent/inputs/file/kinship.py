"""Whose bytes a file repeats: a copy belongs to the instance that it repeats longest.

full      the file has everything that was consumed of the instance, perhaps more
prefix    the file ends before, and is exactly the instance's beginning
partial   the file has at least the instance's first 64 KiB, more is not known
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from whodid_agent.inputs.file.fingerprint import Walk, walk
from whodid_agent.inputs.file.instance import Instance
from whodid_agent.inputs.file.reader import Bytes, is_packed


class Kin(NamedTuple):
    """The instances that a file repeats, the longest first."""

    full: list[Instance]
    prefix: list[Instance]
    partial: list[Instance]


def kin_of(file: Bytes, instances: Sequence[Instance], home_of: Callable[[Instance], Bytes | None]) -> Kin:
    """Compare a file with all `instances`; `home_of` opens the instance's own file, for what its hashes do not tell."""
    claims = [(instance, *instance.claim()) for instance in instances if instance.head]
    claims = sorted((claim for claim in claims if claim[1]), key=lambda claim: -claim[1])
    unread = [instance for instance in instances if _may_be_the_unread(instance, file)]
    unread.sort(key=lambda instance: instance.inode is not None)
    if not claims:
        return Kin(unread, [], [])
    marks = {instance.key: instance.marks() for instance, _, _ in claims}
    walked = walk(file, {position for _, position, _ in claims}.union(*marks.values()))
    full = [instance for instance, position, digest in claims if walked.digests.get(position) == digest]
    rest = [claim for claim in claims if claim[0] not in full]
    shorter = [instance for instance, position, _ in rest if walked.end and walked.end < position]
    prefix = [instance for instance in shorter if _has_prefix(instance, file, walked, home_of)]
    reach = {
        instance.key: max((at for at, mark in marks[instance.key].items() if walked.digests.get(at) == mark), default=0)
        for instance, _, _ in rest
    }
    partial = [instance for instance, _, _ in rest if reach[instance.key] and instance not in prefix]
    return Kin([*full, *unread], prefix, sorted(partial, key=lambda instance: -reach[instance.key]))


def _may_be_the_unread(instance: Instance, file: Bytes) -> bool:
    """Whether the file may be that of an instance of which nothing was read.

    Without a home, nothing but its size (and the first line) can speak against it. One that was rotated and whose
    bytes are still there, under a name or an open descriptor, may just have been compressed: the bytes will tell.
    """
    if instance.head or instance.gone or not instance.size:
        return False
    if instance.inode is not None:
        return file.packed and instance.rotated and not is_packed(instance.path)
    return bool(file.read(instance.size - 1, 1))


def _has_prefix(instance: Instance, file: Bytes, walked: Walk, home_of: Callable[[Instance], Bytes | None]) -> bool:
    end = walked.end or 0
    if instance.print is not None and instance.print.floor <= end:
        return instance.print.at(end) == (end, walked.digests[end])
    home = home_of(instance) if instance.inode is not None else None
    return home is not None and not has_more(file, home, 0)


def has_more(file: Bytes, home: Bytes, start: int) -> bool:
    """Whether the file has bytes from `start` on that `home` does not have there."""
    while piece := file.read(start, 1 << 20):
        if home.read(start, len(piece)) != piece:
            return True
        start += len(piece)
    return False


def is_one_line_repeated(file: Bytes, size: int) -> bool:
    """Whether the first `size` bytes of the file are nothing but one line again and again.

    Such bytes do not tell a copy from another file.
    """
    lines = file.read(0, min(size, 64 * 1024)).split(b"\n")
    return all(line == lines[0] for line in lines[:-1])
