"""Whose bytes an unknown file has: the decision alone; what follows from it is the tracker's.

A configured name is a new file, unless it repeats a homeless instance (the file was replaced by a copy of itself).
Another name that repeats a homeless instance is its new home (copytruncate, compression); one that repeats an
instance which has a home is a copy, or the longer copy, which takes over.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from whodid_agent.inputs.file.instance import Instance
from whodid_agent.inputs.file.kinship import has_more, is_one_line_repeated, kin_of
from whodid_agent.inputs.file.lines import first_line
from whodid_agent.inputs.file.reader import Bytes


class Verdict(NamedTuple):
    """The file is the new home of `instance`, or a copy of it; None: of none.

    `elder` is the instance whose beginning it has, though not the rest.
    """

    instance: Instance | None
    is_home: bool
    elder: Instance | None


class Placing:
    """Judges files; `home_of` opens an instance's own file, where there is one. `max_line`: bytes."""

    def __init__(self, max_line: int, home_of: Callable[[Instance], Bytes | None]) -> None:
        self._max_line = max_line
        self._home_of = home_of

    def judge(self, file: Bytes, namesakes: Sequence[Instance], *, live: bool) -> Verdict:
        """Compare the file with instances of its source; `live`: it has the configured name."""
        kin = kin_of(file, namesakes, self._home_of)
        elder = kin.partial[0] if kin.partial else None
        for instance in kin.full if live else [*kin.full, *kin.prefix]:
            is_home = self._is_home(instance, file, live=live)
            if is_home is not None:
                return Verdict(instance, is_home and instance in kin.full, elder)
        return Verdict(None, is_home=False, elder=elder)

    def _is_home(self, instance: Instance, file: Bytes, *, live: bool) -> bool | None:
        """What the file is to the instance that it repeats: its home, a copy, or (None) neither."""
        homeless = instance.inode is None
        telling = not is_one_line_repeated(file, instance.head)
        if live:
            return True if homeless and instance.head and telling else None
        if homeless:
            return True
        home = self._home_of(instance) if telling or file.packed else None
        if home is None:
            return None
        if not has_more(file, home, instance.head):
            return False
        # the home was itself a copy, made before the last lines were written
        return True if telling and instance.rotated and not instance.unread() else None

    def first_line(self, file: Bytes) -> bytes | None:
        """The file's first complete line; None: not there yet, or too long."""
        size = 64 * 1024
        while True:
            beginning = file.read(0, size)
            line = first_line(beginning, self._max_line)
            if line is not None or len(beginning) < size or size > self._max_line:
                return line
            size *= 4
