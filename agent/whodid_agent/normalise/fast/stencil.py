"""Records of plain events as JSON, by stencils that are filled in: no record is made, nothing is derived anew.

Nearly all events of a kind differ in names, ids, times and addresses alone. One of a kind goes the complete way with a
mark in the place of each of these values; its JSON, cut at the marks, is the stencil of all events of the kind:

    {"@timestamp":"␁0␁",…,"description":"␁6␁ updated ␁8␁",…  ─►  pieces, and which value stands between which

So nothing here knows the order of a record's fields or how any of them comes about: that is `finish_plain`'s and the
schema's. What a kind is, `Stencils.shipment` says: everything that decides about more than the text at its own place. A
mark holds control characters, which no text has that needs no escapes; a text that does need them is in no stencil,
nor is anything else that is out of the ordinary: such events go the complete way.
"""

import re
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple

import msgspec

from whodid_agent.normalise.assemble import SHORT, Filing
from whodid_agent.normalise.contract import Origin, Shipment
from whodid_agent.normalise.device import device_of
from whodid_agent.normalise.fast.pairs import Pairs
from whodid_agent.normalise.language.profile import Profile
from whodid_agent.normalise.plain import Plain, finish_plain
from whodid_agent.normalise.profiles import GENERIC
from whodid_agent.normalise.signing import Signer
from whodid_schema import diff, document, folding, timestamp
from whodid_schema.meta import Router
from whodid_schema.record import MASK, Record, encode

_ID, _INGEST, _TIME, _PRECISION, _RECEIVED, _DEVICE, _METADATA, _META, _LINES = range(9)
_NUMBER, _EMAIL, _NAME, _OF_ID, _OF_NAME, _PLACE, _IP, _AGENT, _SESSION, _REQUEST, _SIDES = range(9, 20)
"""The marks' numbers, which are the places of the values; from `_SIDES` on, the changes' sides."""

_RAW = 9_999

_SPOKEN = frozenset({_NUMBER, _EMAIL, _NAME, _OF_NAME})
"""What a sentence may hold beside sides of changes: it says other things of an id that is a number."""

_LONGEST_NAMES, _LONGEST_WORDS, _LONGEST_SIDE = 80, 2_000, 80
"""Actor's and target's names together, a sentence's own words, a change's side: nothing of these is cut."""

_MET_OFTEN = 32
_MOST_KINDS = 1_024
_MOST_CHANGES = 16
_LONGEST_WORD = 64
"""Bounds of what is kept for the kinds that senders make up; a stencil takes as long to make as ten records."""

_LARGEST = 1 << 53
_FIRST = timestamp.Instant("2000-01-01T00:00:00.000000Z", "s")

_to_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder().decode
_MARK = re.compile(r"(?:\\u0001|\x01)(\d+)(?:\\u0001|\x01)")
_MASKED = MASK.encode()
_BACKSLASH, _BRACKET = b"\\["


def _mark(number: int) -> str:
    return f"\x01{number}\x01"


def _bare(number: int) -> Any:
    """The mark of what is JSON already."""
    return msgspec.Raw(_mark(number).encode())


class Stencil(NamedTuple):
    """What an event's record needs no making of.

    `fill` puts id, how it came in and the values between the pieces: the record's JSON up to the original, which
    `rest` follows, and where OpenSearch takes the record the texts of `_searched`; there `index` depends on the time.
    `different`: of the texts that a sentence or `related` compares, so many differ.
    """

    fill: Callable[..., tuple[str, ...]]
    rest: bytes
    different: int
    index: str  # type: ignore[assignment]  # hides tuple.index, as in Shipment
    class_: str


