"""Profiles read from their files, with what each inherits from the one it extends.

The built-in ones lie in whodid_config/profiles, one file each, named like the profile. They are proven, and most runs
meet few of their formats: of each its head is read (what it is recognised by), the rest when its first event comes. A
fault in a file is a ConfigError naming file, line and key.
"""

import difflib
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path as FilePath
from typing import Any

from msgspec import structs

from whodid_agent.normalise.language import expression, parts, slots
from whodid_agent.normalise.language.path import INSIDE, Steps
from whodid_agent.normalise.language.profile import Profile, in_order
from whodid_agent.normalise.language.reading import Reading
from whodid_config.document import Document, parse_yaml, read_yaml

KEYS = (
    "profile", "title", "source", "proven", "extends", "app", "recognise", "split", "unfold", "native_id", "nobody",
    "assume", "names", "metadata", "lift", "ignore", "mask", "allow", "categories", "actions", "drop", "tests",
)  # fmt: skip
"""The keys of a profile's file that are no slots."""

HEAD = ("profile", "title", "source", "proven", "extends", "recognise", "split", "unfold", "mask", "allow", "drop")
"""The keys that must be read before events come."""

_SECTION = re.compile(r"^([a-z_]+):", re.MULTILINE)
"""Where a key at the top begins: nothing else of a mapping can stand at the margin."""


def load_profile(path: FilePath) -> Profile:
    """The profile in this file; it may extend a built-in one. Raises ConfigError naming file, line and key."""
    return load_profiles([path])[-1]


def load_profiles(paths: Iterable[FilePath]) -> list[Profile]:
    """The profiles of these files, which may extend one another and built-in ones, even of their own name."""
    return _Family([Reading(read_yaml(path)) for path in paths], _Builtin()).all()


def parse_profile(text: str, path: FilePath) -> Profile:
    """As load_profile, of text that came from `path`."""
    return _Family([Reading(parse_yaml(text, path))], _Builtin()).all()[0]


def builtin_profiles() -> list[Profile]:
    """The profiles that come with whodid, whole, by name."""
    return [builtin_profile(name) for name in builtin_names()]


def builtin_heads() -> list[Profile]:
    """As builtin_profiles, of each what HEAD names alone; `builtin_profile` has the rest."""
    heads = (_document(name, head(_text(name))) for name in builtin_names())
    profiles = _Family([Reading(document) for document in heads], {}).all()
    return [structs.replace(profile, whole=False) for profile in profiles]


@cache
def builtin_names() -> Collection[str]:
    """The names of the profiles that come with whodid, in their order."""
    names = (entry.name.removesuffix(".yaml") for entry in _folder().iterdir() if entry.name.endswith(".yaml"))
    return dict.fromkeys(sorted(names)).keys()


@cache
def builtin_profile(name: str) -> Profile:
    """The profile of this name that comes with whodid. Raises KeyError where there is none."""
    if name not in builtin_names():
        raise KeyError(name)
    return _Family([Reading(_document(name, _text(name)))], _Builtin()).all()[0]


def head(text: str) -> str:
    """The text of a profile with the sections of HEAD alone, each on the lines where it stood."""
    kept, start = [], 0
    bounds = [(found[1], found.start()) for found in _SECTION.finditer(text)]
    for (key, start), (_, end) in itertools.pairwise([*bounds, ("", len(text))]):
        section = text[start:end]
        kept.append(section if key in HEAD else "\n" * section.count("\n"))
    return "\n" * text.count("\n", 0, bounds[0][1] if bounds else 0) + "".join(kept)


def _folder() -> Traversable:
    return resources.files("whodid_config.profiles")


def _text(name: str) -> str:
    return _folder().joinpath(f"{name}.yaml").read_text(encoding="utf-8")


def _document(name: str, text: str) -> Document:
    return parse_yaml(text, FilePath(f"profiles/{name}.yaml"))


class _Builtin(Mapping[str, Profile]):
    """The built-in profiles by name, each read when it is asked for."""

    def __getitem__(self, name: str) -> Profile:
        return builtin_profile(name)

    def __contains__(self, name: object) -> bool:
        return name in builtin_names()

    def __iter__(self) -> Iterator[str]:
        return iter(builtin_names())

    def __len__(self) -> int:
        return len(builtin_names())


class _Family:
    """Profiles read together; `outside` are others that they may extend."""

    def __init__(self, readings: list[Reading], outside: Mapping[str, Profile]) -> None:
        self._readings = readings
        self._outside = outside
        self._by_name = {_name(reading): reading for reading in reversed(readings)}
        self._made: dict[int, Profile] = {}

    def all(self) -> list[Profile]:
        """Every profile, in the order of the readings."""
        return [self._profile(reading, ()) for reading in self._readings]

    def _profile(self, reading: Reading, below: tuple[str, ...]) -> Profile:
        if id(reading) not in self._made:
            self._made[id(reading)] = _profile(reading, self._parent(reading, below))
        return self._made[id(reading)]

    def _parent(self, reading: Reading, below: tuple[str, ...]) -> Profile | None:
        wanted = reading.text("extends")
        if wanted is None:
            return None
        name = _name(reading)
        if wanted in (*below, name) and not (wanted == name and wanted in self._outside):
            ring = " → ".join((*below, name, wanted))
            raise reading.fault(f"extends: {ring} is a ring", "extends")
        if wanted in self._by_name and wanted != name:
            return self._profile(self._by_name[wanted], (*below, name))
        if wanted in self._outside:
            return self._outside[wanted]
        there = sorted({*self._by_name, *self._outside} - {name})
        near = difflib.get_close_matches(wanted, there, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(there)}"
        raise reading.fault(f"extends: there is no profile {wanted!r}; {hint}", "extends")


