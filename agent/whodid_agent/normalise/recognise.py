"""Which profile an event belongs to, told by its shape alone.

The shapes of all profiles are asked in one fixed order, the most particular first (then what extends before what is
extended, then by name), so the answer depends on the event and nothing else. The generic profile takes what no shape
fits.
"""

from collections.abc import Callable, Sequence
from typing import Any

from whodid_agent.normalise.language.path import Path, at
from whodid_agent.normalise.language.profile import Profile, Shape

Event = dict[str, Any]


class Recogniser:
    """Names the profile of an event; `fallback` is for what nothing fits."""

    def __init__(self, profiles: Sequence[Profile], fallback: Profile) -> None:
        self.ordered = sorted(
            ((shape, profile) for profile in profiles for shape in profile.shapes),
            key=lambda pair: (-pair[0].weight, -pair[1].depth, pair[1].name),
        )
        self.fallback = fallback
        self.profile_of = self._chain(self.ordered)
        paths = [path for shape, _ in self.ordered for path in (*_needed(shape), *shape.any_of, *shape.objects)]
        self.looked_for = frozenset(path.top for path in paths)

    def for_keys(self, keys: frozenset[str]) -> Callable[[Event], Profile]:
        """As `profile_of`, for events with just these keys at the top: what they cannot be is not asked."""
        return self._chain([(shape, profile) for shape, profile in self.ordered if _possible(shape, keys)])

    def _chain(self, shapes: Sequence[tuple[Shape, Profile]]) -> Callable[[Event], Profile]:
        names: dict[str, Any] = {"at": at, "words": is_plain_english, "fallback": self.fallback}
        lines = ["def profile_of(e):"]
        for number, (shape, profile) in enumerate(shapes):
            names[f"r{number}"] = profile
            lines.append(f"    if {_condition(shape, names)}: return r{number}")
        source = "\n".join([*lines, "    return fallback", ""])
        exec(compile(source, "<recognise>", "exec"), names)  # noqa: S102  # text of this module; keys are bound names
        chain: Callable[[Event], Profile] = names["profile_of"]
        return chain


def _needed(shape: Shape) -> tuple[Path, ...]:
    """The places that must be there."""
    return (*shape.has, *shape.words, *(path for path, _ in shape.prefix), *(path for path, _ in shape.one_of))


def _possible(shape: Shape, keys: frozenset[str]) -> bool:
    """Whether an event with these keys at the top can have this shape."""
    return (
        all(path.steps[0] in keys for path in _needed(shape))
        and (not shape.any_of or any(path.steps[0] in keys for path in shape.any_of))
        and (shape.only is None or keys <= shape.only)
    )


def is_plain_english(value: Any) -> bool:
    """A capital first, and nothing but letters, spaces and hyphens: "Assigned conversation"."""
    if type(value) is not str or not value[:1].isupper() or len(value) > 120:
        return False
    return value.replace(" ", "").replace("-", "").isalpha() and not value.isupper()


def fits(shape: Shape, event: Event) -> bool:
    """Whether the event has this shape: what the generated chain asks, in the plainest form."""

    def value(path: Path) -> Any:
        return at(event, path.steps)

    return (
        all(path.steps[0] in event if len(path.steps) == 1 else value(path) is not None for path in shape.has)
        and (not shape.any_of or any(value(path) is not None for path in shape.any_of))
        and (shape.only is None or event.keys() <= shape.only)
        and all(isinstance(value(path), dict | None) for path in shape.objects)
        and all(is_plain_english(value(path)) for path in shape.words)
        and all(isinstance(found := value(path), str) and found.startswith(text) for path, text in shape.prefix)
        and all(isinstance(found := value(path), str) and found.casefold() in words for path, words in shape.one_of)
    )


def _condition(shape: Shape, names: dict[str, Any]) -> str:
    """The shape as an expression over the event `e`; every text of the profile becomes a name in `names`."""

    def bind(value: Any) -> str:
        name = f"k{len(names)}"
        names[name] = value
        return name

    def read(path: Path) -> str:
        return f"e.get({bind(path.steps[0])})" if len(path.steps) == 1 else f"at(e, {bind(path.steps)})"

    parts = [
        f"{bind(path.steps[0])} in e" if len(path.steps) == 1 else f"at(e, {bind(path.steps)}) is not None"
        for path in shape.has
    ]
    if shape.any_of:
        parts.append("(" + " or ".join(f"{read(path)} is not None" for path in shape.any_of) + ")")
    parts += [f"((v := {read(path)}) is None or type(v) is dict)" for path in shape.objects]
    parts += [f"type(v := {read(path)}) is str and v.startswith({bind(text)})" for path, text in shape.prefix]
    parts += [f"type(v := {read(path)}) is str and v.casefold() in {bind(words)}" for path, words in shape.one_of]
    parts += [f"words({read(path)})" for path in shape.words]
    if shape.only is not None:
        parts.append(f"e.keys() <= {bind(shape.only)}")
    return " and ".join(parts)
