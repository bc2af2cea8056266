"""Which file a name belongs to: the names that rotation gives to the older parts of a file.

    NAME                audit.jsonl
    NAME.N              audit.jsonl.1
    NAME[.-]DATE        audit.jsonl-20261121, audit.jsonl.2026-11-21
    STEM[.-]DATE[.N].EXT  audit-2026-11-21.jsonl, audit.2026-11-21.0.jsonl
    any of these + .gz, .zst

Only names are looked at, never what exists, so that a file's `source` (and with it the id of every event) is the
same before, during and after a rotation.
"""

import re
from collections.abc import Callable, Iterator

_DAY = r"(?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2])[-_.]?(?:0[1-9]|[12]\d|3[01])"
_CLOCK = r"[-_T.]?[0-2]\d(?:[-_.]?[0-5]\d(?:[-_.]?[0-5]\d(?:[.,]\d{1,9})?)?)?Z?"
_EPOCH = r"1\d{9}"
_DATE = rf"(?:{_DAY}(?:{_CLOCK})?|{_EPOCH})"
_PACKED = re.compile(r"(.+)\.(?:gz|zst)", re.DOTALL)
_NUMBERED = re.compile(r"(.+)\.\d{1,9}", re.DOTALL)
_DATED = re.compile(rf"(.+)[.-]{_DATE}", re.DOTALL)
_STEMMED = re.compile(rf"(.+?)[.-]{_DATE}(?:\.\d{{1,9}})?(\.[^.]+)", re.DOTALL)
_NUMBER = re.compile(r"\.(\d{1,9})(?:\.gz|\.zst)?\Z")


def _parents(name: str) -> Iterator[str]:
    """The names of which `name` is a rotated sibling, one step up."""
    for pattern in (_PACKED, _NUMBERED, _DATED):
        if found := pattern.fullmatch(name):
            yield found[1]
    if found := _STEMMED.fullmatch(name):
        yield found[1] + found[2]


def configured_name(name: str, configured: Callable[[str], bool]) -> str | None:
    """The configured file that `name` belongs to (itself, if nothing above it is configured), or None."""
    best = name if configured(name) else None
    level, seen = [name], {name}
    while level:
        above = [parent for each in level for parent in _parents(each)]
        level = list(dict.fromkeys(parent for parent in above if parent not in seen))
        seen.update(level)
        best = next((parent for parent in level if configured(parent)), best)
    return best


def rotation_number(name: str) -> int:
    """The N of NAME.N (the higher, the older), or 0."""
    found = _NUMBER.search(name)
    return int(found[1]) if found else 0
