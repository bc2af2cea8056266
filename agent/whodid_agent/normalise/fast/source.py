"""The source of a generated function, and the names bound in it: what `compile` and `guess` write with.

The source is made of their own text and of numbers; everything that comes from a profile's YAML or from an event
(keys, constants, tables) enters as a bound name, so no text of either is ever code.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from whodid_agent.normalise import values
from whodid_agent.normalise.draft import DRAFT_SLOTS, GROUPS, RECORD_SLOTS, Draft
from whodid_agent.normalise.interpret import gathered, joined, prune, rest
from whodid_agent.normalise.language.path import at, by_key, remove, table_key, take_away
from whodid_schema.record import Record


class Source:
    """The lines of one function `run(e)` of an event, and its names."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {
            **values.KINDS,
            **{struct.__name__: struct for struct, _ in GROUPS.values()},
            "Draft": Draft,
            "Record": Record,
            "EMPTY": {},
            "at": at,
            "gathered": gathered,
            "joined": joined,
            "by_key": by_key,
            "prune": prune,
            "remove": remove,
            "take_away": take_away,
            "rest": rest,
            "table_key": table_key,
        }
        self.lines: list[str] = []
        self.depth = 1
        self._bound: dict[Any, str] = {}

    def bind(self, value: Any) -> str:
        """A name in the function for this value."""
        key = (type(value), value) if isinstance(value, str | int | tuple) else id(value)
        if key not in self._bound:
            self._bound[key] = f"k{len(self._bound)}"
            self.names[self._bound[key]] = value
        return self._bound[key]

    def put(self, line: str) -> None:
        """One more line, as deep as `depth` says."""
        self.lines.append("    " * self.depth + line)

    def block(self, write: Callable[[], None]) -> None:
        """What `write` puts, one step deeper; `pass` where it puts nothing."""
        self.depth += 1
        before = len(self.lines)
        write()
        if len(self.lines) == before:
            self.put("pass")
        self.depth -= 1

    def build(self, slots: Mapping[str, str], native: str, metadata: str) -> None:
        """The last lines: the draft of these slots, each a local or `None`. `metadata` is what is left, or None."""
        for group, (struct, members) in GROUPS.items():
            variable = f"g_{group.replace('.', '_')}"
            filled = {member: slots[f"{group}.{member}"] for member in members if f"{group}.{member}" in slots}
            filled = {member: local for member, local in filled.items() if local != "None"}
            if not filled:
                self.put(f"{variable} = None")
                continue
            arguments = positional(struct, filled)
            anything = " is None and ".join(filled.values())
            self.put(f"{variable} = None if {anything} is None else {struct.__name__}({arguments})")
        for part in ("token", "on_behalf_of"):
            if any(slot.startswith(f"actor.{part}.") and slots[slot] != "None" for slot in slots):
                self.put(f"if g_actor_{part} is not None:")
                self.put("    if g_actor is None: g_actor = Actor()")
                self.put(f"    g_actor.{part} = g_actor_{part}")
        fields = {name: f"g_{name}" for name in ("actor", "target", "workspace", "project", "client")}
        fields["metadata"] = metadata
        fields |= {slot: slots[slot] for slot in RECORD_SLOTS if slot in slots}
        draft = {"record": f"Record({positional(Record, fields)})", "native": native}
        draft |= {slot: slots[slot] for slot in DRAFT_SLOTS if slot in slots}
        if "target.label" in slots:
            draft["label"] = slots["target.label"]
        self.put(f"return Draft({positional(Draft, draft)})")

    def text(self) -> str:
        """The whole function."""
        return "\n".join(["def run(e):", *self.lines, ""])

    def function(self, name: str) -> Callable[[dict[str, Any]], Any]:
        """The function itself; `name` is what tracebacks call its file."""
        exec(compile(self.text(), name, "exec"), self.names)  # noqa: S102  # see the module: no foreign text is in it
        run: Callable[[dict[str, Any]], Any] = self.names["run"]
        return run


def positional(struct: type[Struct], filled: Mapping[str, str]) -> str:
    """The arguments in the struct's order, up to the last that is filled: twice as fast as by name."""
    given = [filled.get(field, "None") for field in struct.__struct_fields__]
    while given and given[-1] == "None":
        given.pop()
    return ", ".join(given)