def _searched(record: Record, *, no_lines: bool) -> tuple[str, str, str, str]:
    """What the record, which has marks, is found by.

    As JSON in three parts, of which the second is not folded; and those of its keys that may be equal.
    """
    record.metadata = None if no_lines else {_mark(_LINES): None}
    for change in record.changes or ():
        change.from_, change.to = (
            bytes(side).decode() if isinstance(side, msgspec.Raw) else side for side in (change.from_, change.to)
        )
    keys = list(dict.fromkeys(document.folded(document.key_lines(record))))
    fields = Counter(line.partition("=")[0] for line in keys if _MARK.search(line))
    exact = "".join(f",{_to_json(key).decode()}" for key in document.exact_keys(record))
    targets = document.target_values(record)
    return (
        f',"{document.KEYS}":{_to_json(keys).decode()[:-1]}',
        f'{exact}],"{document.TARGETS}":{_to_json(targets).decode()}' if targets else f"{exact}]",
        f',"{document.SEARCH}":{_to_json(folding.search_lines(record)).decode()}}}',
        "\n".join(line for line in keys if fields[line.partition("=")[0]] > 1),
    )


def _folded(keys: str, written: str, search: str, alike: str) -> bytes:
    """What `document.found_by` makes of the texts of `_searched` with their values."""
    if max(len(keys), len(written)) <= document.LONGEST_VALUE and len(search) <= folding.SEARCH_TEXT_LIMIT:
        text = folding.fold(search)
        if keys.isascii():
            keys_text, lines = keys.lower(), alike.lower().split("\n")
        else:
            lines = document.folded(keys.split(_BETWEEN))
            keys_text = _BETWEEN.join(lines)
        if len(set(lines)) == len(lines) and (search.isascii() or _escapes(text) == _escapes(search)):
            return f"{keys_text}{written}{text}".encode()
    found = _from_json(f"{{{keys[1:]}{written}{search}")
    return document.found_by(
        list(dict.fromkeys(document.key(*line.split("=", 1)) for line in found[document.KEYS])),
        [value[: document.LONGEST_VALUE] for value in found.get(document.TARGETS, ())],
        found[document.SEARCH],
    )


_BETWEEN = '","'


def _escapes(text: str) -> tuple[int, int]:
    """Of some characters the folding is a quotation mark or a backslash."""
    return text.count('"'), text.count("\\")


def _filler(*texts: str) -> Callable[..., tuple[str, ...]]:
    """A function of the values that makes these texts with the values in the place of their marks.

    None of the texts is in its source: their pieces are names in it.
    """
    scope: dict[str, Any] = {"join": "".join}
    made: list[str] = []
    for text in texts:
        parts = _MARK.split(text)
        names = [_value(int(part)) if place % 2 else f"p{len(made)}_{place}" for place, part in enumerate(parts)]
        scope.update(zip(names[::2], parts[::2], strict=True))
        made.append(f"join(({', '.join(names)},))")
    values = ", ".join(map(_value, range(_SIDES)))
    source = f"def fill({values}, sides):\n    return {', '.join(made)},\n"
    exec(compile(source, "<stencil>", "exec"), scope)  # noqa: S102  # see above: no foreign text is in it
    fill: Callable[..., tuple[str, ...]] = scope["fill"]
    return fill


def _value(number: int) -> str:
    return f"v{number}" if number < _SIDES else f"sides[{number - _SIDES}]"


_Change = str | tuple[str, str | None, str | None]
"""A field of which both sides are texts; another with the kinds of its sides."""
_Kind = tuple[Any, ...]

Expired = Callable[[str, str, str], object]
"""Whether a class keeps nothing of a time any more: of class, time and receipt."""

_shipment = tuple.__new__
"""What a named tuple's own `__new__` comes to, in half the time."""


