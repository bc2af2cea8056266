"""The file input: every line of the configured files, once, in order, whatever rotation does to them.

FileSource("app", ["/var/log/app/*.jsonl"], normaliser, host="web-1", agent="agent-1", wake=event.set)

poll ─► scan: what files there are ─► tracker: which of them is which instance ─► queues
read ─► blocks: whole lines, redacted, with positions ─► Block
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whodid_agent.filename import told
from whodid_agent.inputs.contract import Block, Gone, StreamRow
from whodid_agent.inputs.file.blocks import Blocks
from whodid_agent.inputs.file.instance import Instance, Stamp, stamp_of
from whodid_agent.inputs.file.pieces import Ending, Pieces
from whodid_agent.inputs.file.register import Register
from whodid_agent.inputs.file.scan import Scan
from whodid_agent.inputs.file.tracker import Timing, Tracker
from whodid_agent.inputs.file.unwrap import Mode
from whodid_agent.normalise.contract import Normaliser
from whodid_schema.errors import StateError

if TYPE_CHECKING:
    from whodid_agent.inputs.file.watch import Watch

MAX_LINE = 16 * 1024 * 1024
_CHUNK = 1 << 20
_BUSY_INTERVAL = 0.25
_SLOW_SCAN = 0.005
_LONGEST_PAUSE = 2.0


def _watch(wake: Callable[[], None]) -> "Watch":
    from whodid_agent.inputs.file.watch import Watch  # noqa: PLC0415  a run with --once needs none

    return Watch(wake)


class FileSource:
    """One `file:` input; implements `inputs.contract.Source`.

    `patterns`: paths or globs (`**` goes through folders); relative ones are taken from the working directory.
    `host`: the host's name as the state directory fixed it. `source`: what stands for `host:path` in ids; of a glob's
    or several files, the path is added. `wake` is called from another thread when something changed. `timing`:
    clocks and patience (`Timing`). `chunk`: bytes of one read. `max_line`: bytes; longer lines are refused. `unwrap`:
    what a container's runtime put around each line and is taken off (`unwrap.Mode`).
    """

    def __init__(  # noqa: PLR0913 - keyword arguments, one per setting of the input
        self,
        name: str,
        patterns: Sequence[str | Path],
        normaliser: Normaliser,
        *,
        host: str,
        agent: str = "",
        source: str | None = None,
        wake: Callable[[], None] | None = None,
        timing: Timing | None = None,
        chunk: int = _CHUNK,
        max_line: int = MAX_LINE,
        unwrap: Mode = "auto",
    ) -> None:
        self.name = name
        self.normaliser = normaliser
        self._host, self._agent, self._source = host, agent, source
        self._timing, self._chunk = timing or Timing(), chunk
        self._scan = Scan(patterns)
        self._several = self._scan.several
        self._blocks = Blocks(normaliser, Pieces(max_line), unwrap, chunk, agent=agent, host=host)
        self._watch = _watch(wake) if wake else None
        self._register = Register(name, self._timing.wall)
        self._tracker = Tracker(
            self._register,
            name_generation=self._blocks.generation,
            source_of=self._source_of,
            timing=self._timing,
            max_line=max_line,
        )
        self._queues: deque[deque[Instance]] = deque()
        self._held: dict[str, tuple[Stamp, Ending]] = {}
        self._served = ""
        self._next_scan = 0.0
        self._slow = False

    # ---- life

    def open(self, rows: Mapping[str, StreamRow]) -> None:
        """Go on where the rows stand. Raises StateError for a row of a newer version."""
        self._register.restore(rows)
        self._look()

    def poll(self) -> None:
        """Look for new files, rotations and truncations.

        At most four times a second while there is work queued; where a look takes long, a twentieth of the time.
        """
        if self._timing.now() >= self._next_scan or not (self._queues or self._tracker.finishing or self._slow):
            self._look()

    def finish(self) -> None:
        """From now on a last line without newline counts, if it is a complete JSON value."""
        self._tracker.finishing = True
        self._next_scan = 0.0

    def close(self) -> None:
        """Give back descriptors and the watching thread."""
        self._tracker.close()
        if self._watch:
            self._watch.close()

    def problems(self) -> list[str]:
        """What cannot be read now, one sentence each; they do not stop the rest and may go away by themselves."""
        watch = [self._watch.problem] if self._watch and self._watch.problem else []
        faults = [f"{each.path}: {each.fault}" for each in self._register.readable() if each.fault]
        held = [
            f"{each.path}: was deleted with {each.unread()} bytes unread; let this agent run until they are delivered"
            for each in self._tracker.unlinked()
            if each.unread()
        ]
        return [*self._scan.problems.values(), *self._tracker.problems.values(), *faults, *held, *watch]

    def _look(self) -> None:
        began = self._timing.now()
        files = self._scan.look()
        if self._watch:
            self._watch.follow(self._scan.directories())
        self._tracker.update(files)
        self._line_up()
        took = self._timing.now() - began
        self._slow = took > _SLOW_SCAN
        pause = _BUSY_INTERVAL if self._queues else 0.0
        self._next_scan = began + max(pause, min(20 * took, _LONGEST_PAUSE) if self._slow else 0.0)

    def _line_up(self) -> None:
        """Queue what can be read, by source: older instances of a file before newer ones, each source in its turn."""
        queues: dict[str, deque[Instance]] = {}
        for instance in self._register.readable():
            if self._has_work(instance):
                queues.setdefault(instance.source, deque()).append(instance)
        order = sorted(queues, key=lambda source: (source <= self._served, source))
        self._queues = deque(queues[source] for source in order)

    def _has_work(self, instance: Instance) -> bool:
        held = self._held.get(instance.key)
        return instance.unread() > 0 and held != (instance.stamp, self._ending(instance))

    def _ending(self, instance: Instance) -> Ending:
        if self._tracker.is_final(instance):
            return Ending.CLOSE
        return Ending.TAKE if self._tracker.finishing else Ending.HOLD

    # ---- reading

    def read(self, limit: int) -> Block | None:
        """The next whole lines, about `limit` bytes; None: nothing now."""
        while self._queues:
            queue = self._queues[0]
            block = self._read_from(queue[0], min(limit, self._chunk))
            if block is not None:
                self._served = queue[0].source
            if block is None or not queue[0].unread():
                queue.popleft()
            if not queue:
                self._queues.popleft()
            if block is not None:
                self._queues.rotate(-1)
                return block
        return None

    def _read_from(self, instance: Instance, limit: int) -> Block | None:
        file = self._tracker.open(instance)
        if file is None:
            return None
        if (instance.print is None or not instance.head) and not self._tracker.repeats(instance, file):
            self._tracker.lose(instance)
            return None
        stamp = stamp_of(file.stat())
        if stamp != instance.stamp:
            instance.changed_at = self._timing.now()
        ending = self._ending(instance)
        if file.packed and file.fault and ending is Ending.CLOSE:
            ending = Ending.TAKE
        got = self._blocks.next(file, instance.head, limit, ending)
        if not instance.continues_in(file):
            # truncated: its last size stays as it was, to know how much was not read
            self._tracker.lose(instance)
            self._next_scan = 0.0
            return None
        instance.seen(stamp, packed=file.packed)
        instance.fault = f"damaged or cut short: {file.fault}" if file.fault else ""
        if got is None:
            if ending is Ending.TAKE and not file.packed and file.unread(instance.head):
                left = file.unread(instance.head)
                instance.fault = f"the last {left} bytes are no complete line and stay unread"
            self._held[instance.key] = (stamp, self._ending(instance))
            if not file.unread(instance.head) and not file.fault:
                instance.read_to_end = stamp
            return None
        block = self._blocks.make(instance, file, got, self._timing.receipt())
        if not instance.unread():
            instance.read_to_end = stamp
        return block

    def replay(self, key: str, start: int, end: int, received_at: str) -> Iterator[Block]:
        """The lines from `start` to `end` again. Raises Gone where they are nowhere, StateError if unreadable."""
        instance = self._register[key]
        if instance.head > start:
            self.rewind(key, start)
        file = self._tracker.open(instance) if instance.inode else None
        if file is None and instance.inode:
            raise StateError(f"{instance.path}: cannot be read", "make it readable for the agent and start it again")
        if file is None or (instance.print is None and not self._tracker.repeats(instance, file)):
            self._abandon(instance, end)
            raise Gone(end - start)
        while instance.head < end:
            got = self._blocks.next(file, instance.head, self._chunk, Ending.CLOSE, stop=end)
            if got is None or not instance.continues_in(file):
                missed = end - instance.head
                self._abandon(instance, end)
                raise Gone(missed)
            yield self._blocks.make(instance, file, got, received_at)

    def _abandon(self, instance: Instance, position: int) -> None:
        """Bytes before `position` are gone and counted by the caller; those behind it are missed now."""
        instance.head = position
        self._tracker.forget(instance)
        self._register.miss(instance, instance.size - position)

    def rewind(self, key: str, position: int) -> None:
        """Read this stream from `position` once more."""
        instance = self._register[key]
        instance.rewind(position)
        self._held.pop(key, None)
        if instance.gone:
            self._register.miss(instance, max(0, instance.size - position))
        self._line_up()

    # ---- for the checkpoint

    def detail(self, key: str, position: int) -> dict[str, Any]:
        """What finds the file again at `position`; see `instance` for the form."""
        return dict(self._register[key].saved(position))

    def delivered(self, key: str, position: int) -> None:
        """What lies before `position` is settled: of its bytes only hashes are kept."""
        self._register[key].settle(position)

    def missed(self) -> Mapping[str, int]:
        """Bytes that vanished unread since the last call, by stream (a lower bound)."""
        return self._register.take_missed()

    def at_risk(self) -> Mapping[str, int]:
        """Unlinked files, and their size: there is no way to give them a name again."""
        return {instance.key: instance.size for instance in self._tracker.unlinked()}

    def spent(self) -> Collection[str]:
        """Files that are gone, but for the last `register.REMEMBERED` of each source: a copy may still turn up."""
        return self._tracker.spent()

    def forget(self, keys: Collection[str]) -> None:
        """A copy of such a file that turns up now is a new file."""
        for key in keys:
            self._register.retire(key)
            self._held.pop(key, None)

    def pending(self) -> int:
        """Bytes that are there and not read yet (a compressed file, or one not judged yet, counts 1)."""
        unread = sum(instance.unread() for instance in self._register.readable() if self._has_work(instance))
        return unread + self._tracker.undecided()

    # ---- names

    def _source_of(self, path: str) -> str:
        if self._source is None:
            return f"{self._host}:{told(path)}"
        return f"{self._source}:{told(path)}" if self._several else self._source
