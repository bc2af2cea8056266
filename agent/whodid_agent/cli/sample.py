"""The first events of a file input, read as a run would: which profiles fit them, and which actions have no verb."""

import glob
from collections import Counter
from datetime import UTC, datetime

import msgspec
from msgspec import Struct, field

from whodid_agent.assemble import input_options
from whodid_agent.config import AgentSettings, InputSettings
from whodid_agent.inputs.file.lines import bounds
from whodid_agent.inputs.file.reader import NotAFileError, is_packed, open_bytes
from whodid_agent.inputs.file.unwrap import may_be_wrapped, unwrapped
from whodid_agent.normalise.contract import Origin, Refusal, Shipment, Stream
from whodid_agent.normalise.pipeline import Pipeline
from whodid_agent.normalise.profiles import ProfileSet
from whodid_schema import timestamp
from whodid_schema.meta import default_meta

_BYTES = 128 * 1024
_MOST_FILES = 4
_MOST_ACTIONS = 200


class Sampled(Struct):
    """What was met: events by profile, refused ones by reason, actions without a verb; each with its number."""

    events: int = 0
    profiles: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[str] = field(default_factory=Counter)


def sample(settings: AgentSettings, one: InputSettings, profiles: ProfileSet) -> Sampled:
    """Read the beginnings of the input's first files. What cannot be opened is passed over: `check` says it itself."""
    pipeline = Pipeline(input_options(settings, one), default_meta(datetime.now(UTC)), profiles, drops=False)
    found = Sampled()
    for path in sorted(glob.glob(one.file or "", recursive=True))[:_MOST_FILES]:  # noqa: PTH207 - may be absolute
        for line in _lines(path, one):
            _note(pipeline, line, found)
    return found


def _lines(path: str, one: InputSettings) -> list[bytes]:
    if is_packed(path):
        return []
    try:
        file = open_bytes(path)
    except (OSError, NotAFileError):
        return []
    try:
        raw = file.read(0, _BYTES)
    finally:
        file.close()
    raw = raw[: raw.rfind(b"\n") + 1]
    written = bounds(raw, 0)[0]
    if may_be_wrapped(raw, one.unwrap):
        written = unwrapped(written, one.unwrap)[0]
    return [each.data for each in written if each.data.strip()]


def _note(pipeline: Pipeline, line: bytes, found: Sampled) -> None:
    now = timestamp.now()
    origin = Origin(Stream("file", "check", "", now), 0, now)
    for event in pipeline.events(pipeline.redact(line + b"\n")[:-1], origin):
        found.events += 1
        if isinstance(event, Refusal):
            found.refused[event.reason] += 1
        elif isinstance(event, Shipment):
            record = msgspec.json.decode(event.body)
            found.profiles[record["ingest"]["profile"]] += 1
            if not event.named and len(found.unmapped) < _MOST_ACTIONS:
                found.unmapped[str(record.get("action"))[:80]] += 1
