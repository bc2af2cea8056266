"""The instances of one file input, by key and by source: who there is, and what of whom was missed.

A key and a receipt are given once: a receipt tells equal lines of two instances apart.
"""

from collections.abc import Callable, Collection, Iterator, Mapping

from whodid_agent.inputs.contract import StreamRow
from whodid_agent.inputs.file.instance import Instance
from whodid_schema.timestamp import from_micros, to_micros

REMEMBERED = 100
"""So many vanished files of each source are still known, to recognise a late copy of one."""


class Register:
    """The instances of the input `name`; `wall` is the clock of receipts, in seconds since 1970."""

    def __init__(self, name: str, wall: Callable[[], float]) -> None:
        self._name = name
        self._wall = wall
        self._by_key: dict[str, Instance] = {}
        self._by_source: dict[str, list[Instance]] = {}
        self._missed: dict[str, int] = {}
        self._last_number = 0
        self._last_receipt = 0

    def restore(self, rows: Mapping[str, StreamRow]) -> None:
        """Take the instances of the checkpoint. Raises StateError."""
        for row in rows.values():
            instance = Instance.of_row(row)
            self._enter(instance)
            self._last_receipt = max(self._last_receipt, to_micros(instance.first_receipt))
            number = row.key.rpartition("#")[2]
            self._last_number = max(self._last_number, int(number) if number.isdecimal() else 0)

    def new(self, source: str, generation: str, first_receipt: str) -> Instance:
        """An instance that was not there yet."""
        self._last_number += 1
        instance = Instance(f"{self._name}#{self._last_number}", source, first_receipt, generation)
        self._enter(instance)
        return instance

    def _enter(self, instance: Instance) -> None:
        self._by_key[instance.key] = instance
        self._by_source.setdefault(instance.source, []).append(instance)

    def receipt(self) -> str:
        """The receipt of a new instance: later than all before."""
        self._last_receipt = max(round(self._wall() * 1e6), self._last_receipt + 1)
        return from_micros(self._last_receipt)

    def __getitem__(self, key: str) -> Instance:
        return self._by_key[key]

    def __iter__(self) -> Iterator[Instance]:
        return iter(self._by_key.values())

    def readable(self) -> list[Instance]:
        """Those with a home, of one source together and the oldest first."""
        return [instance for group in self._by_source.values() for instance in group if instance.inode is not None]

    def namesakes(self, source: str, generation: str) -> list[Instance]:
        """Those of the source that begin with the same line, as far as that is known."""
        group = self._by_source.get(source, [])
        return [instance for instance in group if not generation or instance.generation in {generation, ""}]

    def spent(self, copied: Collection[str]) -> list[str]:
        """Those whose file is gone and was settled to its end, but for `copied` and the newest of each source."""
        ended = (
            [each for each in group if each.inode is None and each.key not in copied and not each.is_missing()]
            for group in self._by_source.values()
        )
        return [each.key for group in ended for each in group[:-REMEMBERED] if each.settled == each.head]

    def retire(self, key: str) -> None:
        """Forget one of the spent."""
        self.disown(self._by_key.pop(key))

    def disown(self, instance: Instance) -> None:
        """No file is taken for this one's any more."""
        group = self._by_source[instance.source]
        if instance in group:
            group.remove(instance)

    def miss(self, instance: Instance, size: int) -> None:
        """Count bytes of the instance as vanished unread; what is not found now is not waited for any longer."""
        instance.gone = True
        if size > 0:
            self._missed[instance.key] = self._missed.get(instance.key, 0) + size

    def take_missed(self) -> dict[str, int]:
        """Bytes that vanished unread since the last call, by instance."""
        taken, self._missed = self._missed, {}
        return taken
