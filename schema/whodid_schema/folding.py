"""How texts are compared: one folding for free text, one for exact values, the same in the agent and in both stores.

    fold      free text: case, diacritics, ß ø ł æ … go; what SQLite's FTS5 then makes tokens of is `tokens`
    shadow    exact values (ids, names, actions): only case and Unicode composition go

and what of a record is found by them: `search_text`, `meta_pairs`, `related`.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from whodid_schema import _fold_table
from whodid_schema.record import Actor, Change, Record

SEARCH_TEXT_LIMIT = 65_536
"""Characters of a record's text that are searched; what comes first in `search_text` is kept."""

META_PAIRS_LIMIT = 512
META_PAIR_LENGTH = 1024
_MOST_ITEMS = 2 * META_PAIRS_LIMIT
_MOST_LOOKS = 3 * META_PAIRS_LIMIT
"""Values and objects around them that are looked at for pairs: equal ones give no more pairs, however many they are."""
_DEEPEST = 64
"""Levels of nesting that are walked; msgspec decodes up to 1,000, nobody looks for anything there."""


def fold(text: str) -> str:
    """The text as it is searched: lower-case, without diacritics; separators stay where they are."""
    if text.isascii():
        return text.lower()
    # bytes.lower() changes ASCII letters alone; the table, which is slow, is for the rest
    data = text.encode("utf-8", "surrogatepass").lower()
    lowered = data.decode("utf-8", "surrogatepass")
    others = set(data.translate(None, _ASCII).decode("utf-8", "surrogatepass"))
    if len(others) > _FEW:
        return _not_ascii.sub(_fold_run, lowered)
    for other in others:  # in no order: what one is folded to is folded
        lowered = lowered.replace(other, _folded(other))
    return lowered


def tokens(text: str) -> list[str]:
    """The words of a text, folded: exactly what FTS5 (unicode61, remove_diacritics 2) makes of `fold(text)`."""
    folded = fold(text)
    return _ascii_words.findall(folded) if folded.isascii() else _words().findall(folded)


def shadow(value: str) -> str:
    """The value as it is compared: two values are the same when their shadows are."""
    if value.isascii():
        return value.lower()
    return _known_shadow(value) if len(value) <= _SHORT else _shadow(value)


