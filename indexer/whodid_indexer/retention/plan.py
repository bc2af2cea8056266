"""The form of a retention plan: what goes, when and why, for people (`retention plan`) and as JSON."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace


class Part(Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """Records that go together: an index, or what a class has in a SQLite file.

    `records` is None where nobody can count them (a closed index). `goes` is RFC 3339; None: never. `due`: now.
    `archived`: they are archived before they go.
    """

    class_: str
    kept: str
    what: str
    records: int | None
    goes: str | None
    due: bool
    why: str
    archived: bool = False


class Kept(Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """What a hold keeps of a class beyond its retention: `what` are the records before a time, or an index."""

    class_: str
    what: str
    records: int | None


class Held(Struct, frozen=True, kw_only=True):
    """An active legal hold: its question, why, by whom and since when, and until when (RFC 3339; None: released).

    `matches` is how many records it covers, `keeps` what of them would go now. `problem`: why nobody can tell; then
    nothing at all is deleted.
    """

    name: str
    query: str
    reason: str
    by: str
    at: str
    until: str | None
    matches: int | None = None
    keeps: Sequence[Kept] = ()
    problem: str | None = None


class RetentionPlan(Struct, frozen=True, kw_only=True):
    """Everything the store holds, as of `at`: what is due goes at the next apply, the others when they say.

    `holds` are the legal holds that are active, and what they keep back.
    `steps` are changes other than deleting (policies attached to indices), `notes` what cannot be done and why,
    `differences` where the configuration and the store's document disagree.
    """

    at: str
    store: str
    parts: Sequence[Part]
    holds: Sequence[Held] = ()
    steps: Sequence[str] = ()
    notes: Sequence[str] = ()
    differences: Sequence[str] = ()


class Done(Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"class_": "class"}):
    """What was deleted: `records` of a class, in words what they were, and the archives that have them now."""

    class_: str
    what: str
    records: int | None
    archives: Sequence[str] = ()


def held_part(part: Part, holds: Sequence[Held]) -> Part:
    """The part as it stays because of these holds: why, and when it goes if nothing else comes."""
    problem = any(hold.problem is not None for hold in holds)
    keeping = [hold for hold in holds if any((one.class_, one.what) == (part.class_, part.what) for one in hold.keeps)]
    ends = [hold.until for hold in keeping]
    goes = None if problem or None in ends else max(filter(None, ends), default=None)
    why = "a hold cannot be evaluated" if problem else f"held by {', '.join(hold.name for hold in keeping)}"
    return replace(part, goes=goes, due=False, why=why)
