"""Legal holds: what each covers, and whether it can be asked at all."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from whodid_indexer.doctor.finding import Finding, fail, ok, warn
from whodid_indexer.holds.hold import Hold
from whodid_schema.errors import WhodidError

_SOON = timedelta(days=7)


def tell_holds(holds: Iterable[Hold], covered: Callable[[Hold], int]) -> Iterator[Finding]:
    """A finding for each active hold; `covered` counts its records, and raises where nobody can tell."""
    none = True
    for hold in holds:
        none = False
        try:
            number = covered(hold)
        except WhodidError as error:
            yield fail(error.message, error.hint)
            continue
        said = f"{hold.name} covers {number:,} records: {hold.query}"
        if not number:
            yield warn(said, "is its question the right one? What matches later is held too")
        elif hold.until is not None and datetime.fromisoformat(hold.until) < datetime.now(UTC) + _SOON:
            yield warn(f"{said}; it ends at {hold.until}", "add another hold if its records are needed longer")
        else:
            yield ok(said)
    if none:
        yield ok("no legal hold is active")
