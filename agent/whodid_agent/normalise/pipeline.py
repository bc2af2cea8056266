"""The way of one input's events: redact the bytes, decode, split, recognise, map, finish, identify, file, encode.

What a line means is decided by its bytes, the profile and the input's options; where it goes by the store's rules.
Nothing here raises for anything that a sender can write: what is no event is a Refusal.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from whodid_agent.normalise import decode as decoding
from whodid_agent.normalise import envelope
from whodid_agent.normalise.assemble import Filing, finish
from whodid_agent.normalise.contract import Discard, Event, InputOptions, Origin, Refusal, Sent, Shipment, Stream
from whodid_agent.normalise.draft import Draft
from whodid_agent.normalise.fast.stencil import Stencils
from whodid_agent.normalise.language.path import at
from whodid_agent.normalise.language.profile import Drop, Profile
from whodid_agent.normalise.masking import Masks, set_masks
from whodid_agent.normalise.plain import Plain, finish_plain
from whodid_agent.normalise.profiles import GENERIC, ProfileSet
from whodid_agent.normalise.redact import Redactor
from whodid_agent.normalise.signing import Signer
from whodid_schema import identity, timestamp
from whodid_schema.document import document
from whodid_schema.errors import ConfigError, Undecodable
from whodid_schema.meta import Meta, Router, compile_when, imported_index
from whodid_schema.record import MASK, Record, encode

_Matches = Callable[[Record], bool]

TEXT = "text"
"""The rule of an input that leaves out lines of plain text (`text: drop`)."""

READS = "reads"
"""The built-in drop rule: everything of kind read."""


class Rules:
    """The drop rules of an input: its own, and those of the profiles."""

    def __init__(self, drop: Sequence[Any], profiles: Sequence[Profile]) -> None:
        self.general = [_general(rule) for rule in drop]
        self.by_profile = {
            profile.name: [(rule, compile_when(rule.when, rule.name)) for rule in profile.drops]
            for profile in profiles
            if profile.drops
        }

    def noise(self, profile: Profile, event: dict[str, Any]) -> list[tuple[str, _Matches]]:
        """The profile's rules that this event (still whole) fulfils, as far as `same` goes."""
        rules = self.by_profile.get(profile.name, ())
        return [(rule.name, matches) for rule, matches in rules if _same(rule, event)]

    def hit(self, record: Record, noise: Sequence[tuple[str, _Matches]]) -> str | None:
        """The name of the first rule that leaves this record out."""
        for name, matches in noise:
            if matches(record):
                return name
        for name, matches in self.general:
            if matches(record):
                return name
        return None


def _same(rule: Drop, event: dict[str, Any]) -> bool:
    found = [at(event, path.steps) for path in rule.same]
    return not found or (found[0] is not None and all(value == found[0] for value in found))


def _general(rule: Any) -> tuple[str, _Matches]:
    if rule == READS:
        return READS, lambda record: record.kind == "read"
    name = rule.get("name") if isinstance(rule, dict) else getattr(rule, "name", None)
    when = rule.get("when") if isinstance(rule, dict) else getattr(rule, "when", None)
    if not isinstance(name, str) or not isinstance(when, Mapping) or not when:
        raise ConfigError(f"drop: {rule!r} is no rule", f"write `{READS}`, or `{{name: …, when: {{field: value}}}}`")
    return name, compile_when(when, f"drop rule {name}")


