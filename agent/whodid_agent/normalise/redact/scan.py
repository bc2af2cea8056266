"""The scan of a whole chunk: where something may have to be masked, found by one engine over all rules at once.

Hyperscan where it loads, else RE2 (a quarter to three quarters slower), else none: Python's `re` needs a
hundred times as long as either, so then every line takes the slow way. Hyperscan takes 90 ms to get ready, RE2 three:
where both load, RE2 scans the first `EARLY` bytes, and a short run never waits for the other.

A hit is `(end, kind)`, `end` the offset behind the match. KEY ends behind a key's colon, the others somewhere
inside the place in question.
"""

import contextlib
import re
import sys
import threading
from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache, partial
from itertools import pairwise
from operator import itemgetter
from typing import Any, Literal

from whodid_agent.normalise.redact import patterns
from whodid_schema import redaction as rules

KEY, UNUSUAL, NAME, KEY_ID, CARD = range(5)

EARLY = 32 << 20
"""Bytes after which Hyperscan, once it is ready, has soon made up for the time that this took."""

LINE_HITS = 12
"""A line with more hits than that is looked at as a whole, which is cheaper than hit by hit."""

_PASSED = 3
"""To begin a search anew costs as much as so many hits."""

_BYTES_PER_HIT = 2048
"""What RE2 spends on a hit it could scan so many bytes in; Hyperscan's cost next to nothing."""

_FLOOD, _BYTES_PER_FLOOD = 32, 256
"""A chunk with more hits than so many, and one per so many bytes, holds lines of many hits, which RE2 passes over."""

_KIND = re.compile(
    rf"[\s\S]?({rules.CARD_TRIGGER})|({rules.KEY_ID})|[\s\S]*[^\\]\"[ \t]{{0,16}}(?:(:)|([,}}\]\n]?))".encode()
)
_KINDS = (UNUSUAL, CARD, KEY_ID, KEY, NAME)
"""The kind of what RE2 found, by its look. UNUSUAL is never wrong: the whole line is looked at then."""

Hit = tuple[int, int]
Scan = Callable[[bytes], list[Hit]]
Engine = Literal["hyperscan", "re2", "none"]


def _expressions(extra: tuple[str, ...]) -> list[tuple[str, int]]:
    """Every trigger with the kind of its hits."""
    words = patterns.key_words(extra)
    key = (rf"{words}\"[ \t]{{0,16}}:", KEY)
    unusual = [
        rf"{words}{patterns.INNER_QUOTE}?[ \t]{{0,8}}{patterns.SEPARATOR}",
        rf"{words}\"[ \t]{{0,8}}(?:=|%3[aAdD])",
        rf"{words}\"[ \t]{{17}}",
        rf"{words}{patterns.INNER_QUOTE}[ \t]{{0,16}}[,}}\]]",
        patterns.ESCAPED_LETTER,
        r"(?i:bearer|basic)[ \t]{1,8}[\w.~+/=\\-]{6}",
        r":\\?/\\?/[^/\s:@\"]{0,128}:[^/\s@\"]{1,256}@",
        *(shape.trigger for shape in rules.SHAPES),
    ]
    return [
        key,
        *((pattern, UNUSUAL) for pattern in unusual),
        (patterns.named_value(extra), NAME),
        (rules.KEY_ID, KEY_ID),
        *((pattern, CARD) for pattern in patterns.CARD_TRIGGERS),
    ]


def _hyperscan(extra: tuple[str, ...]) -> Scan:
    """Scans with Hyperscan; a scratch for each thread, as the library demands.

    It tells of every hit, also of thousands in one line: a chunk of so many RE2 scans instead, where it loads.
    """
    import hyperscan  # noqa: PLC0415 - optional on platforms without a wheel

    expressions = _expressions(extra)
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(
            expressions=[pattern.encode("latin-1") for pattern, _ in expressions],
            ids=list(range(len(expressions))),
            elements=len(expressions),
            flags=0,
        )
    except hyperscan.error as fault:  # a processor it does not know: as good as not installed
        raise ImportError(f"hyperscan does not work here: {fault}") from fault
    flooded: Scan | None = None
    with contextlib.suppress(ImportError):
        flooded = _re2(extra)
    kinds = [kind for _, kind in expressions]
    local = threading.local()

    def scan(chunk: bytes) -> list[Hit]:
        try:
            scratch = local.scratch
        except AttributeError:
            scratch = local.scratch = hyperscan.Scratch(database)
        hits: list[Hit] = []
        append = hits.append
        most = sys.maxsize if flooded is None else _FLOOD + len(chunk) // _BYTES_PER_FLOOD

        def found(number: int, _start: int, end: int, _flags: int, _context: Any) -> bool:
            append((end, kinds[number]))
            return len(hits) > most

        try:
            database.scan(chunk, match_event_handler=found, scratch=scratch)
        except hyperscan.error:
            if flooded is None:
                raise
            return flooded(chunk)
        hits.sort()
        return hits if len(hits) <= LINE_HITS else _thinned(chunk, hits)

    return scan


