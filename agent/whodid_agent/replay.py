"""Replay: what lies in quarantine goes to the store once more, under the ids it had.

A command asks the running agent through a file, because only the agent may write its state, and waits for the answer:

    requests/<id>.json    {"names": ["41.0"]}          empty: everything
    requests/<id>.done    {"sent": 1, "kept": 0}       kept: still no record, or its input is not configured now

An entry that was no record is normalised anew (a profile may have been mended since); one that the store rejected
keeps its id and index. What is rejected again comes back to quarantine as a new entry.
"""

import secrets
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from whodid_agent import quarantine
from whodid_agent.batch import Batch, Range
from whodid_agent.entry import Entry
from whodid_agent.inputs.contract import Counters
from whodid_agent.normalise.contract import Discard, Event, Normaliser, Refusal, Shipment
from whodid_agent.state import replace_synced
from whodid_schema.errors import StoreUnreachable

MOST = 1000
"""Entries in one batch."""


class Request(Struct, frozen=True):
    """What a command asks for; no names: everything."""

    names: list[str]


class Answer(Struct):
    """How many entries were sent, and how many stay because they cannot be."""

    sent: int = 0
    kept: int = 0


def ask(folder: Path, names: list[str], patience: float) -> Answer:
    """Ask the agent that runs on `folder`'s state and wait. Raises StoreUnreachable where no answer comes."""
    request = folder / f"{secrets.token_hex(8)}.json"
    done = request.with_suffix(".done")
    replace_synced(request, msgspec.json.encode(Request(names)))
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if done.exists():
            answer = msgspec.json.decode(done.read_bytes(), type=Answer)
            done.unlink()
            return answer
        time.sleep(0.1)
    request.unlink(missing_ok=True)
    raise StoreUnreachable(
        f"the running agent did not finish within {patience:g} s", "see its log; the store may not answer it"
    )


def asked(folder: Path) -> Iterator[tuple[Path, Request]]:
    """Requests that wait; one that cannot be read is answered with nothing done."""
    for path in sorted(folder.glob("*.json")):
        try:
            yield path, msgspec.json.decode(path.read_bytes(), type=Request)
        except FileNotFoundError:
            continue
        except msgspec.DecodeError:
            answer(path, Answer())


def answer(path: Path, value: Answer) -> None:
    """Answer a request."""
    replace_synced(path.with_suffix(".done"), msgspec.json.encode(value))
    path.unlink(missing_ok=True)


def batches(
    folder: Path, names: Collection[str], normalisers: Mapping[str, Normaliser], answered: Answer
) -> Iterator[Batch]:
    """The entries as batches; `answered.kept` counts those that cannot be sent."""
    batch = _empty()
    for entry in list(quarantine.read(folder)):
        if names and entry.name not in names:
            continue
        events = _events(entry, normalisers.get(entry.input))
        if not events:
            answered.kept += 1
            continue
        _add(batch, entry, events)
        if len(batch.replayed) >= MOST:
            yield batch
            batch = _empty()
    if batch.replayed:
        yield batch


def _empty() -> Batch:
    batch = Batch()
    batch.advances = False
    return batch


def _events(entry: Entry, normaliser: Normaliser | None) -> list[Event]:
    """What the entry's line gives now; nothing where it still cannot be sent as a whole."""
    line = entry.as_line()
    if line is None or normaliser is None:
        return []
    sent = {entry.item or 0: entry.sent} if entry.sent is not None else None
    events = normaliser.events(line.data, line.origin, sent)
    chosen = [event for event in events if entry.item is None or event.item == entry.item]
    return [] if any(isinstance(event, Refusal) for event in chosen) else chosen


def _add(batch: Batch, entry: Entry, events: list[Event]) -> None:
    line = entry.as_line()
    assert line is not None  # noqa: S101  it gave events
    number = next((n for n, each in enumerate(batch.ranges) if each.key == entry.stream), len(batch.ranges))
    if number == len(batch.ranges):
        batch.ranges.append(Range(entry.input, entry.stream, 0, 0, "", Counters()))
    counters = batch.ranges[number].counters
    counters.quarantined -= 1
    counters.decoded += len(events) - 1
    for event in events:
        if isinstance(event, Shipment):
            batch.ship(number, [line], [event])
        elif isinstance(event, Discard):
            counters.dropped += event.kind == "dropped"
            counters.expired += event.kind == "expired"
    batch.replayed.append(entry.name)