class Pipeline:
    """The Normaliser of one input; `agent` and `host` go into `ingest`, without `drops` no drop rule is applied."""

    def __init__(
        self,
        options: InputOptions,
        meta: Meta,
        profiles: ProfileSet,
        agent: str = "",
        host: str = "",
        *,
        drops: bool = True,
    ) -> None:
        self.options = options
        self.profiles = profiles
        self.named = profiles.get(options.profile) if options.profile else None
        self._redactor = _redactor(tuple(options.redact), self.named.head.allow if self.named else ())
        self._masks = Masks(profiles, self.named)
        self._rules = Rules(options.drop if drops else (), [one.head for one in profiles] if drops else ())
        self._agent, self._host = agent, host
        self._splits = frozenset(profiles.splits) | envelope.MARKS | frozenset(profiles.unfolded)
        self.file_by(meta)

    def file_by(self, meta: Meta) -> None:
        """Go by these rules of the store from the next event on."""
        self._meta = meta
        self._router = Router(meta)
        self._filing = Filing(self.options, meta.categories, meta.epoch)
        self._found_by_sender = meta.partitions == "period"  # a whodid server makes these fields itself
        self._by_stencil = not meta.class_rules and not self._rules.general
        self._stencils: dict[str, Stencils] = {}
        self._signer: Signer | None = None
        self._signed: Profile | None = None
        self._finite = any(kept.days is not None for kept in meta.classes.values())

    def redact(self, chunk: bytes) -> bytes:
        """See contract.Normaliser."""
        return self._masks.mask(self._redactor.redact(chunk))

    def events(self, line: bytes, origin: Origin, sent: Mapping[int, Sent] | None = None) -> list[Event]:
        """See contract.Normaliser."""
        try:
            value = decoding.decode_json(line)
            if type(value) is dict and (value.keys().isdisjoint(self._splits) or not self._holds_many(value)):
                return [self._shipped(0, line, value, origin, sent.get(0) if sent else None)]
        except Exception:  # noqa: BLE001  # what it was is found out below, step by step
            return self._carefully(line, origin, sent)
        return self._carefully(line, origin, sent)

    def _holds_many(self, value: dict[str, Any]) -> bool:
        """Whether it may be a body, an envelope or several: `data`, say, is an object in most events that have it."""
        for key, split in self.profiles.splits.items():
            if type(held := value.get(key)) is list and decoding.is_body(value, key, held, split):
                return True
        for key in self.profiles.unfolded:
            if type(held := value.get(key)) is list and len(held) > 1:
                return True
        return not envelope.MARKS.isdisjoint(value)

    def _carefully(self, line: bytes, origin: Origin, sent: Mapping[int, Sent] | None) -> list[Event]:
        """The events of any line: of a body of many, of one that is refused, of one that something stumbles over."""
        try:
            value = decoding.decode(line)
            items = decoding.items_of(line, value, self.profiles.splits)
            if items is None and type(value) is dict:
                items = envelope.items_of(value, self.profiles.knows)
        except Undecodable as error:
            if self.options.drop_text and error.reason == "not_json" and line.lstrip()[:1] not in (b"{", b"["):
                return [Discard(0, "dropped", TEXT)]
            return [Refusal(0, error.reason, error.message)]
        parts = self._apart([line] if items is None else items)
        return [self._event(number, data, origin, sent, part) for number, (data, part) in enumerate(parts)]

    def _apart(self, items: list[bytes]) -> Iterator[tuple[bytes, str | None]]:
        """The events; of one that holds several (`unfold:`) each, and which it is of them."""
        for data in items:
            parts = None
            if any(key.encode() in data for key in self.profiles.unfolded):
                with contextlib.suppress(Undecodable):  # what is wrong with it is said where it is refused
                    event = decoding.decode(data)
                    if type(event) is dict:
                        key = (self.named or self.profiles.mapper_of(event, tuple(event))).head.unfold
                        parts = None if key is None else decoding.parts_of(data, event, key)
            if parts is None:
                yield data, None
            else:
                yield from ((part, str(number)) for number, part in enumerate(parts, 1))

    def _event(
        self, item: int, data: bytes, origin: Origin, sent: Mapping[int, Sent] | None, part: str | None
    ) -> Event:
        try:
            event = decoding.decode(data)
            if type(event) is not dict:
                return Refusal(item, "not_an_object", decoding.not_an_object(event))
            return self._shipped(item, data, event, origin, sent.get(item) if sent else None, part)
        except Undecodable as error:
            return Refusal(item, error.reason, error.message)
        except Exception as error:  # noqa: BLE001  # promise 3: one bad event never takes down a good one
            return Refusal(item, "internal", f"{type(error).__name__}: {error}")

    def _shipped(
        self,
        item: int,
        data: bytes,
        event: dict[str, Any],
        origin: Origin,
        sent: Sent | None,
        part: str | None = None,
    ) -> Event:
        shape = tuple(event)
        mapper = self.named or self.profiles.mapper_of(event, shape)
        profile = mapper.profile
        if profile.mask and set_masks(profile.mask, event):
            data = msgspec.json.encode(event)
        noise = self._rules.noise(profile, event) if profile.drops else ()
        draft = mapper.extract(event, data, shape)
        if isinstance(draft, tuple) and draft[-2] is not None and self._by_stencil and sent is None and not noise:
            made = self._filled(item, data, draft, profile, origin)
            if made is not None:
                return made
        if part is not None and type(draft) is Draft and draft.native is not None:
            draft.native = (*draft.native, part)
        return self._recorded(item, data, draft, profile, noise, origin, sent)

    def _recorded(
        self,
        item: int,
        data: bytes,
        draft: Draft | Plain,
        profile: Profile,
        noise: Sequence[tuple[str, _Matches]],
        origin: Origin,
        sent: Sent | None,
    ) -> Event:
        """What becomes of an event that a record is made of."""
        if isinstance(draft, tuple):
            native = None
            record = finish_plain(draft, profile, self._filing, origin.received_at)
        else:
            native = draft.native
            record = finish(draft, profile, self._filing, origin.received_at)
        index = sent.index if sent is not None else ""
        if sent is None:
            if noise or self._rules.general:
                rule = self._rules.hit(record, noise)
                if rule is not None:
                    return Discard(item, "dropped", rule)
            name = self._too_old(record, origin.received_at) if self._finite else None
            if name is not None and not self.options.import_old:
                return Discard(item, "expired", name, record.timestamp or "", record.action or "")
            index = self._router.index_of(record) if name is None else imported_index(record)
        self._sign(record, profile, native, data, item, origin)
        if sent is not None:
            record.id = sent.id
        body = encode(record)
        if self._found_by_sender:
            body = document(record, body)
        return Shipment(item, record.id or "", index, body, profile.name != GENERIC, record.verb != "other")

    def _filled(self, item: int, data: bytes, plain: Plain, profile: Profile, origin: Origin) -> Shipment | None:
        """The shipment of an event that there is a stencil for."""
        stencils = self._stencils.get(profile.name)
        if stencils is None:
            expired = self._expired if self._finite else None
            stencils = self._stencils[profile.name] = Stencils(profile, self._filing, self._router, expired)
        return stencils.shipment(plain, item, data, origin, self._signer_of(origin.stream, profile))

    def _sign(
        self, record: Record, profile: Profile, native: tuple[str, ...] | None, data: bytes, item: int, origin: Origin
    ) -> None:
        """Give the record its id, and say where it came from."""
        signer = self._signer_of(origin.stream, profile)
        if native is not None:
            record.id = identity.native_id(profile.app or profile.name, native, data)
            record.native_id = "/".join(native)
        else:
            timeless = record.time_precision in ("received", "implausible")
            record.id = signer.identifier(origin, item, data, timeless=timeless)
        record.ingest = signer.ingest(origin, item, data)
        if self.options.keep_raw:
            record.raw = raw = data.decode()
            if MASK in raw:
                record.raw_redacted = True

    def _signer_of(self, stream: Stream, profile: Profile) -> Signer:
        """Most events come from the stream that the one before came from."""
        last = self._signer
        if last is None or last.stream is not stream or self._signed is not profile:
            last = self._signer = Signer(stream, self._agent, self._host, profile.name, self._meta.rules)
            self._signed = profile
        return last

    def _too_old(self, record: Record, received_at: str) -> str | None:
        return self._expired(self._router.class_of(record), record.timestamp or "", received_at)

    def _expired(self, name: str, stamp: str, received_at: str) -> str | None:
        """The class, if its retention has already run out for a record of this time."""
        if not self._finite or self._meta.hold:
            return None
        kept = self._meta.classes.get(name)
        if kept is None or kept.days is None:
            return None
        return name if stamp < _days_before(received_at, kept.days) else None


@lru_cache(maxsize=64)
def _redactor(extra: tuple[str, ...], allow: tuple[str, ...]) -> Redactor:
    """Inputs that mask alike share what does it: to make it takes 10 ms, and an agent may have many inputs."""
    return Redactor(extra, allow)


@lru_cache(maxsize=256)
def _days_before(received_at: str, days: int) -> str:
    return timestamp.from_micros(timestamp.to_micros(received_at) - days * 86_400_000_000)
