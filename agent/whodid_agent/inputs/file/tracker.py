"""Which file is which instance: keeps every instance on its bytes through rotation, truncation, copies and restarts.

    known inode, same bytes          the instance goes on, whatever the file is called now
    known inode, out of sight        the instance waits where it is: rights were taken from its folder
    known inode, other bytes         truncated, or the inode was used again: a new instance; the old one is homeless
    inode gone, descriptor open      read to its end, then homeless
    unknown file                     see `placing`

A homeless instance takes the file that repeats its bytes as its new home; after `grace` seconds without one, what
was seen of it but not read is missed. A copy of an instance that has a home is remembered and not read.
"""

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from whodid_agent.inputs.file.descriptors import Descriptors
from whodid_agent.inputs.file.instance import Inode, Instance, Stamp, is_out_of_sight, stamp_of
from whodid_agent.inputs.file.placing import Placing
from whodid_agent.inputs.file.reader import Bytes, is_packed, open_bytes
from whodid_agent.inputs.file.register import Register
from whodid_agent.inputs.file.scan import Found
from whodid_schema.timestamp import from_micros


class Timing(NamedTuple):
    """The clocks, and how long is waited.

    `wall`: seconds since 1970; `now`: a clock that only goes forward. A file that has not changed for `settle` seconds
    is finished; unread bytes that have not turned up after `grace` seconds are missed.
    """

    wall: Callable[[], float] = time.time
    now: Callable[[], float] = time.monotonic
    settle: float = 2.0
    grace: float = 10.0

    def receipt(self) -> str:
        """The time of receipt, if that is now: RFC 3339, UTC, six decimals."""
        return from_micros(round(self.wall() * 1e6))


