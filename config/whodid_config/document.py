"""YAML documents with the line of every key, so that a complaint can say where; of settings and of profiles."""

from pathlib import Path
from typing import Any

import yaml

from whodid_schema.errors import ConfigError


class _LineLoader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice and remembers the line of every key."""

    lines: dict[int, dict[str, int]]


class _FastLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml is in most wheels
    """The same on libyaml: six times as fast, but worse at saying what is wrong."""

    lines: dict[int, dict[str, int]]


def _mapping(loader: _LineLoader | _FastLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    result: dict[Any, Any] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str | int | float | bool | None):
            raise yaml.constructor.ConstructorError(None, None, "a key must be a plain word", key_node.start_mark)
        if key in result:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", key_node.start_mark)
        lines[str(key)] = key_node.start_mark.line + 1
        result[key] = loader.construct_object(value_node, deep=True)
    loader.lines[id(result)] = lines
    return result


for _loader in (_LineLoader, _FastLoader):
    _loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


class Document:
    """A YAML document and where in the file each of its keys stands."""

    def __init__(self, path: Path, value: Any, lines: dict[int, dict[str, int]]) -> None:
        self.path = path
        self.value = value
        self._lines = lines

    def line_of(self, location: tuple[int | str, ...]) -> int:
        """The line (from 1) of the key that `location` leads to, or of the last of it that is in the file."""
        value, found = self.value, 1
        for step in location:
            if isinstance(value, dict) and step in value:
                found = self._lines.get(id(value), {}).get(str(step), found)
                value = value[step]
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
                found = min(self._lines.get(id(value), {"": found}).values(), default=found)
        return found


def read_yaml(path: Path) -> Document:
    """The file's one YAML document, with lines. Raises ConfigError naming file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    return parse_yaml(text, path)


def parse_yaml(text: str, path: Path) -> Document:
    """As read_yaml, of text that came from `path`."""
    try:
        return _parsed(_FastLoader(text), path)
    except (yaml.YAMLError, ValueError, RecursionError):
        pass
    try:
        return _parsed(_LineLoader(text), path)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError(f"{where}: not YAML: {getattr(error, 'problem', None) or error}") from error


def _parsed(loader: _LineLoader | _FastLoader, path: Path) -> Document:
    loader.lines = {}
    try:
        value = loader.get_single_data()
    finally:
        loader.dispose()
    return Document(path, value, loader.lines)
