"""What an object of an unknown event is part of: somebody who acts, a thing that is acted on, or neither.

    {"actor": {"details": {"email": …}}, "server": {"name": …}}
      ─► top ─► actor ─► actor, further down                 ─► other: nobody's

A key is read in its context: `name` inside of `actor` is the actor's, inside of `target` the target's, inside of
`server` nobody's.
"""

from typing import NamedTuple

from whodid_agent.normalise.unknown.lexicon import OTHER, PERHAPS, Lexicon, plain


class Context(NamedTuple):
    """What an object of the event is part of; `root` is the number of the object (or text of the keys) that says so."""

    group: str | None
    strength: int
    rank: float
    root: str
    aside: bool
    depth: int


TOP = Context(None, PERHAPS, 0, "", aside=False, depth=0)


def parts_of(key: str) -> list[str]:
    """The parts of a key: `actor.user.email`, `initiator/id` have several; an address is one."""
    if "://" in key or ("." not in key and "/" not in key):
        return [key]
    return key.replace("/", ".").split(".", 7)


class Contexts:
    """The contexts of one event's objects, each found from that of the object around it."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self.words: dict[str, str] = {}
        """Root of a context → the plain key that named it."""

    def through(self, context: Context, last: str, key: str, number: int) -> tuple[Context, Context, str]:
        """Context of the object `number` under `key`, the one around it, and the last plain key that led there."""
        around = context
        for part in parts_of(key):
            step = plain(part)
            if step:
                around, context, last = context, self.enter(context, step, number), step
        return context, around, last

    def enter(self, context: Context, step: str, number: int) -> Context:
        """The context one plain key further down."""
        word = self._lexicon.word(step)
        depth = context.depth + 1
        group = context.group
        if group is None and word is None:
            return Context(None, PERHAPS, 0, "", aside=False, depth=depth)
        self.words[f"{number}"] = step
        if word is None:
            aside = context.aside or step not in self._lexicon.through
            return Context(group, context.strength, context.rank, context.root, aside, depth)
        if group == word.group:
            # The innermost word has the members (`initiatedBy.user`), the outermost says how sure it is.
            rank = context.rank + word.rank / 100
            return Context(group, context.strength, rank, f"{number}", context.aside, depth)
        if group == "actor" and word.group in ("actor.token", "actor.on_behalf_of"):
            return Context(word.group, word.strength, word.rank, f"{number}", aside=False, depth=depth)
        if group in ("target", OTHER, "actor") or (group is not None and word.strength == PERHAPS):
            return Context(group, context.strength, context.rank, context.root, True, depth)
        return Context(word.group, word.strength, word.rank, f"{number}", aside=False, depth=depth)
