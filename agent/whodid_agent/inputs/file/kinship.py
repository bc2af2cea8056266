"""Whose bytes a file repeats: a copy belongs to the instance that it repeats longest.

full      the file has everything that was consumed of the instance, perhaps more
prefix    the file ends before, and is exactly the instance's beginning
partial   the file has at least the instance's first 64 KiB, more is not known
"""

from collections.abc import Sequence
from typing import NamedTuple

from whodid_agent.inputs.file.fingerprint import walk
from whodid_agent.inputs.file.instance import Instance
from whodid_agent.inputs.file.reader import Bytes


class Kin(NamedTuple):
    """The instances that a file repeats, the longest first."""

    full: list[Instance]
    prefix: list[Instance]
    partial: list[Instance]


def kin_of(file: Bytes, instances: Sequence[Instance]) -> Kin:
    """Compare a file, read once, with all `instances`."""
    claims = [(instance, *instance.claim()) for instance in instances if instance.head]
    claims = sorted((claim for claim in claims if claim[1]), key=lambda claim: -claim[1])
    unread = [instance for instance in instances if instance.inode is None and _may_be_the_unread(instance, file)]
    if not claims:
        return Kin(unread, [], [])
    marks = {instance.key: instance.marks() for instance, _, _ in claims}
    walked = walk(file, {position for _, position, _ in claims}.union(*marks.values()))
    full = [instance for instance, position, digest in claims if walked.digests.get(position) == digest]
    rest = [claim for claim in claims if claim[0] not in full]
    prefix = [instance for instance, position, _ in rest if _is_prefix(instance, walked.end, walked.digests, position)]
    reach = {
        instance.key: max((at for at, mark in marks[instance.key].items() if walked.digests.get(at) == mark), default=0)
        for instance, _, _ in rest
    }
    partial = [instance for instance, _, _ in rest if reach[instance.key] and instance not in prefix]
    return Kin([*full, *unread], prefix, sorted(partial, key=lambda instance: -reach[instance.key]))


def _may_be_the_unread(instance: Instance, file: Bytes) -> bool:
    """Nothing was read of the instance, so nothing but its size (and the first line) can speak against it."""
    return not instance.head and not instance.gone and instance.size > 0 and bool(file.read(instance.size - 1, 1))


def _is_prefix(instance: Instance, end: int | None, digests: dict[int, bytes], claimed: int) -> bool:
    if not end or end >= claimed or instance.print is None:
        return False
    return instance.print.at(end) == (end, digests[end])


def has_more(file: Bytes, home: Bytes, start: int) -> bool:
    """Whether the file has bytes from `start` on that `home` does not have there."""
    while piece := file.read(start, 1 << 20):
        if home.read(start, len(piece)) != piece:
            return True
        start += len(piece)
    return False


def is_one_line_repeated(file: Bytes, first_line: bytes) -> bool:
    """Whether the beginning of the file is nothing but one line again and again.

    Such bytes do not tell a copy from another file.
    """
    beginning = file.read(0, 64 * 1024)
    lines = beginning.split(b"\n")[:-1]
    return len(lines) > 0 and all(line.removesuffix(b"\r") == first_line for line in lines)
