"""What is asked at the command line is an event in the store that was asked: `note` a question, `require` an export.

A question is answered also where it cannot be recorded, and says so; what leaves the store, and what is done to it
(`administer`), is refused then.
"""

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from whodid_indexer.cli.output import say
from whodid_schema.errors import NotAllowed

if TYPE_CHECKING:
    from whodid_indexer.audit.event import Who
    from whodid_indexer.audit.recorder import Recorder
    from whodid_indexer.query.model import AuditQuery
    from whodid_indexer.store.base import Reader

PATIENCE_MS = 2_000
"""How long a question waits for another writer of the file before it goes without its record, and says so."""

unrecorded_option = click.option(
    "--unrecorded", is_flag=True, help="Go on where the store cannot record that this was done."
)


def note(reader: "Reader", action: str, query: "AuditQuery | None" = None, **known: object) -> None:
    """Record a question that was answered; where that cannot be, say it on stderr."""
    reason = _record(reader, action, query, known, PATIENCE_MS)
    if reason is not None:
        say(f"note: that this was asked is not recorded: {reason}")


def require(
    reader: "Reader", action: str, query: "AuditQuery | None" = None, *, unrecorded: bool = False, **known: object
) -> bool:
    """Record what is about to be done; whether it is recorded. Raises NotAllowed where it cannot be, and must."""
    reason = _record(reader, action, query, known)
    if reason is not None and not unrecorded:
        raise NotAllowed(
            f"what leaves the store is recorded in it, and this cannot be: {reason}",
            "let somebody do it who may write to the store, or give --unrecorded",
        )
    return reason is None


def administer(recorder: "Recorder", action: str, **known: object) -> None:
    """Record an act of administration before it is done. Raises NotAllowed where that cannot be."""
    reason = _write(recorder, action, None, known)
    if reason is not None:
        raise NotAllowed(
            f"what is done to the store is recorded in it, and this cannot be: {reason}",
            "see that the store takes records, and try again; nothing was done",
        )


def _record(
    reader: "Reader",
    action: str,
    query: "AuditQuery | None",
    known: dict[str, object],
    patience: int | None = None,
) -> str | None:
    from whodid_indexer.audit.recorder import recorder_of  # noqa: PLC0415  not needed to print help

    recorder = recorder_of(reader, patience)
    return None if recorder is None else _write(recorder, action, query, known)


def _write(recorder: "Recorder", action: str, query: "AuditQuery | None", known: dict[str, object]) -> str | None:
    from whodid_indexer.audit.event import deed_of, event_of  # noqa: PLC0415  as above

    return recorder.record(event_of(deed_of(action, query, known), whoever(), datetime.now(UTC)))


def whoever() -> "Who":
    """The person at the command line, as the operating system knows them."""
    from whodid_indexer.audit.event import Who  # noqa: PLC0415  as above
    from whodid_indexer.export.manifest import whoami  # noqa: PLC0415  as above

    user, host = whoami()
    return Who("user", "cli", id=str(os.getuid()), name=user, host=host)
