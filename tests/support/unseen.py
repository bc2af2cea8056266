"""Formats that no profile knows: events as data (tests/agent/normalise/unseen), and how many the search gets right."""

from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from support.events import pipeline, shipped

FOLDER = Path(__file__).parent.parent / "agent" / "normalise" / "unseen"
GENERIC = pipeline(profile="generic")
JUDGED = {"actor": ("actor",), "action": ("action",), "ip": ("client.ip",), "time": ("@timestamp",)}


class Sample(NamedTuple):
    """An event and what its record must say."""

    format: str
    event: dict[str, Any]
    expect: dict[str, Any]


def samples(name: str) -> list[Sample]:
    """Those of one file."""
    return [Sample(**entry) for entry in yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))]


def at(record: Any, path: str) -> Any:
    for step in path.split("."):
        record = record.get(step) if isinstance(record, dict) else None
    return record


def wrong(sample: Sample) -> dict[str, tuple[Any, Any]]:
    """Path → (what is expected, what is there), for what is not as expected; by the generic profile alone."""
    found = msgspec.json.decode(shipped(sample.event, GENERIC).body)
    return {path: (value, at(found, path)) for path, value in sample.expect.items() if at(found, path) != value}


def score(name: str) -> dict[str, tuple[int, int]]:
    """For actor, action, IP and time: how many are right of those that are asked for."""
    result = {}
    for part, begins in JUDGED.items():
        asked = right = 0
        for sample in samples(name):
            paths = [path for path in sample.expect if path.startswith(begins)]
            asked += bool(paths)
            right += bool(paths) and not any(path.startswith(begins) for path in wrong(sample))
        result[part] = (right, asked)
    return result
