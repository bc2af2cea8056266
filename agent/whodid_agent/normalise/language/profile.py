"""A profile: what one format's events say, read from YAML into values that `compile` and `interpret` work from.

docs/profiles.md explains the language; `reading` reads the files.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

from msgspec import Struct, structs

from whodid_agent.normalise.draft import SLOTS
from whodid_agent.normalise.language import expression, patterns
from whodid_agent.normalise.language.expression import Expression
from whodid_agent.normalise.language.path import Path, Steps, is_key, removable, spelt, table_key
from whodid_schema.meta import Condition


class Shape(Struct, frozen=True):
    """One way to tell that an event is of this profile: everything that is given must hold."""

    has: tuple[Path, ...] = ()
    any_of: tuple[Path, ...] = ()
    only: frozenset[str] | None = None
    objects: tuple[Path, ...] = ()
    words: tuple[Path, ...] = ()
    prefix: tuple[tuple[Path, str], ...] = ()
    one_of: tuple[tuple[Path, frozenset[str]], ...] = ()

    @property
    def weight(self) -> int:
        """How particular this shape is; the most particular is asked first."""
        particular = len(self.objects) + len(self.words) + bool(self.any_of) + (self.only is not None)
        return 2 * len(self.has) + 2 * particular + 3 * len(self.prefix) + 3 * len(self.one_of)


class Drop(Struct, frozen=True):
    """A rule for noise: `when` asks the record, `same` holds paths of the event that must be there and equal."""

    name: str
    when: Mapping[str, Condition]
    same: tuple[Path, ...] = ()


class Case(Struct, frozen=True):
    """A test inside a profile's file: an event, and what its record must hold (dotted path → value; null: absent)."""

    name: str
    line: int
    event: Any
    expect: Mapping[str, Any]
    drop: str | None = None


class Split(Struct, frozen=True):
    """A body of many events: an array under `path`, beside it at most these keys."""

    path: str
    beside: frozenset[str]


class Override(Struct, frozen=True):
    """Slots that are filled in another way (None: not) for some actions: names or patterns of them, casefolded."""

    names: tuple[str, ...]
    slots: Mapping[str, Expression | None]


class Profile(Struct, frozen=True, kw_only=True, dict=True):
    """One format. `slots` maps the slots of `draft.SLOTS` to how they are filled, in the table's order.

    `source` is where the format is documented, `proven` whether events that its maker published are behind it.
    `whole` False: what it is recognised by alone (`load.builtin_heads`).
    """

    name: str
    title: str
    where: str
    slots: Mapping[str, Expression] = {}
    source: str | None = None
    proven: bool | None = None
    depth: int = 0
    """How many profiles it extends, one behind the other."""
    actions: tuple[Override, ...] = ()
    app: str | None = None
    shapes: tuple[Shape, ...] = ()
    split: Split | None = None
    unfold: str | None = None
    """The key under which an event may hold several things, each of which is an event."""
    native: tuple[Path, ...] = ()
    nobody: Literal["system", "anonymous"] | None = None
    assume: str | None = None
    names: Mapping[str, tuple[str, ...]] = {}
    lift: tuple[str, ...] = ()
    ignore: tuple[Path, ...] = ()
    mask: tuple[Path, ...] = ()
    allow: tuple[str, ...] = ()
    categories: Mapping[str, str] = {}
    drops: tuple[Drop, ...] = ()
    cases: tuple[Case, ...] = ()
    whole: bool = True

    @cached_property
    def which(self) -> Mapping[str, int]:
        """Action (casefolded) → the number of its variant; a later override of the same name stands above."""
        return patterns.table((name, number) for number, one in enumerate(self.actions) for name in one.names)

    @cached_property
    def variants(self) -> tuple["Profile", ...]:
        """The profile as it is for each override's actions: a plain one, without overrides."""
        return tuple(
            structs.replace(self, slots=in_order({**self.slots, **one.slots}), actions=()) for one in self.actions
        )

    def variant(self, action: str | None) -> "Profile":
        """The profile as it is for events of this action."""
        number = self.which.get(table_key(action))
        return self.plain if number is None else self.variants[number]

    @cached_property
    def plain(self) -> "Profile":
        """The profile without its overrides: for the actions that have none."""
        return structs.replace(self, actions=()) if self.actions else self

    @cached_property
    def shared(self) -> frozenset[Path]:
        """Places that more than one slot reads, and such in arrays: they go only when all slots have been filled."""
        looked = [path for expr in (*self.slots.values(), *self.native) for path in expression.looked_at(expr)]
        texts = {path.text for path in looked}
        seen: set[Path] = set()
        shared: set[Path] = set()
        for path in looked:
            often = path in seen or path in texts or path.indexed or self._in_array(path.steps)
            (shared if often else seen).add(path)
        return frozenset(shared)

    def _in_array(self, steps: Steps) -> bool:
        return any(steps[: len(array.steps)] == array.steps for array in self.arrays)

    @cached_property
    def arrays(self) -> tuple[Path, ...]:
        """The arrays of which objects are read one by one."""
        return tuple(dict.fromkeys(path for expr in self.slots.values() for path in expression.arrays(expr)))

    @cached_property
    def sole(self) -> tuple[Path, ...]:
        """The places of slots that have one place of their own: a null there says nothing and is not kept."""
        return tuple(expr for expr in self.slots.values() if isinstance(expr, Path) and expr not in self.shared)

    @cached_property
    def containers(self) -> tuple[Path, ...]:
        """The objects that places lie in, deepest first: one that is empty in the end is not kept.

        Members of arrays are (the others would move), and so is what stands in a text.
        """
        steps = {
            path.steps[:depth]
            for expr in (*self.slots.values(), *self.native, *self.ignore)
            for path in expression.looked_at(expr)
            for depth in range(1, len((path.text or path).steps))
            if is_key(path.steps[depth - 1]) and removable(path.steps[:depth])
        }
        return tuple(Path(inner) for inner in sorted(steps, key=lambda inner: (-len(inner), spelt(inner))))


def in_order(slots: Mapping[str, Expression | None]) -> dict[str, Expression]:
    """The slots in the order of `draft.SLOTS`, without those that are taken out."""
    return {slot: expr for slot in SLOTS if (expr := slots.get(slot)) is not None}
