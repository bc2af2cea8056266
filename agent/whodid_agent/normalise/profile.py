"""A profile: what one format's events say, read from YAML into values that `compile` and `interpret` work from.

Built-in profiles lie in whodid_config/profiles, one file each; docs/profiles.md explains the language. A fault in a
file is a ConfigError naming file, line and key.
"""

import difflib
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import resources
from pathlib import Path as FilePath
from typing import Any, Literal

from msgspec import Struct

from whodid_agent.normalise import expression, values
from whodid_agent.normalise.draft import SLOTS
from whodid_agent.normalise.expression import BadExpressionError, Expression, Path
from whodid_config.settings import Document, parse_yaml, read_yaml
from whodid_schema.errors import ConfigError
from whodid_schema.meta import Condition, compile_when


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


class Profile(Struct, frozen=True, kw_only=True, dict=True):
    """One format. `slots` maps the slots of `draft.SLOTS` to how they are filled, in the table's order."""

    name: str
    title: str
    where: str
    slots: Mapping[str, Expression]
    app: str | None = None
    shapes: tuple[Shape, ...] = ()
    split: Split | None = None
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

    @cached_property
    def shared(self) -> frozenset[Path]:
        """Places that more than one slot reads: they may be taken away only after the last of them."""
        seen: set[Path] = set()
        shared: set[Path] = set()
        for expr in [*self.slots.values(), *self.native]:
            for path in expression.looked_at(expr):
                (shared if path in seen else seen).add(path)
        return frozenset(shared)

    @cached_property
    def sole(self) -> tuple[Path, ...]:
        """The places of slots that have one place of their own: a null there says nothing and is not kept."""
        return tuple(
            expr
            for expr in self.slots.values()
            if isinstance(expr, Path) and expr not in self.shared and not expr.indexed
        )

    @cached_property
    def containers(self) -> tuple[Path, ...]:
        """The objects that places lie in, deepest first: one that is empty in the end is not kept."""
        steps = {
            path.steps[:depth]
            for expr in (*self.slots.values(), *self.native, *self.ignore)
            for path in expression.looked_at(expr)
            for depth in range(1, len(path.steps))
        }
        return tuple(Path(inner) for inner in sorted(steps, key=lambda inner: (-len(inner), inner)))


_KEYS = (
    "profile", "title", "app", "recognise", "split", "native_id", "nobody", "assume", "names", "metadata", "lift",
    "ignore", "mask", "allow", "categories", "drop", "tests",
)  # fmt: skip
_SHORT = {
    "ip": "client.ip",
    "user_agent": "client.user_agent",
    "device": "client.device",
    "country": "client.country",
    "app_from": "app",
}
_SHAPE_KEYS = ("has", "any", "only", "objects", "words", "prefix", "one_of")


