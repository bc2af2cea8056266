"""The function that tells an event's action before anything is taken out: it says which variant of a profile serves."""

from collections.abc import Callable
from typing import Any

from msgspec import structs

from whodid_agent.normalise.fast.compile import Writer
from whodid_agent.normalise.language.expression import Const, looked_at
from whodid_agent.normalise.language.path import Path
from whodid_agent.normalise.language.profile import Profile


def compile_peek(profile: Profile) -> Callable[[dict[str, Any]], str | None]:
    """A function that tells an event's action and takes nothing out."""
    only = structs.replace(profile, slots={"action": profile.slots.get("action", Const(None))}, native=(), ignore=())
    return _Peek(only, ()).peek(f"<action of {profile.name}>")


class _Peek(Writer):
    """Writes a function that only looks."""

    def peek(self, name: str) -> Callable[[dict[str, Any]], str | None]:
        expr = self.profile.slots["action"]
        for path in looked_at(expr):
            self._parent(path.outer)
        self.put("s = None")
        self._value(expr, "s", "text")
        self.put("return s")
        return self.function(name)

    def _take(self, path: Path) -> None:  # noqa: ARG002  # what `Writer._take` takes away
        """Nothing is taken."""
        self.put("pass")
