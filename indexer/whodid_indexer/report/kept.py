"""What was given out and is still there: created, invited, issued in these records and not taken back in them.

The list for a handover: a person leaves, and what they made or granted stays. It says only what the records told say: a
thing deleted by somebody the report does not tell of is still listed, so each line is a question to be answered.
"""

from collections.abc import Sequence
from datetime import datetime, tzinfo

from msgspec import Struct

from whodid_schema.record import Record, Target

GIVEN = frozenset({"create", "invite", "import", "activate", "assign", "rotate", "mfa_enrol"})
TAKEN = frozenset({"delete", "revoke", "deactivate"})


class Kept(Struct, frozen=True):
    """Something that is still there: its kind and name, what was done last to bring it there, when, and the record."""

    kind: str
    name: str
    verb: str
    time: str
    id: str


def kept(records: Sequence[Record], zone: tzinfo) -> tuple[Kept, ...]:
    """What records in the order of time leave behind, in the order in which it came."""
    there: dict[tuple[str, str], Kept] = {}
    for record in records:
        if record.outcome in ("failure", "warning"):
            continue
        for target in record.targets or ([record.target] if record.target is not None else []):
            key = (target.type or "", target.id or target.name or "")
            if not key[1] or target.relation:
                continue
            if record.verb in TAKEN:
                there.pop(key, None)
            elif record.verb in GIVEN:
                there[key] = _kept(record, target, zone)
    return tuple(there.values())


def _kept(record: Record, target: Target, zone: tzinfo) -> Kept:
    at = datetime.fromisoformat(record.timestamp or "").astimezone(zone)
    name = target.name or f"#{target.id}"
    kind = (target.type or "").replace("_", " ")
    return Kept(kind, name, (record.verb or "").replace("_", " "), f"{at:%Y-%m-%d %H:%M:%S}", record.id or "")
