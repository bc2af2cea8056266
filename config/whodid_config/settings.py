"""How settings are read: a YAML file, `WHODID_…` variables over it, and errors that name file, line and nearest key.

Both commands describe their settings as a pydantic-settings model with `extra="forbid"` and call `load`.
"""

import difflib
import os
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings
from pydantic_settings.exceptions import SettingsError

from whodid_config.document import Document, read_yaml
from whodid_schema.errors import ConfigError

Settings = TypeVar("Settings", bound=BaseSettings)


def load(model: type[Settings], path: Path | None, **overrides: Any) -> Settings:
    """The settings of `path` (None: none) under the environment and `overrides` (command-line flags, None: not given).

    Raises ConfigError: `file:line: what, and the nearest known key`.
    """
    document = read_yaml(path) if path else None
    values = {} if document is None or document.value is None else document.value
    if document is not None and not isinstance(values, dict):
        raise ConfigError(f"{document.path}:1: settings must be `key: value` lines, not {type(values).__name__}")
    variables = _variables(model)
    under = {key: value for key, value in values.items() if key not in variables}
    given = {key: value for key, value in overrides.items() if value is not None}
    try:
        return model(**{**under, **given})
    except SettingsError as error:
        raise ConfigError(f"{_broken(error, variables)}: not JSON", "write a list or a table as JSON") from error
    except ValidationError as error:
        told = {key: name for key, name in variables.items() if key not in given}
        raise ConfigError(_explain(error, model, document, told)) from error


def _variables(model: type[BaseSettings]) -> dict[str, str]:
    """The settings that the environment names, with the variable of each: they win over the file, flags over both."""
    prefix = str(model.model_config.get("env_prefix", ""))
    names = {name.upper() for name in os.environ}
    return {key: f"{prefix}{key}".upper() for key in model.model_fields if f"{prefix}{key}".upper() in names}


def _broken(error: SettingsError, variables: dict[str, str]) -> str:
    """The variable that pydantic-settings could not read: its message names the setting in quotation marks."""
    named = [name for key, name in variables.items() if f'"{key}"' in str(error)]
    return named[0] if named else ", ".join(variables.values())


def _explain(
    error: ValidationError, model: type[BaseModel], document: Document | None, variables: dict[str, str]
) -> str:
    problems = []
    for fault in error.errors(include_url=False):
        location = tuple(fault["loc"])
        if location and location[0] in variables:
            inside = "".join(f"{step}: " for step in location[1:])
            problems.append(f"{variables[str(location[0])]}: {inside}{fault['msg']}")
            continue
        where = f"{document.path}:{document.line_of(location)}: " if document else ""
        name = ".".join(str(step) for step in location)
        if fault["type"] == "extra_forbidden":
            known = _known_keys(model, location[:-1])
            near = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            problems.append(f"{where}unknown key {name!r}; {hint}")
        else:
            problems.append(f"{where}{name}: {fault['msg']}")
    return "\n".join(problems)


def _known_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that are known where `location` leads, followed through nested models and lists of them."""
    current: type[BaseModel] = model
    for step in location:
        if isinstance(step, str) and step in current.model_fields:
            inner = model_in(current.model_fields[step].annotation)
            if inner is not None:
                current = inner
    return [field.alias or name for name, field in current.model_fields.items()]


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation holds at any depth (`list[Input] | None`: Input); None where there is none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = model_in(argument)
        if found is not None:
            return found
    return None
