"""The form of a retention plan: what goes, when and why, for people (`retention plan`) and as JSON."""

from collections.abc import Sequence

from msgspec import Struct


class Part(Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """Records that go together: an index, or what a class has in a SQLite file.

    `records` is None where nobody can count them (a closed index). `goes` is RFC 3339; None: never. `due`: now.
    """

    class_: str
    kept: str
    what: str
    records: int | None
    goes: str | None
    due: bool
    why: str


class RetentionPlan(Struct, frozen=True, kw_only=True):
    """Everything the store holds, as of `at`: what is due goes at the next apply, the others when they say.

    `steps` are changes other than deleting (policies attached to indices), `notes` what cannot be done and why,
    `differences` where the configuration and the store's document disagree.
    """

    at: str
    store: str
    parts: Sequence[Part]
    steps: Sequence[str] = ()
    notes: Sequence[str] = ()
    differences: Sequence[str] = ()


class Done(Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """What was deleted: `records` of a class, and in words what they were."""

    class_: str
    what: str
    records: int | None
