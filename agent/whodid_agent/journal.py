"""The journal: what is about to be sent, written down first, so that a resend never computes an id anew.

One state file per batch in flight, `journal/<seq>.json`, removed when the checkpoint has passed it:

    {"rules": "3f2a…",                  version of the store's rules that routed the batch
     "indexes": ["whodid-activity"],
     "ranges": [{"input": "…", "key": "…", "start": 0, "end": 8123, "received_at": "…",
                 "ends": [402, 811, …],   end of each shipped event's line, in order
                 "items": [0, 0, …],      its number in the line; empty: 0 throughout
                 "index": [0, 0, …],      its place in `indexes`; empty: 0 throughout
                 "ids": "01…01…"}]}       26 characters each, joined
A file that is damaged was never finished, so its batch was never sent: its lines are simply read again.
"""

import logging
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from whodid_agent.batch import Batch
from whodid_agent.normalise.contract import Sent
from whodid_agent.state import Damaged, framed, replace_synced, unframed
from whodid_schema.identity import ID_LENGTH

log = logging.getLogger(__name__)


class JournalRange(Struct, omit_defaults=True):
    """One range of a batch in flight and the names its events were sent under."""

    input: str
    key: str
    start: int
    end: int
    received_at: str
    ends: list[int] = []
    items: list[int] = []
    index: list[int] = []
    ids: str = ""

    def shipped(self) -> int:
        """How many events of this range are in flight."""
        return len(self.ends)

    def remembered(self, indexes: list[str]) -> dict[int, dict[int, Sent]]:
        """End of the line → item → what it was sent as."""
        found: dict[int, dict[int, Sent]] = {}
        for number, end in enumerate(self.ends):
            item = self.items[number] if self.items else 0
            index = indexes[self.index[number] if self.index else 0]
            identifier = self.ids[number * ID_LENGTH : (number + 1) * ID_LENGTH]
            found.setdefault(end, {})[item] = Sent(identifier, index)
        return found


class JournalEntry(Struct):
    """One batch in flight; `seq` is the file's name, 0 in the file itself."""

    rules: str
    indexes: list[str]
    ranges: list[JournalRange]
    seq: int = 0


class Journal:
    """The journal files of one state directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(JournalEntry)

    def write(self, batch: Batch, rules: str) -> None:
        """Write the batch down, fsynced, under `batch.seq`. Raises OSError; then nothing of it may be sent."""
        document = self._encoder.encode(_entry(batch, rules))
        replace_synced(self._path(batch.seq), *framed("journal", document))

    def forget(self, through: int, kept: Collection[int] = ()) -> None:
        """Remove what the checkpoint has passed, except `kept`."""
        for seq, path in self._files():
            if seq <= through and seq not in kept:
                path.unlink(missing_ok=True)

    def last(self) -> int:
        """The highest number in use; 0 where there is none."""
        return max((seq for seq, _ in self._files()), default=0)

    def all(self) -> Iterator[JournalEntry]:
        """What is written down, in the order of sending, settled or not. Raises StateError for a newer form."""
        for seq, path in self._files():
            try:
                entry = self._decoder.decode(unframed("journal", path.read_bytes()))
            except FileNotFoundError:
                continue
            except (Damaged, msgspec.DecodeError) as error:
                log.warning("%s: not finished before a crash (%s); its lines are read again", path, error)
                continue
            entry.seq = seq
            yield entry

    def _path(self, seq: int) -> Path:
        return self.folder / f"{seq:012d}.json"

    def _files(self) -> list[tuple[int, Path]]:
        names = (path for path in self.folder.glob("*.json") if path.stem.isdigit())
        return sorted((int(path.stem), path) for path in names)


def _entry(batch: Batch, rules: str) -> JournalEntry:
    """The batch in the journal's form; its items stand in the order of its ranges."""
    names = list(dict.fromkeys(batch.indexes))
    number_of = {name: number for number, name in enumerate(names)}
    ranges: list[JournalRange] = []
    begin = 0
    for each in batch.ranges:
        own = slice(begin, begin + each.shipped)
        begin = own.stop
        items = batch.items[own]
        ranges.append(
            JournalRange(
                each.input,
                each.key,
                each.start,
                each.end,
                each.received_at,
                [line.end for line in batch.lines[own]],
                items if any(items) else [],
                [number_of[index] for index in batch.indexes[own]] if len(names) > 1 else [],
                "".join(batch.ids[own]),
            )
        )
    return JournalEntry(rules, names, ranges)
