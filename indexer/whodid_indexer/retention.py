"""How long each class of records is kept, as whodid.yaml says it: `retention: {activity: 365d}`."""

import difflib
import re
from collections.abc import Mapping

from whodid_schema import taxonomy
from whodid_schema.errors import ConfigError
from whodid_schema.meta import Retention

_DAILY = 31
"""Up to so many days an index holds one day, so that what is kept is never twice as much as was asked for."""

_days = re.compile(r"([1-9][0-9]{0,4})d").fullmatch


def read_retention(settings: Mapping[str, str]) -> dict[str, Retention]:
    """Class → its retention. Raises ConfigError for a class that no record has and for what is no number of days."""
    return {name: _one(name, text) for name, text in settings.items()}


def _one(name: str, text: str) -> Retention:
    if name not in taxonomy.SURFACES:
        near = difflib.get_close_matches(name, taxonomy.SURFACES, n=1)
        known = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(taxonomy.SURFACES)}"
        raise ConfigError(f"retention: there is no class {name!r}", known)
    match = _days(text)
    if match is None:
        raise ConfigError(f"retention: {name}: {text!r} is not a number of days", "write it like 365d")
    days = int(match.group(1))
    return Retention(days, "day" if days <= _DAILY else "month")
