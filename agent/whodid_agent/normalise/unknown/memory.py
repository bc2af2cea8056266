"""The recalls of a search, by the list of an event's keys; bounded, since the keys are the sender's.

A list of keys is kept in the younger half of the table; once that is full it becomes the older half, and what is met
there moves up. So key lists that are made up push out each other, not those that are in use. In the same way the
recalls of one list of keys move forward as they serve, and the last is what makes room.
"""

from typing import Any

from whodid_agent.normalise.draft import Draft
from whodid_agent.normalise.plain import Plain
from whodid_agent.normalise.unknown.aside import Aside
from whodid_agent.normalise.unknown.lexicon import Lexicon
from whodid_agent.normalise.unknown.noting import Noting, recall_of
from whodid_agent.normalise.unknown.recall import Recall, braces_of

_FIRST, _SELDOM = 8, 256
"""Searches until the first recall is made, and at most until the next."""

_MOST_RECALLS = 8
_MOST_SHAPES = 128
_MOST_KEYS = 64
_LONGEST_KEY = 128

Shape = tuple[str, ...]


class _Met:
    """What is known of one list of keys: its recalls, those that serve often in front."""

    __slots__ = ("next", "pause", "recalls")

    def __init__(self) -> None:
        self.recalls: list[Recall] = []
        self.next = self.pause = _FIRST


class Memory:
    """Recalls for one search."""

    def __init__(self, lexicon: Lexicon, lift: tuple[str, ...]) -> None:
        self._aside, self._lift = Aside(lexicon), lift
        self._young: dict[Shape, _Met] = {}
        self._old: dict[Shape, _Met] = {}

    def recall(self, event: dict[str, Any], data: bytes, shape: Shape) -> Draft | Plain | None:
        """The draft of an event (its keys: `shape`) decoded from `data`, as `Recall` gives it."""
        if len(shape) > _MOST_KEYS:
            return None
        met = self._young.get(shape) or self._moved(shape)
        if met is None or not met.recalls:
            return None
        braces = braces_of(data)
        for number, one in enumerate(met.recalls) if braces else ():
            draft = one(event, self._aside, braces)
            if draft is not None:
                if number:
                    met.recalls[number - 1 : number + 1] = one, met.recalls[number - 1]
                return draft
        return None

    def is_due(self, shape: Shape) -> bool:
        """Whether the search of an event with these keys, which no recall fits, is to be noted."""
        if len(shape) > _MOST_KEYS:
            return False
        met = self._young.get(shape) or self._moved(shape)
        if met is None:
            if any(len(key) > _LONGEST_KEY for key in shape):
                return False
            met = self._young[shape] = _Met()
            if len(self._young) > _MOST_SHAPES:
                self._old, self._young = self._young, {shape: met}
        met.next -= 1
        return met.next == 0

    def keep(self, noted: Noting, data: bytes, shape: Shape) -> None:
        """Make a recall of a search that was due; its event is whole."""
        met = self._young[shape]
        met.pause = met.next = min(2 * met.pause, _SELDOM)
        braces = braces_of(data)
        made = recall_of(noted, self._aside, braces, self._lift) if braces else None
        if made is not None:
            del met.recalls[_MOST_RECALLS - 1 :]
            met.recalls.append(made)

    def _moved(self, shape: Shape) -> _Met | None:
        """What is known of a list of keys that was not met for a while."""
        met = self._old.pop(shape, None)
        if met is not None:
            self._young[shape] = met
        return met