def _shadow(value: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", value).casefold())


_SHORT = 64
_known_shadow = lru_cache(maxsize=4_096)(_shadow)

_ascii_words = re.compile(r"[0-9a-z]+")


_not_ascii = re.compile(r"[^\x00-\x7f]+")
_ASCII = bytes(range(128))
_FEW = 8


@lru_cache(maxsize=4_096)
def _folded(run: str) -> str:
    return run.translate(_table())


def _fold_run(match: re.Match[str]) -> str:
    run = match.group()
    return _folded(run) if len(run) < 32 else run.translate(_table())


def _codes(text: str) -> Iterator[tuple[int, int]]:
    for entry in text.split():
        first, _, last = entry.partition("-")
        yield int(first, 16), int(last or first, 16)


@cache
def _table() -> Mapping[int, str]:
    table = {ord(capital): capital.lower() for capital in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    for entry in " ".join(_fold_table.FOLDS.split()).split(";")[:-1]:
        name, _, characters = entry.strip().partition(" = ")
        replacement = "" if name == "-" else "".join(chr(int(code, 16)) for code in name.split("+"))
        for first, last in _codes(characters):
            table.update(dict.fromkeys(range(first, last + 1), replacement))
    return table


@cache
def _words() -> re.Pattern[str]:
    ranges = "".join(f"{chr(first)}-{chr(last)}" for first, last in _codes(_fold_table.WORD_RANGES))
    return re.compile(f"[0-9a-z{ranges}]+")


def search_text(record: Record) -> str:
    """Everything of a record that free text finds, folded: its first SEARCH_TEXT_LIMIT characters."""
    return fold(search_lines(record)[:SEARCH_TEXT_LIMIT])


def search_lines(record: Record) -> str:
    """As `search_text`, neither cut nor folded; fields stand on lines of their own.

    Order: id, sentence, action, reason, actor, targets, workspace, project, client, other ids, changes, metadata,
    snapshot. The record's own id is the first word of all, which is how SQLite's index tells it from ids spoken of.
    """
    parts: list[str | None] = [record.id, record.description, record.action, record.reason]
    parts += (record.app, record.category_label)
    actor = record.actor
    if actor is not None:
        parts += (actor.name, actor.id, actor.email, actor.role, actor.provider, actor.owner)
        if actor.token is not None or actor.on_behalf_of is not None:
            parts += _companions(actor)
    for target in record.targets or (record.target,):
        if target is not None:
            parts += (target.type, target.name, target.id)
    for ref in (record.workspace, record.project):
        if ref is not None:
            parts += (ref.id, ref.name)
    client = record.client
    if client is not None:
        parts += (client.ip, client.device, client.country, client.user_agent)
    parts += (record.session_id, record.request_id, record.native_id)
    if record.changes:
        _collect_changes(record.changes, parts)
    _collect(record.metadata, parts)
    if record.snapshot is not None:
        _collect(record.snapshot.before, parts)
        _collect(record.snapshot.after, parts)
    return "\n".join(filter(None, parts))


def _collect_changes(changes: Sequence[Change], parts: list[str | None]) -> None:
    """What changed, appended: the fields, their values before and after."""
    for change in changes:
        parts.append(change.field)
        for value in (change.from_, change.to):
            if type(value) is str:
                parts.append(value)
            elif value is not None:
                _collect(value, parts)


def lines_of(value: Any) -> str:
    """What `search_lines` has of a JSON value: every key, text and number below it, a line each."""
    parts: list[str | None] = []
    _collect(value, parts)
    return "\n".join(filter(None, parts))


def _companions(actor: Actor) -> Iterator[str | None]:
    if actor.token is not None:
        yield actor.token.name
        yield actor.token.id
    if actor.on_behalf_of is not None:
        yield actor.on_behalf_of.name
        yield actor.on_behalf_of.id
        yield actor.on_behalf_of.email


def _collect(value: Any, parts: list[str | None], depth: int = 0) -> None:
    """Every key, text and number below a JSON value, appended; true, false and null say nothing on their own."""
    kind = type(value)
    if kind is str:
        parts.append(value)
    elif kind is dict:
        for key, inner in value.items():
            parts.append(key)
            if type(inner) is str:
                parts.append(inner)
            elif depth < _DEEPEST:
                _collect(inner, parts, depth + 1)
    elif kind is list:
        for inner in value:
            if depth < _DEEPEST:
                _collect(inner, parts, depth + 1)
    elif kind is int or kind is float:
        parts.append(repr(value))


def meta_pair(path: str, value: Any) -> str:
    """The keyword that `meta.<path>:<value>` looks for; the value as JSON would write it, texts without quotes."""
    return shadow(f"{path}={_plain(value)[:META_PAIR_LENGTH]}"[:META_PAIR_LENGTH])[:META_PAIR_LENGTH]


def meta_pairs(metadata: Mapping[str, Any] | None) -> list[str]:
    """Folded `path=value` keywords of the metadata: at most 512 different ones of at most 1,024 characters.

    Paths are dotted; the elements of a list share the list's path. null and empty values give none. Of more values
    and objects than 1,536 the first so many are looked at; texts and numbers that a list repeats count once.
    """
    if not metadata:
        return []
    lines: list[str] = []
    if "" not in metadata and _plain_lines(metadata, "", 1, lines):
        if not lines:
            return []
        text = "\n".join(lines)
        if text.isascii() and (len(text) <= META_PAIR_LENGTH or max(map(len, lines)) <= META_PAIR_LENGTH):
            found = text.lower().split("\n")  # all folded at once
            if len(found) == len(lines):
                return found if len(set(found)) == len(found) else list(dict.fromkeys(found))
    pairs: dict[str, None] = {}
    room = iter(range(_MOST_LOOKS))
    for key, value in metadata.items():
        if len(pairs) >= META_PAIRS_LIMIT or next(room, None) is None:
            break
        _pair_leaves(value, key[:META_PAIR_LENGTH], 1, pairs, room)
    return list(pairs)


_SHORT_PATH = 512


def _plain_lines(value: Mapping[str, Any], path: str, depth: int, lines: list[str]) -> bool:
    """The pairs of every leaf, unfolded, appended to `lines`; False where they are too many or too deep for that.

    Bounded every way: an endless key is never written once for each of a hundred thousand leaves.
    """
    if depth >= _DEEPEST or len(path) > _SHORT_PATH or len(lines) + len(value) > META_PAIRS_LIMIT:
        return False
    for key, inner in value.items():
        kind = type(inner)
        if kind is str:
            if inner:
                lines.append(f"{path}{key}={inner}")
        elif kind is dict:
            if inner and not _plain_lines(inner, f"{path}{key}.", depth + 1, lines):
                return False
        elif kind is list:
            if inner and not _plain_list(inner, f"{path}{key}", depth + 1, lines):
                return False
        elif inner is not None:
            lines.append(f"{path}{key}={inner if kind is int else _plain(inner)}")
    return True


def _plain_list(values: Sequence[Any], path: str, depth: int, lines: list[str]) -> bool:
    """As `_plain_lines`, of a list: its elements share its path."""
    if depth >= _DEEPEST or len(path) > _SHORT_PATH or len(lines) + len(values) > META_PAIRS_LIMIT:
        return False
    for inner in values:
        kind = type(inner)
        if kind is dict:
            if inner and not _plain_lines(inner, f"{path}.", depth + 1, lines):
                return False
        elif kind is list:
            if inner and not _plain_list(inner, path, depth + 1, lines):
                return False
        elif inner is not None and inner != "":
            lines.append(f"{path}={_plain(inner)}")
    return True


def _pair_leaves(value: Any, path: str, depth: int, pairs: dict[str, None], room: Iterator[int]) -> None:
    """The pairs of every leaf below a JSON value, added to `pairs` until there are enough, or `room` for no more."""
    kind = type(value)
    if kind is dict:
        if depth < _DEEPEST:
            for key, inner in value.items():
                if len(pairs) >= META_PAIRS_LIMIT or next(room, None) is None:
                    return
                _pair_leaves(inner, (f"{path}.{key}" if path else key)[:META_PAIR_LENGTH], depth + 1, pairs, room)
    elif kind is list:
        if depth < _DEEPEST:
            for inner in _different(value[:_MOST_ITEMS]):
                if len(pairs) >= META_PAIRS_LIMIT or next(room, None) is None:
                    return
                _pair_leaves(inner, path, depth + 1, pairs, room)
    elif value is not None and value != "" and len(pairs) < META_PAIRS_LIMIT:
        # What meta_pair makes of it, without its detours where it is short and plain, as most are.
        pair = f"{path}={value}" if kind in _SCALARS else ""
        short = pair and len(pair) <= META_PAIR_LENGTH and pair.isascii()
        pairs[pair.lower() if short else meta_pair(path, value)] = None


def _different(values: Sequence[Any]) -> Iterator[Any]:
    """The values of a list, but of equal texts and numbers the first alone."""
    met: set[tuple[type, Any]] = set()
    for value in values:
        if value is None or value is True or value is False:
            one: tuple[type, Any] = type(value), value
            if one in met:
                continue
            met.add(one)
        elif value and type(value) in _SCALARS:
            one = type(value), value  # 1 is not 1.0
            if one in met:
                continue
            met.add(one)
        yield value


_SCALARS = frozenset({str, int, float})


def _plain(value: Any) -> str:
    if value is True or value is False:
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def related(record: Record) -> list[str]:
    """Every name, id, e-mail and address of the event, as written, each once: "anything about alice"."""
    found: dict[str | None, None] = {}
    actor = record.actor
    if actor is not None:
        found[actor.name] = found[actor.id] = found[actor.email] = found[actor.owner] = None
        if actor.token is not None or actor.on_behalf_of is not None:
            found.update(dict.fromkeys(_companions(actor)))
    targets, target = record.targets, record.target
    if target is not None and (targets is None or len(targets) < 2):
        found[target.name] = found[target.id] = None
    else:
        for each in targets or ():
            found[each.name] = found[each.id] = None
    place = record.workspace
    if place is not None:
        found[place.name] = found[place.id] = None
    place = record.project
    if place is not None:
        found[place.name] = found[place.id] = None
    client = record.client
    if client is not None:
        found[client.ip] = None
    return list(filter(None, found))
