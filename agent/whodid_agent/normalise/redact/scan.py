"""The scan of a whole chunk: where something may have to be masked, found by one engine over all rules at once.

Hyperscan where it loads, else RE2 (a quarter to three quarters slower), else none: Python's `re` needs a
hundred times as long as either, so then every line takes the slow way. Hyperscan takes 90 ms to get ready, RE2 three:
where both load, RE2 scans the first `EARLY` bytes, and a short run never waits for the other.

A hit is `(end, kind)`, `end` the offset behind the match. KEY ends behind a key's colon, the others somewhere
inside the place in question.
"""

import contextlib
import threading
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Literal

from whodid_agent.normalise.redact import patterns
from whodid_schema import redaction as rules

KEY, UNUSUAL, NAME, KEY_ID, CARD = range(5)

EARLY = 32 << 20
"""Bytes after which Hyperscan, once it is ready, has soon made up for the time that this took."""

_BYTES_PER_HIT = 2048
"""What RE2 spends on a hit it could scan so many bytes in; Hyperscan's cost next to nothing."""

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
    """Scans with Hyperscan; a scratch for each thread, as the library demands."""
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
    kinds = [kind for _, kind in expressions]
    local = threading.local()

    def scan(chunk: bytes) -> list[Hit]:
        try:
            scratch = local.scratch
        except AttributeError:
            scratch = local.scratch = hyperscan.Scratch(database)
        hits: list[Hit] = []
        append = hits.append

        def found(number: int, _start: int, end: int, _flags: int, _context: Any) -> None:
            append((end, kinds[number]))

        database.scan(chunk, match_event_handler=found, scratch=scratch)
        hits.sort()
        return hits

    return scan


def _re2(extra: tuple[str, ...]) -> Scan:
    """Scans with RE2, whose matches do not overlap: the triggers are short, so that none hides the next."""
    import re2  # noqa: PLC0415 - optional on platforms without a wheel

    by_kind: dict[int, list[str]] = {}
    for pattern, kind in _expressions(extra):
        by_kind.setdefault(kind, []).append(pattern)
    # One group for each kind, not for each pattern: captures are what RE2 spends its time on.
    alternatives = "|".join(f"({'|'.join(patterns_)})" for patterns_ in by_kind.values())
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    search = re2.compile(alternatives.encode("latin-1"), options).search
    kinds = [UNUSUAL, *by_kind]

    def scan(chunk: bytes) -> list[Hit]:
        hits: list[Hit] = []
        at = 0
        while found := search(chunk, at):
            end, kind = found.end(), kinds[found.lastindex]
            hits.append((end, kind))
            at = end if end > found.start() else end + 1
            if kind == UNUSUAL:  # the whole line is looked at anyway
                at = chunk.find(b"\n", end - 1)
                if at < 0:
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