class _Reader:
    """Reads one document; every complaint names its line."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def fault(self, message: str, *location: str | int) -> ConfigError:
        return ConfigError(f"{self.document.path}:{self.document.line_of(location)}: {message}")

    def unknown(self, key: Any, known: tuple[str, ...], *location: str | int) -> ConfigError:
        near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
        return self.fault(f"unknown key {key!r}; {hint}", *location, key)

    def read(self) -> Profile:
        source = self.document.value
        if not isinstance(source, dict):
            raise self.fault("a profile must be `key: value` lines")
        name = source.get("profile")
        if not isinstance(name, str) or not name.isascii() or not name.replace("-", "").isalnum():
            raise self.fault("`profile:` must name the profile in letters, digits and hyphens", "profile")
        if source.get("metadata", "rest") != "rest":
            raise self.fault("`metadata:` can only be `rest`: what no other line reads is kept", "metadata")
        profile = Profile(
            name=name,
            title=self._text("title") or name,
            where=str(self.document.path),
            app=self._text("app"),
            shapes=tuple(self._shapes()),
            slots=self._slots(),
            split=self._split(),
            native=self._paths("native_id"),
            nobody=self._choice("nobody", "system", "anonymous"),
            assume=self._choice("assume", "success", "failure", "warning"),
            names=self._names(),
            lift=self._texts("lift"),
            ignore=self._paths("ignore"),
            mask=self._paths("mask"),
            allow=self._texts("allow"),
            categories=self._categories(),
            drops=tuple(self._drops()),
            cases=tuple(self._cases()),
        )
        self._refuse_overlaps(profile)
        return profile

    def _text(self, key: str) -> str | None:
        value = self.document.value.get(key)
        if value is not None and (not isinstance(value, str) or not value):
            raise self.fault(f"`{key}:` must be text", key)
        return value

    def _texts(self, key: str) -> tuple[str, ...]:
        found = self.document.value.get(key, [])
        listed = found if isinstance(found, list) else [found]
        if not all(isinstance(entry, str) and entry for entry in listed):
            raise self.fault(f"`{key}:` must be a list of keys", key)
        return tuple(listed)

    def _choice(self, key: str, *allowed: str) -> Any:
        value = self.document.value.get(key)
        if value is not None and value not in allowed:
            raise self.fault(f"`{key}:` must be one of {', '.join(allowed)}", key)
        return value

    def _paths(self, key: str) -> tuple[Path, ...]:
        return self._paths_of(self.document.value.get(key, []), key)

    def _paths_of(self, value: Any, *location: str | int) -> tuple[Path, ...]:
        try:
            return tuple(expression.parse_path(path) for path in (value if isinstance(value, list) else [value]))
        except BadExpressionError as error:
            raise self.fault(str(error), *location) from error

    def _slots(self) -> dict[str, Expression]:
        found: dict[str, Expression] = {}
        for key, value in self.document.value.items():
            if key not in _KEYS:
                self._collect(found, _SHORT.get(key, str(key)), value, (str(key),))
        return {slot: found[slot] for slot in SLOTS if slot in found}

    def _collect(self, found: dict[str, Expression], slot: str, source: Any, location: tuple[str, ...]) -> None:
        if slot in SLOTS:
            try:
                found[slot] = expression.parse(source, values.KINDS[SLOTS[slot]])
            except BadExpressionError as error:
                raise self.fault(f"{slot}: {error}", *location, *error.location) from error
            return
        inside = tuple(name[len(slot) + 1 :].partition(".")[0] for name in SLOTS if name.startswith(f"{slot}."))
        if not inside:
            known = (*_KEYS, *_SHORT, *dict.fromkeys(name.partition(".")[0] for name in SLOTS))
            raise self.unknown(location[-1], known, *location[:-1])
        if not isinstance(source, dict):
            raise self.fault(f"{slot}: expected {', '.join(dict.fromkeys(inside))}", *location)
        for key, value in source.items():
            if key not in inside:
                raise self.unknown(key, tuple(dict.fromkeys(inside)), *location)
            self._collect(found, f"{slot}.{key}", value, (*location, key))

    def _shapes(self) -> Iterator[Shape]:
        source = self.document.value.get("recognise", [])
        for index, shape in enumerate(source if isinstance(source, list) else [source]):
            location: tuple[str | int, ...] = ("recognise", index) if isinstance(source, list) else ("recognise",)
            if not isinstance(shape, dict):
                raise self.fault(f"`recognise:` needs some of {', '.join(_SHAPE_KEYS)}", *location)
            yield self._shape(shape, location)

    def _shape(self, shape: dict[str, Any], location: tuple[str | int, ...]) -> Shape:
        for key in shape:
            if key not in _SHAPE_KEYS:
                raise self.unknown(key, _SHAPE_KEYS, *location)
        paths = {key: self._paths_of(shape.get(key, []), *location, key) for key in ("has", "any", "objects", "words")}
        tables: dict[str, dict[str, Any]] = {key: shape.get(key) or {} for key in ("prefix", "one_of")}
        for key, table in tables.items():
            if not isinstance(table, dict):
                raise self.fault(f"`{key}:` maps paths to text", *location, key)
        if not paths["has"]:
            raise self.fault("`recognise:` needs `has:`, the paths that every such event has", *location)
        return Shape(
            has=paths["has"],
            any_of=paths["any"],
            only=frozenset(map(str, shape["only"])) if "only" in shape else None,
            objects=paths["objects"],
            words=paths["words"],
            prefix=tuple((expression.parse_path(path), str(text)) for path, text in tables["prefix"].items()),
            one_of=tuple(
                (expression.parse_path(path), frozenset(str(word).casefold() for word in words))
                for path, words in tables["one_of"].items()
            ),
        )

    def _split(self) -> Split | None:
        source = self.document.value.get("split")
        if source is None:
            return None
        path = source.get("path") if isinstance(source, dict) else source
        if not isinstance(path, str) or not path:
            raise self.fault("`split:` names the key under which a body holds its events", "split")
        beside = source.get("beside", []) if isinstance(source, dict) else []
        return Split(path, frozenset(map(str, beside)))

    def _categories(self) -> dict[str, str]:
        source = self.document.value.get("categories", {})
        if not isinstance(source, dict):
            raise self.fault("`categories:` maps a category to its actions", "categories")
        return {
            str(action).casefold(): str(slug)
            for slug, actions in source.items()
            for action in (actions if isinstance(actions, list) else [actions])
        }

    def _names(self) -> dict[str, tuple[str, ...]]:
        """`names:` of a profile that searches: slot → plain key names, the best first."""
        source = self.document.value.get("names", {})
        if not isinstance(source, dict):
            raise self.fault("`names:` maps what is looked for to key names", "names")
        groups = {f"{group}.within" for group in ("actor", "actor.token", "target", "workspace", "project")}
        known = (*(_SHORT.keys()), *SLOTS, *sorted(groups))
        for slot, names in source.items():
            if slot not in known:
                raise self.unknown(slot, known, "names")
            if not isinstance(names, list) or not all(isinstance(name, str) and name.isalnum() for name in names):
                raise self.fault(f"{slot}: expected a list of key names in plain letters and digits", "names", slot)
        return {slot: tuple(names) for slot, names in source.items()}

    def _drops(self) -> Iterator[Drop]:
        source = self.document.value.get("drop", [])
        for index, rule in enumerate(source if isinstance(source, list) else [source]):
            if not isinstance(rule, dict) or not isinstance(rule.get("name"), str):
                raise self.fault("a drop rule needs a `name:`", "drop", index)
            for key in rule:
                if key not in ("name", "when", "same"):
                    raise self.unknown(key, ("name", "when", "same"), "drop", index)
            drop = Drop(rule["name"], rule.get("when", {}), self._paths_of(rule.get("same", []), "drop", index, "same"))
            if not drop.when and len(drop.same) < 2:
                raise self.fault("a drop rule needs `when:`, or `same:` with two paths", "drop", index)
            compile_when(drop.when, f"{self.document.path}:{self.document.line_of(('drop', index))}: {drop.name}")
            yield drop

    def _cases(self) -> Iterator[Case]:
        for index, case in enumerate(self.document.value.get("tests", [])):
            if not isinstance(case, dict) or "event" not in case or not isinstance(case.get("expect", {}), dict):
                raise self.fault("a test needs an `event:` and what to `expect:` of its record", "tests", index)
            yield Case(
                name=str(case.get("name", f"test {index + 1}")),
                line=self.document.line_of(("tests", index)),
                event=case["event"],
                expect=case.get("expect", {}),
                drop=case.get("drop"),
            )

    def _refuse_overlaps(self, profile: Profile) -> None:
        """A place inside one that is taken whole would be taken twice, and in an order that nobody can see."""
        taken = [(slot, path) for slot, expr in profile.slots.items() for path in expression.consumed(expr)]
        wholes = [(slot, path.steps) for slot, path in taken if SLOTS[slot] in ("whole", "anything")]
        for outer, steps in wholes:
            for inner, path in taken:
                if len(path.steps) > len(steps) and path.steps[: len(steps)] == steps:
                    raise self.fault(f"{inner}: lies inside what {outer} takes whole", inner.partition(".")[0])


def load_profile(path: FilePath) -> Profile:
    """The profile in this file. Raises ConfigError naming file, line and key."""
    return _Reader(read_yaml(path)).read()


def parse_profile(text: str, path: FilePath) -> Profile:
    """As load_profile, of text that came from `path`."""
    return _Reader(parse_yaml(text, path)).read()


def builtin_profiles() -> list[Profile]:
    """The profiles that come with whodid, by name."""
    folder = resources.files("whodid_config.profiles")
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".yaml")), key=lambda entry: entry.name)
    return [parse_profile(entry.read_text(encoding="utf-8"), FilePath(f"profiles/{entry.name}")) for entry in files]
