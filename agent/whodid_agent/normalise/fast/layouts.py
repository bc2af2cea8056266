"""The layouts that an input's lines were often met in: an event of a known one is shipped without being decoded.

    line ─► what it begins with ─► the patterns of such lines ─► a guess of what is found ─► its stencil

Senders make layouts up, so everything is bounded: how many are kept, how many a line is held to, and how often one is
made. A line that has none, or in which anything is out of the ordinary, goes the way of all lines.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from whodid_agent.normalise import envelope
from whodid_agent.normalise.contract import Origin, Shipment, Stream
from whodid_agent.normalise.decode import decode_json
from whodid_agent.normalise.fast.layout import is_plain
from whodid_agent.normalise.fast.layout_guess import Guess, layout_guess
from whodid_agent.normalise.fast.straight import Straight
from whodid_agent.normalise.language.profile import Profile
from whodid_agent.normalise.mapper import Mapper
from whodid_agent.normalise.profiles import ProfileSet
from whodid_agent.normalise.signing import Signer

_MOST_ALIKE = 4
"""Layouts of lines that begin alike; each costs a line of none of them about as much as reading half of it."""

_MOST_BEGINNINGS = 64
_LONGEST_BEGINNING = 72
_MADE_AT = frozenset({16, 64, 256, 1_024, 4_096, 16_384})
"""Of the lines that begin alike and have no layout, these have one made of them."""


class _Layout(NamedTuple):
    """`source`: the pattern's text, by which it is told from others."""

    match: Callable[[bytes], re.Match[bytes] | None]
    run: Guess
    profile: Profile
    source: str


class Layouts:
    """The layouts of one input's lines; `named`: the profile that reads all of them."""

    def __init__(
        self,
        profiles: ProfileSet,
        named: Mapper | None,
        stencils_of: Callable[[Profile], Straight],
        signer_of: Callable[[Stream, Profile], Signer],
    ) -> None:
        self._profiles, self._named = profiles, named
        self._stencils_of, self._signer_of = stencils_of, signer_of
        self._known: dict[bytes, tuple[_Layout, ...]] = {}
        self._met: dict[bytes, int] = {}

    def shipment(self, item: int, data: bytes, origin: Origin) -> Shipment | None:
        """The shipment of an event in a known layout; None for any other."""
        known = self._known.get(data[: data.find(b":") + 2])
        if known is None:
            return None
        try:
            for match, run, profile, _ in known:
                found = match(data)
                if found is not None:
                    return run(found, item, data, origin, self._signer_of(origin.stream, profile))
        except Exception:  # noqa: BLE001  # no UTF-8, no JSON: what it was is found out by the way of all lines
            return None
        return None

    def meet(self, data: bytes) -> None:
        """Count an event without a layout that has a stencil; of some of them make one."""
        begin = data[: data.find(b":") + 2]
        known = self._known.get(begin, ())
        if len(known) == _MOST_ALIKE or not 4 < len(begin) <= _LONGEST_BEGINNING:
            return
        met = self._met.get(begin, 0) + 1
        if len(self._met) >= _MOST_BEGINNINGS:
            self._met.clear()
        self._met[begin] = met
        if met in _MADE_AT:
            made = self._made(data)
            if made is not None and all(made.source != other.source for other in known):
                if len(self._known) >= _MOST_BEGINNINGS:
                    self._known.clear()
                self._known[begin] = (*known, made)

    def _made(self, data: bytes) -> _Layout | None:
        """The layout of this event's line, if all events that have it are read alike."""
        event = decode_json(data)
        profiles = self._profiles
        if not is_plain(data) or not event.keys().isdisjoint({*profiles.splits, *profiles.unfolded, *envelope.MARKS}):
            return None
        settled = profiles.settled(event) if self._named is None else ([], [])
        profile = (self._named or profiles.mapper_of(event, tuple(event))).profile
        if settled is None or profile.actions or profile.names or profile.mask or profile.drops:
            return None
        made = layout_guess(profile, event, data.decode(), settled, self._stencils_of(profile).straight)
        if made is None:
            return None
        source, run = made
        return _Layout(re.compile(source.encode()).fullmatch, run, profile, source)
