"""A sentence in a profile's own words: texts, and gaps that the finished record fills.

    ("turned on two-factor sign-in for ", Gap("target"))     Ann turned on two-factor sign-in for user Bob

What failed is told as an attempt: in words of its own, else with the base of a past that is known ("created" →
"attempted to create"). A gap that the record cannot fill makes no sentence.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct

from whodid_schema import sentence
from whodid_schema.nouns import words_of
from whodid_schema.record import Record
from whodid_schema.words import FORMS


class Gap(Struct, frozen=True):
    """A place in the text that the record fills: one of `GAPS`."""

    what: str


Told = str | Sequence[str | Gap]
_CHANGES, _REASON = Gap("changes"), Gap("reason")


def tell(record: Record, did: Told | None, tried: Told | None = None) -> str | None:
    """The sentence: who, and what was `did` (past: "turned on …") or `tried` (base: "turn on …", where it failed).

    None where a gap stays open, or where it failed and neither gives words for an attempt.
    """
    told = did
    before = ""
    if record.outcome == "failure":
        told, before = (tried, "attempted to ") if tried is not None else (did, "")
    text = None if told is None else _filled(record, told)
    if text and record.outcome == "failure" and not before:
        text = _attempt(text)
    if not text:
        return None
    has_reason = record.reason is None or not (isinstance(told, str) or told is None or _REASON not in told)
    return sentence.with_additions(record, f"{sentence.actor_name(record)} {before}{text}", has_reason)


def _filled(record: Record, told: Told) -> str | None:
    if isinstance(told, str):
        return told
    texts: list[str] = []
    for part in told:
        text = GAPS[part.what](record) if isinstance(part, Gap) else part
        if text:
            texts.append(text)
        elif part == _CHANGES and len(texts) == len(told) - 1 and texts and texts[-1].endswith(": "):
            texts[-1] = texts[-1].removesuffix(": ")  # "…: {@changes}" is said without them where there are none
        else:
            return None
    return "".join(texts)


def _attempt(text: str) -> str | None:
    words = text.split(" ", 2)
    for length in (2, 1):
        form = FORMS.get(" ".join(words[:length]).lower())
        if form is not None and form.past == " ".join(words[:length]).lower():
            return " ".join(["attempted to", form.base, *words[length:]])
    return None


def _target(record: Record) -> str | None:
    return sentence.targets(record) if record.target is not None else None


def _name(record: Record) -> str | None:
    target = record.target
    return (target.name or target.id) if target is not None else None


GAPS: Mapping[str, Callable[[Record], str | None]] = MappingProxyType(
    {
        "target": _target,
        "name": _name,
        "deed": sentence.deed,
        "words": lambda record: words_of(record.action or ""),
        "changes": lambda record: sentence.changes(record) if record.changes else None,
        "reason": lambda record: record.reason,
    }
)
"""What a sentence can name: the targets ("user Bob"), the main one's name, what was done to what the action names,
the action's words, the changes, why."""
