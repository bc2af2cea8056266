"""A profile's document while it is read: its values by key, and complaints that name file, line and key."""

import difflib
from collections.abc import Iterable
from typing import Any

from whodid_agent.normalise.language.path import BadPathError, Path, parse_path
from whodid_config.document import Document
from whodid_schema.errors import ConfigError

Location = tuple[str | int, ...]
"""The keys and list places that lead to a value of the document."""

MOST_VALUES = 200_000
DEEPEST = 64


class Reading:
    """One document. Every method that finds a fault raises ConfigError."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._refuse_bombs()
        if not isinstance(document.value, dict):
            raise self.fault("a profile must be `key: value` lines")
        self.source: dict[str, Any] = document.value

    def _refuse_bombs(self) -> None:
        """Aliases can make a small file endless: what it comes to is counted before anything is read."""
        waiting: list[tuple[Any, int]] = [(self.document.value, 0)]
        met = 0
        while waiting:
            value, depth = waiting.pop()
            met += 1
            if met > MOST_VALUES or depth > DEEPEST:
                raise self.fault(f"more than {MOST_VALUES} values or {DEEPEST} levels: is an alias (*name) in a ring?")
            inner: Iterable[Any] = ()
            if isinstance(value, dict):
                inner = value.values()
            elif isinstance(value, list):
                inner = value
            waiting.extend((one, depth + 1) for one in inner)

    def fault(self, message: str, *location: str | int) -> ConfigError:
        """The complaint about what stands there."""
        return ConfigError(f"{self.document.path}:{self.document.line_of(location)}: {message}")

    def unknown(self, key: Any, known: Iterable[str], *location: str | int) -> ConfigError:
        """The complaint about a key below `location` that nobody knows: it names the nearest known one."""
        listed = list(dict.fromkeys(known))
        near = difflib.get_close_matches(str(key), listed, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(listed)}"
        return self.fault(f"unknown key {key!r}; {hint}", *location, key)

    def table(self, value: Any, says: str, *location: str | int) -> dict[str, Any]:
        """An object; `says` is what is wrong where it is none."""
        if not isinstance(value, dict):
            raise self.fault(says, *location)
        return value

    def only(self, value: dict[str, Any], known: Iterable[str], *location: str | int) -> None:
        """No other keys than these."""
        for key in value:
            if key not in known:
                raise self.unknown(key, known, *location)

    def listed(self, key: str) -> list[tuple[Location, Any]]:
        """The entries of a key that takes one or a list of them, each with where it stands."""
        found = self.source.get(key, [])
        if isinstance(found, list):
            return [((key, number), entry) for number, entry in enumerate(found)]
        return [((key,), found)]

    def text(self, key: str) -> str | None:
        """A text that is not empty; None where the key is not there."""
        value = self.source.get(key)
        if value is not None and (not isinstance(value, str) or not value.strip()):
            raise self.fault(f"`{key}:` must be text", key)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """One text or a list of them."""
        entries = [entry for _, entry in self.listed(key)]
        if not all(isinstance(entry, str) and entry for entry in entries):
            raise self.fault(f"`{key}:` must be a list of keys", key)
        return tuple(entries)

    def flag(self, key: str) -> bool | None:
        """True or false; None where the key is not there."""
        value = self.source.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.fault(f"`{key}:` must be true or false", key)
        return value

    def choice(self, key: str, *allowed: str) -> Any:
        """One of these words; None where the key is not there."""
        value = self.source.get(key)
        if value is not None and value not in allowed:
            raise self.fault(f"`{key}:` must be one of {', '.join(allowed)}", key)
        return value

    def paths(self, value: Any, *location: str | int) -> tuple[Path, ...]:
        """One path or a list of them."""
        try:
            return tuple(parse_path(path) for path in (value if isinstance(value, list) else [value]))
        except BadPathError as error:
            raise self.fault(f"{location[-1]}: {error}", *location) from error