class Stencils:
    """The stencils of one profile, for an input's options and a store's rules."""

    def __init__(self, profile: Profile, filing: Filing, router: Router, expired: Expired | None = None) -> None:
        self._profile, self._filing, self._router, self._expired = profile, filing, router, expired
        self._only_workspace = filing.options.workspace
        self._workspace = filing.options.workspace or filing.options.workspace_default
        self._project = filing.options.project
        self._found_by_sender = router.meta.partitions == "period"
        self._keeps_raw = filing.options.keep_raw
        self._mapped = profile.name != GENERIC
        self._pairs = Pairs(with_lines=self._found_by_sender)
        self._known: dict[_Kind, Stencil | None] = {}
        self._met: dict[_Kind, int] = {}

    def shipment(  # noqa: C901, PLR0911, PLR0912  # a return for each reason why there is none
        self, plain: Plain, item: int, data: bytes, origin: Origin, signer: Signer
    ) -> Shipment | None:
        """The shipment of this event (what is filled is known), None where there is no stencil for it.

        One function, since calls are what a good part of its time goes into.
        """
        instant, action, outcome, of_kind, number, name, email, *more = plain
        of, of_id, of_name, place, ip, agent, session, request, diffs, filled, metadata = more
        time, precision, zone_assumed = instant
        received_at = origin.received_at
        if (
            not timestamp.FIRST_PLAUSIBLE <= time <= received_at
            or len(name or email or number) + len(of_name or of_id or "") > _LONGEST_NAMES
        ):
            return None
        if place is not None and self._only_workspace is not None:
            if place != self._only_workspace:
                return None
            place = None
        sides: list[str] = []
        changed: tuple[_Change, ...] | None = ()
        if diffs is not None:
            changed = _changed(diffs, sides)
            if changed is None:
                return None
            if not changed:
                if metadata is not None and "changes" in metadata:
                    return None
                metadata = {**(metadata or {}), "changes": diffs}
        if _BACKSLASH not in data:
            meta, lines = self._pairs.of(metadata)
        elif b"\\" in _to_json((plain[1:-3], sides, changed)):
            return None
        else:
            meta, lines = _to_json(folding.meta_pairs(metadata)).decode(), self._pairs.lines(metadata)
        device = None if agent is None else device_of(agent)
        masked = _BRACKET in data and _MASKED in data  # the first is the faster, and rarely there
        nothing = metadata is None, meta == "[]", device is None, lines == ""
        kind = filled, action, outcome, of_kind, of, changed, zone_assumed, masked, nothing
        stencil = self._known.get(kind)
        if stencil is None:
            self._meet(kind, (number, email, name, of_id, of_name, place, ip, agent, session, request))
            return None
        fill, behind, different, index, class_ = stencil
        if len({number, email, name, of_id, of_name, place, ip, self._workspace, self._project}) != different or (
            self._expired is not None and self._expired(class_, time, received_at)
        ):
            return None
        identifier, came = signer.sign(origin, item, data)
        rest = _to_json(metadata).decode()
        made = fill(
            identifier, came, time, precision, received_at, device, rest, meta, lines,
            number, email, name, of_id, of_name, place, ip, agent, session, request, sides,
        )  # fmt: skip
        raw = _to_json(data.decode()) if self._keeps_raw else b""
        if self._found_by_sender:
            index = self._router.index_in(class_, time)
            behind += _folded(*made[1:])
        body = b"%b%b%b" % (made[0].encode(), raw, behind)
        return _shipment(Shipment, (item, identifier, index, body, self._mapped, True))

    def _meet(self, kind: _Kind, texts: tuple[str | None, ...]) -> None:
        """Count an event without a stencil; once its kind has been met often, make one, or know that there is none."""
        _, action, _, of_kind, of, *_ = kind
        if kind in self._known or len(of_kind) > _LONGEST_WORD or len(action) >= SHORT or len(of or "") >= SHORT:
            return
        if len(self._met) >= _MOST_KINDS:
            self._met.clear()
        met = self._met[kind] = self._met.get(kind, 0) + 1
        if met >= _MET_OFTEN:
            if len(self._known) >= _MOST_KINDS:
                self._known.clear()
            self._known[kind] = self._made(kind, texts)
            del self._met[kind]

    def _made(self, kind: _Kind, texts: tuple[str | None, ...]) -> Stencil | None:
        """The stencil of this kind, cut from the record of an event that has marks for these texts."""
        filled, action, outcome, of_kind, of, changed, zone_assumed, masked, nothing = kind
        no_metadata, no_pairs, no_device, no_lines = nothing
        marks = [None if text is None else _mark(place) for place, text in enumerate(texts, _NUMBER)]
        number, email, name, of_id, of_name, place, ip, agent, *ids = marks
        instant = _FIRST._replace(zone_assumed=zone_assumed)
        diffs = _diffs(changed) if changed else None
        plain = (
            *(instant, action, outcome, of_kind, number, name, email, of, of_id, of_name, place, ip, agent),
            *(*ids, diffs, filled, None),
        )
        record = finish_plain(plain, self._profile, self._filing, _FIRST.text)
        spoken = {int(found) for found in _MARK.findall(record.description or "")}
        if (
            record.verb == "other"  # such a sentence may be the event's own
            or len(record.description or "") > _LONGEST_WORDS
            or any(found < _SIDES and found not in _SPOKEN for found in spoken)
        ):
            return None
        record.timestamp, record.time_precision, record.received_at = _mark(_TIME), _mark(_PRECISION), _mark(_RECEIVED)
        record.id, record.ingest = _mark(_ID), _bare(_INGEST)
        if record.client is not None:
            record.client.device = None if no_device else _mark(_DEVICE)
        record.metadata = None if no_metadata else _bare(_METADATA)
        record.meta = None if no_pairs else _bare(_META)
        keeps = self._filing.options.keep_raw
        if keeps:
            record.raw, record.raw_redacted = _bare(_RAW), masked or None
        text = encode(record).decode()
        found: tuple[str, ...] = ()
        if self._found_by_sender:  # it stands before the closing brace
            text, found = text[:-1], _searched(record, no_lines=no_lines)
        head, _, rest = text.partition(_mark(_RAW))
        return Stencil(
            _filler(head, *found),
            rest.encode(),
            len({*marks[: _AGENT - _NUMBER], self._workspace, self._project}),
            self._router.index_of(record),
            self._router.class_of(record),
        )