def _name(reading: Reading) -> str:
    name = reading.source.get("profile")
    if not isinstance(name, str) or not name.isascii() or not name.replace("-", "").isalnum():
        raise reading.fault("`profile:` must name the profile in letters, digits and hyphens", "profile")
    return name


def _profile(reading: Reading, parent: Profile | None) -> Profile:
    """The profile of this document upon the one it extends."""
    source = reading.source
    if source.get("metadata", "rest") != "rest":
        raise reading.fault("`metadata:` can only be `rest`: what no other line reads is kept", "metadata")
    name = _name(reading)
    base = parent or Profile(name=name, title=name, where="")
    profile = structs.replace(
        base,
        name=name,
        title=reading.text("title") or name,
        where=str(reading.document.path),
        depth=0 if parent is None else parent.depth + 1,
        slots=_slots(reading, base),
        actions=(*base.actions, *slots.overrides(reading)),
        categories={**base.categories, **parts.categories(reading)},
        mask=(*base.mask, *reading.paths(source.get("mask", []), "mask")),
        allow=(*base.allow, *reading.texts("allow")),
        drops=(*base.drops, *parts.drops(reading)),
        cases=tuple(parts.cases(reading)),
        **_given(reading),
    )
    common = _taken(profile.slots)
    _refuse_overlaps(reading, common, common)
    for key, override in zip(source.get("actions", {}), profile.actions[len(base.actions) :], strict=True):
        own = _taken(override.slots)
        whole = {slot: paths for slot, paths in common.items() if slot not in override.slots} | own
        _refuse_overlaps(reading, whole, own, "actions", key)
    return profile


def _slots(reading: Reading, base: Profile) -> Mapping[str, Any]:
    found = slots.slots(reading, KEYS)
    for slot, expr in found.items():
        if expr is None and base.where == "":
            raise reading.fault(
                f"{slot}: nothing stands here, and nothing is inherited that it could take out", *_place(slot)
            )
    return in_order({**base.slots, **found})


def _place(slot: str) -> tuple[str, ...]:
    """Where a slot stands in a document."""
    short = next((short for short, name in slots.SHORT.items() if name == slot), None)
    return (short,) if short else tuple(slot.split("."))


def _given(reading: Reading) -> dict[str, Any]:
    """What a document says itself: each replaces what it would inherit."""
    source = reading.source
    readers: dict[str, tuple[str, Callable[[], Any]]] = {
        "source": ("source", lambda: reading.text("source")),
        "proven": ("proven", lambda: reading.flag("proven")),
        "app": ("app", lambda: reading.text("app")),
        "recognise": ("shapes", lambda: tuple(parts.shapes(reading))),
        "split": ("split", lambda: parts.split(reading)),
        "unfold": ("unfold", lambda: reading.text("unfold")),
        "native_id": ("native", lambda: reading.paths(source["native_id"], "native_id")),
        "nobody": ("nobody", lambda: reading.choice("nobody", "system", "anonymous")),
        "assume": ("assume", lambda: reading.choice("assume", "success", "failure", "warning")),
        "names": ("names", lambda: parts.names(reading)),
        "lift": ("lift", lambda: reading.texts("lift")),
        "ignore": ("ignore", lambda: reading.paths(source["ignore"], "ignore")),
    }
    return {field: read() for key, (field, read) in readers.items() if key in source}


_Taken = dict[str, tuple[list[Steps], list[Steps]]]
"""Slot → the places it may be taken from, and the arrays whose objects it reads."""


def _taken(filled: Mapping[str, expression.Expression | None]) -> _Taken:
    return {
        slot: ([path.steps for path in expression.consumed(expr)], [path.steps for path in expression.arrays(expr)])
        for slot, expr in filled.items()
    }


def _refuse_overlaps(reading: Reading, taken: _Taken, own: _Taken, *location: str) -> None:
    """A place inside one that is taken whole would be taken twice, and in an order that nobody can see.

    Asked of slots of which at least one is `own`.
    """
    for outer in filter(slots.takes_whole, taken):
        for inner in taken if outer in own else own:
            for steps, within in itertools.product(taken[outer][0], itertools.chain(*taken[inner])):
                if INSIDE not in steps and len(within) > len(steps) and within[: len(steps)] == steps:
                    place = (*location, inner.partition(".")[0])
                    raise reading.fault(f"{inner}: lies inside what {outer} takes whole", *place)
