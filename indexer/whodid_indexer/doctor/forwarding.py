"""Consumers of `forward:`: does each run, does it keep up, and has it dead letters."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from whodid_indexer.doctor.finding import Budget, Check, Finding, ok, skipped, warn
from whodid_indexer.forward.settings import ConsumerSettings
from whodid_indexer.forward.status import Status, statuses
from whodid_indexer.store.base import Reader

_LATE_S = 3_600


class Forwarding:
    """The check of these consumers, whose bookmarks are in `folder`, against the store that `reader` reads."""

    def __init__(self, consumers: Sequence[ConsumerSettings], folder: Path, reader: Reader) -> None:
        self._consumers = consumers
        self._folder = folder
        self._reader = reader

    def checks(self) -> list[tuple[str, Check]]:
        """In the order of their cost."""
        return [("forwarding", self.forwarding)] if self._consumers else []

    def forwarding(self, _: Budget) -> Iterator[Finding]:
        """What each consumer's bookmark says."""
        for one in statuses(self._consumers, self._folder, self._reader):
            yield from self._told(one)

    def _told(self, one: Status) -> Iterator[Finding]:
        if one.dead_letters:
            mend = f"see {one.name}.dead.jsonl for why; whodid forward replay {one.name} --dead sends them again"
            yield warn(f"{one.name} has {one.dead_letters:,} dead letters", mend)
        if one.state == "new":
            said = f"{one.name} has no bookmark in {self._folder}"
            yield skipped(said, "start whodid forward; or does it run elsewhere, or with --state?")
        elif one.lag_records is None:
            yield warn(f"how far {one.name} is behind cannot be told: {one.reason}", "whodid forward status says more")
        elif one.lag_records and (not one.running or (one.lag_seconds or 0.0) > _LATE_S):
            behind = f"{one.lag_records:,} records, {one.lag_seconds or 0.0:,.0f} s behind"
            mend = "see to its receiver" if one.running else "start whodid forward"
            why = f": {one.reason}" if one.reason else ""
            lost = "what retention deletes before it was sent is not sent"
            yield warn(f"{one.name} is {behind} and {one.state}{why}", f"{mend}; {lost}")
        else:
            yield ok(f"{one.name} has sent {one.sent:,} records, and keeps up")