class Tracker:
    """Finds the files of one input's instances, which `register` holds.

    `name_generation` turns a file's first line into its generation, `source_of` a configured path into the source.
    """

    def __init__(
        self,
        register: Register,
        *,
        name_generation: Callable[[bytes], str],
        source_of: Callable[[str], str],
        timing: Timing,
        max_line: int,
    ) -> None:
        self._register = register
        self._name_generation = name_generation
        self._source_of = source_of
        self._timing = timing
        self._placing = Placing(max_line, self.open)
        self._homes: dict[Inode, Instance] = {}
        self._copies: dict[Inode, tuple[Instance, Stamp, float | None]] = {}
        self._waiting: dict[Inode, tuple[Stamp, float, str]] = {}
        self._present: set[Inode] = set()
        self.descriptors = Descriptors()
        self._round = 0
        self.finishing = False
        self.problems: dict[str, str] = {}

    # ---- the instances

    def unlinked(self) -> list[Instance]:
        """The instances whose file has no name any more, but an open descriptor."""
        return [instance for inode, instance in self._homes.items() if inode not in self._present]

    def spent(self) -> list[str]:
        """Instances whose file is gone and was settled to its end, but for the newest of each source."""
        return self._register.spent({copy[0].key for copy in self._copies.values()})

    def undecided(self) -> int:
        """Files whose instance is not known yet; when finishing, also instances whose bytes may still turn up."""
        homeless = sum(instance.is_missing() for instance in self._register) if self.finishing else 0
        return len(self._waiting) + homeless

    def is_final(self, instance: Instance) -> bool:
        """Whether nothing is expected to be written to the instance's file any more."""
        return instance.rotated and (self.finishing or self._timing.now() - instance.changed_at >= self._timing.settle)

    # ---- what is there now

    def update(self, files: Iterable[Found]) -> None:
        """Take in what a scan has found."""
        files = list(files)
        self.problems = {}
        self._round += 1
        present = {found.inode for found in files}
        hidden = [home for inode, home in self._homes.items() if inode not in present and is_out_of_sight(home)]
        for instance in hidden:
            self._look_through(instance)
        self._present = present = present.union(home.inode for home in hidden if home.inode is not None)
        if unplaced := self._restored_homes(files):
            self._resume(unplaced)
        unknown = [found for found in files if not self._still_known(found)]
        for instance in [home for inode, home in self._homes.items() if inode not in present]:
            self._follow_unlinked(instance)
        self._copies = {inode: copy for inode, copy in self._copies.items() if inode in present}
        self._waiting = {inode: wait for inode, wait in self._waiting.items() if inode in present}
        # first those that belong to an instance: having found its home, it knows its shorter copies too
        strangers = [found for found in unknown if not self._try_place(found, as_new=False)]
        for found in strangers:
            self._try_place(found, as_new=True)
        self._give_up()

    def _restored_homes(self, files: list[Found]) -> list[tuple[Found, list[Instance]]]:
        """After a restart: the files whose inode the checkpoint names, and the instances that it names for it."""
        by_inode: dict[Inode, list[Instance]] = {}
        for instance in self._register:
            if instance.inode is not None and self._homes.get(instance.inode) is not instance:
                by_inode.setdefault(instance.inode, []).append(instance)
        pairs = [(found, by_inode.pop(found.inode)) for found in files if found.inode in by_inode]
        for instance in [instance for group in by_inode.values() for instance in group]:
            if not is_out_of_sight(instance):
                self.lose(instance)
        return pairs

    def _resume(self, pairs: list[tuple[Found, list[Instance]]]) -> None:
        for found, instances in pairs:
            for instance in sorted(instances, key=lambda each: -each.head):
                if found.inode not in self._homes and self._is_in(instance, found):
                    self._settle_in(instance, found)
                else:
                    self.lose(instance)

    def _is_in(self, instance: Instance, found: Found) -> bool:
        if instance.read_to_end == stamp_of(found.stat):
            return True
        try:
            file = open_bytes(found.path)
        except OSError:
            # it may be readable again later; the inode is all there is to go by until then
            return True
        try:
            return self.repeats(instance, file)
        finally:
            file.close()

    def repeats(self, instance: Instance, file: Bytes) -> bool:
        """Whether the file has what was consumed of the instance, or at least the first line it was known by."""
        if instance.generation and (not instance.head or instance.print is None):
            shorter = not file.packed and file.stat().st_size < instance.size
            return not shorter and self._generation_of(file) in {"", instance.generation} and instance.resume(file)
        return instance.resume(file)

    def _generation_of(self, file: Bytes) -> str:
        line = self._placing.first_line(file)
        return "" if line is None else self._name_generation(line)

    def _still_known(self, found: Found) -> bool:
        """Whether the file is an instance's home or a known copy, and still what it was."""
        instance = self._homes.get(found.inode)
        if instance is None:
            copy = self._copies.get(found.inode)
            if copy is not None and copy[1:] == (stamp_of(found.stat), copy[0].lost_at):
                return True
            self._copies.pop(found.inode, None)
            return False
        if instance.stamp == stamp_of(found.stat):
            self._settle_in(instance, found)
            return True
        if instance.file is None and is_packed(found.path):
            # the inode may have been used again; of a compressed file only the whole tells
            self.lose(instance)
            return False
        file = self.open(instance, found.path)
        if file is None or self.repeats(instance, file):
            self._settle_in(instance, found)
            return True
        self.lose(instance)
        return False

    def _settle_in(self, instance: Instance, found: Found) -> None:
        """The instance's bytes are in this file."""
        stamp = stamp_of(found.stat)
        if instance.stamp != stamp:
            written = self._timing.wall() - found.stat.st_mtime
            # what was last written long ago (by the wall clock, if that can be believed) need not be waited for
            instance.changed_at = self._timing.now() - max(0.0, written)
        instance.inode, instance.path = found.inode, found.path
        instance.seen(stamp, packed=is_packed(found.path))
        instance.rotated = not found.current or is_packed(found.path)
        instance.lost_at = None
        self._homes[found.inode] = instance
        self._waiting.pop(found.inode, None)

    # ---- where nothing is known

    def _try_place(self, found: Found, *, as_new: bool) -> bool:
        """Whether it is decided what the file is; `as_new`: a new instance, if nothing else."""
        if found.stat.st_size == 0:
            return True
        try:
            file = open_bytes(found.path)
        except OSError as error:
            self.problems[found.path] = f"{found.path}: cannot be read: {error.strerror}"
            return True
        try:
            return self._place(found, file, as_new=as_new)
        finally:
            file.close()

    def _place(self, found: Found, file: Bytes, *, as_new: bool) -> bool:
        """Go by what `placing` says of an unknown file; as long as it may still be growing into a copy, it waits."""
        line = self._placing.first_line(file)
        generation = self._name_generation(line) if line is not None else ""
        namesakes = self._register.namesakes(self._source_of(found.configured), generation)
        live = found.current and not file.packed
        verdict = self._placing.judge(file, namesakes, live=live)
        whose = verdict.instance
        if whose is not None and verdict.is_home and whose.resume(file):
            self._leave(whose)
            self._settle_in(whose, found)
        elif whose is not None:
            self._copies[found.inode] = (whose, stamp_of(found.stat), whose.lost_at)
            self._waiting.pop(found.inode, None)
        elif not as_new:
            return False
        elif live or not (namesakes or line is None) or not self._must_wait(found):
            elder = None if live else verdict.elder
            receipt = elder.first_receipt if elder else self._register.receipt()
            self._settle_in(self._register.new(self._source_of(found.configured), generation, receipt), found)
        return True

    def _must_wait(self, found: Found) -> bool:
        """Whether the file may still be growing: it changed within the last `settle` seconds."""
        stamp, now = stamp_of(found.stat), self._timing.now()
        before = self._waiting.get(found.inode)
        if before is None or before[0] != stamp:
            age = self._timing.wall() - found.stat.st_mtime
            before = (stamp, now - max(0.0, age), found.path)
        self._waiting[found.inode] = before
        if now - before[1] >= self._timing.settle:
            del self._waiting[found.inode]
            return False
        return True

    # ---- what has gone

    def _follow_unlinked(self, instance: Instance) -> None:
        """The name is gone: what the open descriptor still gives is read until nothing more comes."""
        file = instance.file
        if file is None:
            self.lose(instance)
            return
        instance.rotated = True
        self._look_through(instance)
        if not instance.continues_in(file) or (not instance.unread() and self.is_final(instance)):
            self.lose(instance)

    def _look_through(self, instance: Instance) -> None:
        """What the open descriptor, if there is one, says of the file."""
        if instance.file is not None and instance.stamp != (stamp := stamp_of(instance.file.stat())):
            instance.seen(stamp, packed=instance.file.packed)
            instance.changed_at = self._timing.now()

    def _leave(self, instance: Instance) -> None:
        if instance.inode is not None and self._homes.get(instance.inode) is instance:
            del self._homes[instance.inode]
        self.descriptors.close(instance)

    def lose(self, instance: Instance) -> None:
        """The instance's bytes are nowhere any more; a copy may have them."""
        self._leave(instance)
        instance.inode, instance.lost_at, instance.lost_in = None, self._timing.now(), self._round
        instance.rotated = True

    def _give_up(self) -> None:
        """Count as missed what was seen of homeless instances and did not turn up again."""
        if self._waiting:
            return
        for instance in self._register:
            if instance.is_missing() and self._patience_is_over(instance):
                self._register.miss(instance, instance.size - instance.head)

    def _patience_is_over(self, instance: Instance) -> bool:
        """Not in the round of the loss: a copy may have been made behind the back of the scan that saw it."""
        if instance.lost_in == self._round:
            return False
        return self.finishing or self._timing.now() - (instance.lost_at or 0.0) >= self._timing.grace

    def forget(self, instance: Instance) -> None:
        """No file is taken for this instance's any more: some of the bytes it stands behind were never seen."""
        self.lose(instance)
        self._register.disown(instance)

    # ---- descriptors

    def open(self, instance: Instance, path: str = "") -> Bytes | None:
        """The instance's file, open; None: it cannot be read now (a problem says why)."""
        try:
            return self.descriptors.open(instance, path or instance.path)
        except OSError as error:
            self.problems[instance.path] = f"{instance.path}: cannot be read: {error.strerror}"
            return None

    def close(self) -> None:
        """Give back all descriptors."""
        self.descriptors.close_all()
