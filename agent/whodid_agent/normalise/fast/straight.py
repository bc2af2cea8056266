"""Events of known layouts as shipments: the line's own bytes between the bytes of a stencil.

A stencil says what stands between the values; here both are bytes, joined once, so that a value is not decoded only to
be encoded again. What a kind is, and what has none, is as in `stencil`.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from whodid_agent.normalise.contract import Origin, Shipment
from whodid_agent.normalise.device import device_of
from whodid_agent.normalise.fast.layout import is_plain
from whodid_agent.normalise.fast.stencil import LONGEST_NAMES, MARK, SIDES, Stencil, Stencils, changed_of, found_by
from whodid_agent.normalise.signing import Signer
from whodid_schema import timestamp
from whodid_schema.record import MASK

_to_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder().decode
_MASKED = MASK.encode()

_Value = bytes | None
_Writer = Callable[..., tuple[bytes, ...]]

_MOST_KINDS = 1_024

_shipment = tuple.__new__


class _Straight(NamedTuple):
    """A stencil whose `write` puts bytes between bytes: the record, the original and what is behind it included."""

    write: _Writer
    different: int
    index: str  # type: ignore[assignment]  # hides tuple.index, as in Shipment
    class_: str


class Straight(Stencils):
    """Stencils that take events as the texts of their lines too."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        options = self._filing.options
        self._only = _encoded(options.workspace)
        self._own_place = _encoded(self._workspace)
        self._own_project = _encoded(self._project)
        self._straight: dict[tuple[Any, ...], _Straight] = {}
        self._without: set[tuple[Any, ...]] = set()

    def straight(  # noqa: C901, PLR0911, PLR0912, PLR0913, PLR0917  # a return for each reason why there is none; see `shipment`
        self,
        instant: timestamp.Instant,
        action: bytes | str,
        outcome: bytes | str | None,
        of_kind: bytes | str,
        number: _Value,
        name: _Value,
        email: _Value,
        of: bytes | str | None,
        of_id: _Value,
        of_name: _Value,
        place: _Value,
        ip: _Value,
        agent: _Value,
        session: _Value,
        request: _Value,
        diffs: _Value,
        filled: str,
        metadata: _Value,
        quotes: int,
        item: int,
        data: bytes,
        origin: Origin,
        signer: Signer,
    ) -> Shipment | None:
        """The shipment of an event with these values of `plain.PLAIN`, which stand so in the line `data`.

        Changes and metadata are JSON; there are so many `quotes` in the line. None where there is no stencil, or
        something is out of the ordinary. Raises where the line is no JSON.
        """
        if self._without and (action, outcome, of_kind, of) in self._without:
            return None
        time, precision, zone_assumed = instant
        received_at = origin.received_at
        if (
            not timestamp.FIRST_PLAUSIBLE <= time <= received_at
            or len(name or email or number or b"") + len(of_name or of_id or b"") > LONGEST_NAMES
        ):
            return None
        text = data.decode()
        if self._keeps_raw:
            raw = _to_json(text)
            if len(raw) != len(data) + quotes + 2:  # something has an escape
                return None
        elif is_plain(data):
            raw = b""
        else:
            return None
        if place is not None and self._only is not None:
            if place != self._only:
                return None
            place = None
        sides: list[Any] = []
        changed: tuple[Any, ...] | None = ()
        if diffs is not None:
            fields = _from_json(diffs)
            changed = changed_of(fields, sides)
            if changed is None:
                return None
            if changed:
                sides = [side.encode() for side in sides]
            elif metadata is None:
                metadata = b'{"changes":%b}' % _to_json(fields)
            elif b'"changes"' in metadata:
                return None
            else:
                metadata = b'%b,"changes":%b}' % (metadata[:-1], _to_json(fields))
        if metadata is None:
            rest, meta, lines = b"", b"[]", b""
        else:
            meta, lines, rest = self._pairs.of_text(metadata)
        device = None if agent is None else _device_of(agent)
        kind = (
            *(filled, action, outcome, of_kind, of, changed, zone_assumed, b"[" in data and _MASKED in data),
            (metadata is None, meta == b"[]", device is None, lines == b""),
        )
        known = self._straight.get(kind) or self._find(kind)
        if known is None:
            return None
        write, different, index, class_ = known
        if len({number, email, name, of_id, of_name, place, ip, self._own_place, self._own_project}) != different or (
            self._expired is not None and self._expired(class_, time, received_at)
        ):
            return None
        identifier, came = signer.sign_bytes(origin, item, data)
        made = write(
            identifier.encode(), came, time.encode(), precision.encode(), received_at.encode(), device, rest, meta,
            lines, number, email, name, of_id, of_name, place, ip, agent, session, request, sides, raw,
        )  # fmt: skip
        body = made[0]
        if self._found_by_sender:
            index = self._router.index_in(class_, time)
            body += found_by(*(part.decode() for part in made[1:]))
        return _shipment(Shipment, (item, identifier, index, body, self._mapped, True))

    def _find(self, kind: tuple[Any, ...]) -> _Straight | None:
        """The stencil of this kind, in bytes; None as long as there is none."""
        filled, *told, changed, zone_assumed, masked, nothing = kind
        words = (word.decode() if isinstance(word, bytes) else word for word in told)
        written = (filled, *words, changed, zone_assumed, masked, nothing)
        stencil = self._known.get(written)
        if stencil is None:
            if written in self._known:  # there will be none: what is nearly of this kind is not looked at either
                if len(self._without) >= _MOST_KINDS:
                    self._without.clear()
                self._without.add((*told,))
            return None
        if len(self._straight) >= _MOST_KINDS:
            self._straight.clear()
        made = self._straight[kind] = _Straight(_writer(stencil), stencil.different, stencil.index, stencil.class_)
        return made


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


@lru_cache(maxsize=8_192)
def _device_of(agent: bytes) -> bytes | None:
    return _encoded(device_of(agent.decode()))


_pieces: dict[bytes, bytes] = {}
"""The stencils of different kinds have most of their pieces in common; many copies would not stay in the cache."""


def _writer(stencil: Stencil) -> _Writer:
    """As `stencil._filler`, of bytes; the first text ends with the original and what stands behind it."""
    if len(_pieces) >= 8 * _MOST_KINDS:
        _pieces.clear()
    scope: dict[str, Any] = {"join": b"".join}
    texts: list[str] = []
    for text in stencil.texts:
        names = []
        for place, part in enumerate(MARK.split(text)):
            if place % 2:
                names.append(f"v{part}" if int(part) < SIDES else f"sides[{int(part) - SIDES}]")
            elif part:
                names.append(f"p{len(scope)}")
                piece = part.encode()
                scope[names[-1]] = _pieces.setdefault(piece, piece)
        texts.append("".join(f"{name}, " for name in names))
    scope["behind"] = stencil.rest
    texts[0] += "raw, behind, "
    values = ", ".join(f"v{place}" for place in range(SIDES))
    source = f"def write({values}, sides, raw):\n    return {', '.join(f'join(({text}))' for text in texts)},\n"
    exec(compile(source, "<straight>", "exec"), scope)  # noqa: S102  # numbers alone: no foreign text is in it
    write: _Writer = scope["write"]
    return write
