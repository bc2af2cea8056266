"""What `whodid setup` is about to do: documents to be put in the store, each with what stands there now.

Nearly everything that setup changes is one PUT of a whole document, so a plan is a list of them; doing it twice
changes nothing the second time, because then nothing differs. The others are POSTs that hand an index to a policy.
"""

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Step(NamedTuple):
    """One document to put at `path`. `before` is what stands there, None where nothing does."""

    name: str
    path: str
    before: Any
    after: Any
    method: str = "PUT"

    @property
    def verb(self) -> str:
        """What is done, for people."""
        return "create" if self.before is None else "update"


class Plan(NamedTuple):
    """The steps in their order, and in words what cannot be done and why."""

    steps: Sequence[Step]
    notes: Sequence[str] = ()


def holds(have: Any, wanted: Any) -> bool:
    """Whether `have` says all that `wanted` says; OpenSearch adds defaults of its own and writes settings as texts."""
    if isinstance(wanted, Mapping):
        return isinstance(have, Mapping) and all(name in have and holds(have[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list):
        return isinstance(have, list) and len(have) == len(wanted) and all(map(holds, have, wanted))
    return have == wanted or (isinstance(have, str) and have == _written(wanted))


def common(have: Any, wanted: Any) -> Any:
    """The part of `have` that `wanted` speaks of: what a difference is shown against."""
    if isinstance(have, Mapping) and isinstance(wanted, Mapping):
        return {name: common(have[name], wanted[name]) for name in wanted if name in have}
    if isinstance(have, list) and isinstance(wanted, list) and len(have) == len(wanted):
        return [common(one, other) for one, other in zip(have, wanted, strict=True)]
    return wanted if holds(have, wanted) else have


def difference(step: Step) -> str:
    """The step as a unified diff of JSON."""
    before = [] if step.before is None else _lines(common(step.before, step.after))
    lines = difflib.unified_diff(before, _lines(step.after), f"now {step.path}", f"then {step.path}", lineterm="")
    return "\n".join(lines)


def _written(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _lines(document: Any) -> list[str]:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False).split("\n")
