"""What a token lets an agent store: records of its own workspaces, projects and apps, and nothing that is whodid's.

    the record names          the token names one        several        none
    ───────────────────────────────────────────────────────────────────────────
    one of the token's        stored                     stored         stored, whatever it names
    another                   refused                    refused
    none                      stored as the token's      refused        stored

Ids are compared as they are written. What is refused is refused alone, with a reason that the sender can mend.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from whodid_indexer.access.roles import Grant
from whodid_indexer.store.base import Item
from whodid_schema.bulk import Outcome, Result
from whodid_schema.record import Ref
from whodid_schema.taxonomy import OWN_SURFACE


class _Told(Struct):
    """What a record says of where it belongs."""

    surface: str | None = None
    app: str | None = None
    workspace: Ref | None = None
    project: Ref | None = None


class _Refused(Exception):
    """A record that this token may not store; the text is the reason."""


_told = msgspec.json.Decoder(_Told).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def held(item: Item, grant: Grant) -> Item | Result:
    """The item as it may be stored, or why it may not."""
    try:
        filled = _filled(_told(item.body), grant)
        return item._replace(body=_with(item.body, filled)) if filled else item
    except msgspec.DecodeError as error:
        return Result(Outcome.REJECTED, f"not a record: {error}")
    except _Refused as error:
        return Result(Outcome.REJECTED, str(error))


def _filled(told: _Told, grant: Grant) -> dict[str, Ref]:
    """What the record is to have beside what it has. Raises _Refused."""
    if told.surface == OWN_SURFACE:
        raise _Refused("the surface audit is whodid's own record of what is done with it; no sender writes it")
    if grant.apps and told.app not in grant.apps:
        raise _Refused(f"this token stores records of {_these('app', grant.apps)}; this one is of {_one(told.app)}")
    wanted = {
        "workspace": _forced("workspace", told.workspace, grant.workspaces),
        "project": _forced("project", told.project, grant.projects),
    }
    return {name: ref for name, ref in wanted.items() if ref is not None}


def _forced(name: str, given: Ref | None, ids: Sequence[str]) -> Ref | None:
    """What the record is to have in this place; None where what it has is right."""
    found = given.id if given is not None else None
    if not ids or found in ids:
        return None
    if found:
        raise _Refused(f"this token stores records of {_these(name, ids)}; this one is of {_one(found)}")
    if len(ids) > 1:
        raise _Refused(f"this token stores records of {_these(name, ids)}; this one names none: say which at the input")
    return Ref(ids[0], given.name if given is not None else None)


def _with(body: bytes, refs: dict[str, Ref]) -> bytes:
    """The record with these in it, everything else as it was sent."""
    members: dict[str, msgspec.Raw | Ref] = {**_members(body), **refs}
    return msgspec.json.encode(members)


def _these(name: str, ids: Sequence[str]) -> str:
    shown = ", ".join(map(_one, ids[:3]))
    return f"{name} {shown}{' …' if len(ids) > 3 else ''}"


def _one(value: str | None) -> str:
    return "none" if value is None else ascii(value[:80])