def _changed(diffs: Any, sides: list[str]) -> tuple[_Change, ...] | None:
    """The fields that changed, with the kinds of their sides, whose texts go into `sides`; None: one is unusual."""
    if type(diffs) is not dict or len(diffs) > _MOST_CHANGES:
        return None
    found: list[_Change] = []
    for field, value in diffs.items():
        if type(value) is not dict or len(field) > _LONGEST_WORD or not value.keys() <= _SIDES_ARE or not value:
            return None
        before, after = value.get("from"), value.get("to")
        if (
            type(before) is type(after) is str
            and 0 < len(before) <= _LONGEST_SIDE
            and 0 < len(after) <= _LONGEST_SIDE
            and before[0] not in diff.MASK_BEGINNINGS
            and after[0] not in diff.MASK_BEGINNINGS
        ):
            if before != after:
                found.append(field)
                sides += (before, after)
            continue
        kinds = _kind_of(before), _kind_of(after)
        if None in kinds:
            return None
        if before != after or kinds[0] not in _UNMASKED:
            found.append((field, *kinds))
            sides += [str(side) for side, kind in ((before, kinds[0]), (after, kinds[1])) if kind in _SHOWN]
    return tuple(found)


_SIDES_ARE = frozenset({"from", "to"})
_SHOWN = ("text", "number")
_UNMASKED = ("text", "number", "")


def _kind_of(side: Any) -> str | None:
    """`text` or `number` where it varies, the mask itself, "" for nothing; None for what has no stencil."""
    kind = type(side)
    if kind is str:
        if diff.is_masked(side):
            return side if len(side) <= _LONGEST_WORD else None
        return "text" if 0 < len(side) <= _LONGEST_SIDE else None
    if kind is int:
        return "number" if -_LARGEST < side < _LARGEST else None
    return "" if side is None else None


def _diffs(changed: tuple[_Change, ...]) -> dict[str, dict[str, Any]]:
    """Changes of these kinds, with marks for the sides that vary."""
    places = count(_SIDES)
    made: dict[str | None, Callable[[], Any]] = {
        "text": lambda: _mark(next(places)),
        "number": lambda: _bare(next(places)),
        "": lambda: None,
    }
    return {
        field: {name: made[kind]() if kind in made else kind for name, kind in (("from", before), ("to", after))}
        for field, before, after in ((one, "text", "text") if isinstance(one, str) else one for one in changed)
    }