def _thinned(chunk: bytes, hits: list[Hit]) -> list[Hit]:
    """The hits with one UNUSUAL in place of those of a line that has too many."""
    some = hits[:: LINE_HITS // 2]  # of a line that has too many there are two of these next to one another
    if all(chunk.find(b"\n", one[0] - 1, other[0] - 1) >= 0 for one, other in pairwise(some)):
        return hits
    thinned: list[Hit] = []
    at = 0
    while at + LINE_HITS < len(hits):
        newline = chunk.find(b"\n", hits[at][0] - 1)
        line_end = len(chunk) if newline < 0 else newline
        behind = bisect_right(hits, line_end + 1, at, key=itemgetter(0))  # a hit may end behind its newline
        thinned += hits[at:behind] if behind - at <= LINE_HITS else [(line_end, UNUSUAL)]
        at = behind
    return thinned + hits[at:]


def _re2(extra: tuple[str, ...]) -> Scan:
    """Scans with RE2, whose matches do not overlap: the triggers are short, so that none hides the next."""
    import re2  # noqa: PLC0415 - optional on platforms without a wheel

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    # No groups: captures take RE2 five times as long as the match, so the kind is read off what was found.
    alternatives = "|".join(f"(?:{pattern})" for pattern, _ in _expressions(extra))
    find = re2.compile(alternatives.encode("latin-1"), options).finditer

    def scan(chunk: bytes) -> list[Hit]:
        hits: list[Hit] = []
        at = line_end = first = passed = 0
        done = -1  # up to here all is looked at anyway
        while at >= 0:
            origin, at = at, -1
            for found in find(chunk, origin):
                start, end = found.span()
                if start < done:
                    passed += 1
                    if passed < _PASSED and end <= done:
                        continue
                    at = done  # cheaper than to go on from hit to hit
                    break
                if start >= line_end:
                    newline = chunk.find(b"\n", end - 1)
                    line_end, first, passed = len(chunk) if newline < 0 else newline, len(hits), 0
                if len(hits) - first < LINE_HITS:
                    look = _KIND.fullmatch(chunk, start, end)
                    kind = _KINDS[look.lastindex or 0] if look else UNUSUAL
                else:
                    del hits[first:]
                    kind = UNUSUAL
                hits.append((end, kind))
                if kind == UNUSUAL:
                    done = line_end
                elif end > line_end:  # the newline is what the next line's first hit may begin with
                    at = line_end
                    break
        return hits

    return scan


def _early(extra: tuple[str, ...], later: Callable[[tuple[str, ...]], Scan]) -> Scan:
    """Scans with RE2 at first, then with what `later` builds, if it can be built."""
    scanning, cost, early, lock = _re2(extra), 0, True, threading.Lock()

    def scan(chunk: bytes) -> list[Hit]:
        nonlocal scanning, cost, early
        if early and cost + len(chunk) > EARLY:
            with lock:
                if early:
                    early = False
                    with contextlib.suppress(ImportError):
                        scanning = later(extra)
        hits = scanning(chunk)
        if early:
            cost += len(chunk) + _BYTES_PER_HIT * len(hits)
        return hits

    return scan


@lru_cache(maxsize=64)
def engine(extra: tuple[str, ...], name: Engine | None = None) -> Scan | None:
    """The scan for these extra key words, compiled once; None: no engine here, walk every line.

    `name` asks for one engine (ImportError where it does not load); by default the fastest that loads.
    """
    if name == "none":
        return None
    if name:
        return _hyperscan(extra) if name == "hyperscan" else _re2(extra)
    for build in (partial(_early, later=_hyperscan), _hyperscan):
        try:
            return build(extra)
        except ImportError:
            continue
    return None
