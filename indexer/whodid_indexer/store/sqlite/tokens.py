"""Exact tokens: what the column `x` of the full-text index holds, so that one MATCH finds words and keys together.

    i<id>              the record's id              a<n>          the actor, by its number
    s<session>         r<request>                   p<project>    id and name
    t<target>          id, name and type:id         d<device>     n<reason>
    c<changed path>    m<path=value>                each folded, but for id, session and request

A value is spelled in a–z and 0–9 alone, so that the tokenizer takes it as one token: what is neither, and `q`
itself, becomes `q` and two hex digits per byte of its UTF-8. Spelling keeps prefixes: a `prefix*` of the value is a
prefix of the token. Values are spelled up to `LONGEST` characters; a longer one ends in `qh` and its hash, and a
wildcard sees only the part in front of that.
"""

import hashlib
import re
from functools import lru_cache

from whodid_schema.folding import shadow
from whodid_schema.record import Record

LONGEST = 512

PRESENT = {"session": 1, "request": 2, "project": 4, "target": 8, "device": 16, "reason": 32, "changed": 64}
"""The bit that says, in a combo, that a record has a value for a field."""

LETTER = {"session": "s", "request": "r", "project": "p", "target": "t", "device": "d", "reason": "n", "changed": "c"}
"""The letter that a field's tokens begin with."""

META = "m"

_BIT = {LETTER[field]: bit for field, bit in PRESENT.items()}

_plain = re.compile(r"[0-9a-z]*").fullmatch
_others = re.compile(r"[^0-9a-z]")
_escaped = re.compile(r"(?:q[0-9a-f]{2})+")


def _escape(match: re.Match[str]) -> str:
    return "".join(f"q{byte:02x}" for byte in match.group().encode("utf-8", "surrogatepass"))


def spell(value: str) -> str:
    """The value in characters that are letters and digits to every tokenizer."""
    text = value if len(value) <= LONGEST else value[:LONGEST]
    # the usual ones by themselves first: four times as fast as the pattern
    text = text.replace("q", "q71").replace("-", "q2d").replace(" ", "q20").replace(".", "q2e").replace("=", "q3d")
    text = text.replace(":", "q3a").replace("_", "q5f").replace("@", "q40").replace("/", "q2f")
    if not _plain(text):
        text = _others.sub(_escape, text)
    if len(value) <= LONGEST:
        return text
    return f"{text}qh{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def unspell(token: str) -> str:
    """The value that was spelled, or as much of it as the token has."""
    text = token.partition("qh")[0]
    return _escaped.sub(lambda match: bytes.fromhex(match.group().replace("q", "")).decode("utf-8", "replace"), text)


def tokens(record: Record, actor: int) -> tuple[str, int]:
    """The text of column `x`, and the bits of `PRESENT` that the record has."""
    found = [f"i{record.id}"]
    if actor:
        found.append(f"a{actor}")
    found += ["s" + spell(value) for value in (record.session_id,) if value]
    found += ["r" + spell(value) for value in (record.request_id,) if value]
    if record.project is not None:
        found += _pair("p", record.project.id, record.project.name)
    for target in record.targets or (record.target,):
        if target is not None:
            found += _target(target.type, target.id, target.name)
    found += _pair("d", record.client.device if record.client is not None else None, None)
    found += _pair("n", record.reason, None)
    for path in record.changed or ():
        found += _pair("c", path, None)
    present = 0
    for token in found:
        present |= _BIT.get(token[0], 0)
    for pair in record.meta or ():
        found += _pair(META, pair, None)
    return " ".join(found), present


@lru_cache(maxsize=65_536)
def _pair(letter: str, first: str | None, second: str | None) -> tuple[str, ...]:
    return tuple({letter + spell(shadow(value)) for value in (first, second) if value})


@lru_cache(maxsize=65_536)
def _target(kind: str | None, identifier: str | None, name: str | None) -> tuple[str, ...]:
    if not (kind and identifier):
        return _pair("t", identifier, name)
    return (*_pair("t", identifier, name), "t" + spell(shadow(f"{kind}:{identifier}")))
