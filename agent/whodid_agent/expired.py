"""What was older than its class's retention when it arrived: how many, the oldest, the newest, and a few of them.

Kept with the checkpoint and shown by `whodid-agent status`, so that a retention set too short, or a clock that is
wrong, shows by the events that it cost.
"""

import msgspec
from msgspec import Struct

from whodid_agent.inputs.contract import Line
from whodid_agent.normalise.contract import Discard

EXAMPLES = 5
"""Events named per class; the first ones that came."""


class Example(Struct):
    """One event: when it happened, what it was, and where it stands."""

    time: str
    action: str
    source: str
    offset: int


class Expired(Struct):
    """The events of one class; times are the records', `oldest` ≤ `newest`."""

    events: int = 0
    oldest: str = ""
    newest: str = ""
    examples: list[Example] = msgspec.field(default_factory=list)


Found = dict[str, Expired]
"""By class."""


def note(found: Found, event: Discard, line: Line) -> None:
    """Count an expired event of this line."""
    example = Example(event.time, event.action, line.origin.stream.source, line.origin.offset)
    merge(found, {event.rule: Expired(1, event.time, event.time, [example])})


def merge(total: Found, more: Found) -> None:
    """Add `more` to `total`."""
    for name, other in more.items():
        mine = total.setdefault(name, Expired())
        mine.events += other.events
        mine.oldest = min(mine.oldest or other.oldest, other.oldest)
        mine.newest = max(mine.newest, other.newest)
        mine.examples += other.examples[: EXAMPLES - len(mine.examples)]
