"""From what people type to an AuditQuery: values, words and times, the same for flags and URL parameters.

    values    `ana,bob` is either; `"Doe, Jane"` and `"Doe, J"*` keep their comma; `*` is a wildcard where there is one
    texts     words, "phrases", a prefix*, and -word or -"phrase" for what must not be there
    times     2026-11-21T06:33:00Z, 2026-11-21 06:33, 2026-11-21; now, today, yesterday; 90s 15m 24h 7d 4w ago
    spans     90s 15m 24h 7d 4w

A time without a zone is read in the zone given; a date is its first moment.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from whodid_indexer.query.check import check_query, field_of
from whodid_indexer.query.model import AuditQuery, Term, Text
from whodid_schema.errors import BadQuery
from whodid_schema.fields import META_PREFIX

Filter = tuple[str, str, bool]
"""A field's query name or alias, its value as typed, and whether it is excluded."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_TIMES = "write it like 2026-11-21T06:33:00Z, 2026-11-21, today, yesterday, 24h or 7d"

_span = re.compile(r"([0-9]{1,6})([smhdw])").fullmatch
_value = re.compile(r'\s*(?:"([^"]*)"(\*?)\s*(?=,|$)|([^,]+))')
_piece = re.compile(r'(?P<minus>-)?(?:"(?P<phrase>[^"]*)"(?P<star>\*)?|(?P<word>[^\s"]+))')
_straight = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"'})


def build_query(
    filters: Iterable[Filter] = (),
    texts: Iterable[str] = (),
    *,
    last: str | None = None,
    since: str | None = None,
    until: str | None = None,
    now: datetime,
    zone: tzinfo = UTC,
) -> AuditQuery:
    """The query that flags or parameters ask for, checked. `now` is aware. Raises BadQuery."""
    if last is not None and since is not None:
        raise BadQuery("a span and a beginning exclude each other", "give --last or --since")
    begin = parse_time(since, now, zone) if since is not None else None
    if last is not None:
        parse_span(last)  # what is said of a wrong one names spans, not times
        begin = parse_time(last, now)
    query = AuditQuery(
        since=begin,
        until=parse_time(until, now, zone) if until is not None else None,
        terms=tuple(_terms(filters)),
        texts=tuple(text for typed in texts for text in parse_text(typed)),
    )
    check_query(query)
    return query


def _terms(filters: Iterable[Filter]) -> Iterator[Term]:
    values: dict[tuple[str, bool], list[str]] = {}
    for name, typed, negated in filters:
        field = name if name.startswith(META_PREFIX) else field_of(name).name
        values.setdefault((field, negated), []).extend(parse_values(typed))
    for (field, negated), wanted in values.items():
        yield Term(field, tuple(wanted), negated)


def parse_values(typed: str) -> list[str]:
    """The values that a comma separates; a quoted one may hold commas. Raises BadQuery where there is none."""
    found = _value.findall(typed.translate(_straight))
    values = [value for value in (quoted + star or plain.strip() for quoted, star, plain in found) if value]
    if not values:
        raise BadQuery("the value is empty", "a lone * asks for any value", length=len(typed))
    return values


def parse_text(typed: str) -> list[Text]:
    """The words and phrases of a search text. Raises BadQuery for a quotation mark without its other half."""
    text = typed.translate(_straight)
    if text.count('"') % 2:
        raise BadQuery("a quotation mark has no other half", 'write "two words" around a phrase', text.rindex('"'), 1)
    found: list[Text] = []
    words: list[str] = []
    for piece in _piece.finditer(text):
        negated, phrase, word = piece["minus"] is not None, piece["phrase"], piece["word"]
        if phrase is not None:
            found.append(Text(phrase + (piece["star"] or ""), phrase=True, negated=negated))
        elif negated:
            found.append(Text(word, negated=True))
        else:
            words.append(word)
    return [Text(" ".join(words)), *found] if words or not found else found


def parse_time(text: str, now: datetime, zone: tzinfo = UTC) -> int:
    """Microseconds since the epoch. Raises BadQuery where the text is no time."""
    try:
        return _micros(_moment(text, now, zone))
    except (ValueError, OverflowError) as error:
        raise BadQuery(f"{text[:60]!r} is not a time", _TIMES, length=len(text)) from error


def _moment(text: str, now: datetime, zone: tzinfo) -> datetime:
    typed = text.strip().removesuffix(" ago")
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    named = {"now": now, "today": midnight, "yesterday": midnight - timedelta(days=1)}
    if typed in named:
        return named[typed]
    if _span(typed):
        return now - parse_span(typed)
    read = datetime.fromisoformat(typed)
    return read if read.tzinfo is not None else read.replace(tzinfo=zone)


def parse_span(text: str) -> timedelta:
    """A length of time. Raises BadQuery where the text is none."""
    read = _span(text.strip())
    if read is None:
        raise BadQuery(f"{text[:60]!r} is not a span of time", "write it like 15m, 24h, 7d or 4w", length=len(text))
    return timedelta(seconds=int(read[1]) * _SECONDS[read[2]])


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
