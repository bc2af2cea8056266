"""What `forward status` tells of a consumer: from its bookmark, from what it said last, and from the store."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from whodid_indexer.forward.bookmark import Counts, Now, Place, is_held, read_bookmark, read_now
from whodid_indexer.forward.dead import DeadLetters
from whodid_indexer.forward.lag import Lag, lag_of
from whodid_indexer.forward.settings import ConsumerSettings
from whodid_indexer.store.base import Reader
from whodid_schema.errors import StateError, WhodidError


class Status(Struct, frozen=True):
    """A consumer as it stands. `read = sent + filtered + dead + in_flight`; lags are None where the store is silent."""

    name: str
    kind: str
    form: str
    address: str
    query: str
    state: str
    reason: str
    running: bool
    read: int
    sent: int
    filtered: int
    dead: int
    in_flight: int
    balanced: bool
    retries: int
    shortened: int
    dead_letters: int
    lag_records: int | None
    lag_seconds: float | None


def statuses(consumers: Sequence[ConsumerSettings], folder: Path, reader: Reader | None) -> list[Status]:
    """Of each consumer, whether it is running or not; one with a damaged bookmark says so as its reason."""
    return [_status(one, folder, reader) for one in consumers]


def _status(settings: ConsumerSettings, folder: Path, reader: Reader | None) -> Status:
    running = is_held(folder, settings.name)
    damaged = ""
    try:
        found = read_bookmark(folder, settings.name)
    except StateError as error:
        found, damaged = None, error.message
    place = found[0] if found else None
    now = read_now(folder, settings.name)
    counts = _counts(place, now if running else None)
    lag, why = (None, damaged) if damaged else _lag(reader, place)
    said = now if now is not None and (running or now.reason) else None
    return Status(
        name=settings.name,
        kind=settings.kind,
        form=settings.form,
        address=settings.shown,
        query=settings.query,
        state=said.state if said is not None and running else "stopped" if found or damaged else "new",
        reason=why or (said.reason if said else ""),
        running=running,
        **{name: getattr(counts, name) for name in Counts.__struct_fields__},
        balanced=counts.balanced,
        retries=now.retries if now else 0,
        shortened=now.shortened if now else 0,
        dead_letters=DeadLetters(folder, settings.name).waiting(),
        lag_records=lag.records if lag else None,
        lag_seconds=lag.seconds if lag else None,
    )


def _counts(place: Place | None, now: Now | None) -> Counts:
    """What the consumer counted last, unless its bookmark knows more."""
    if place is None:
        return now.counts if now else Counts()
    counts, pending = place.counts, place.pending
    if pending is not None:
        counts = replace(
            counts,
            read=counts.read + pending.read,
            filtered=counts.filtered + pending.filtered,
            in_flight=pending.records,
        )
    return now.counts if now is not None and now.counts.read > counts.read else counts


def _lag(reader: Reader | None, place: Place | None) -> tuple[Lag | None, str]:
    if reader is None:
        return None, ""
    try:
        return lag_of(reader, place.cursor if place else None), ""
    except WhodidError as error:
        return None, error.message
