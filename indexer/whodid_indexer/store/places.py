"""A place in the time order as one word, for URLs and command lines: `1795242780123456~01hq…`."""

from whodid_indexer.store.base import Key
from whodid_schema.errors import UsageError


def format_key(key: Key) -> str:
    """The place as one word."""
    return f"{key.micros}~{key.id}"


def parse_key(text: str, said_as: str) -> Key:
    """What `format_key` was given. Raises UsageError; `said_as` names the parameter or flag."""
    micros, mark, identifier = text.partition("~")
    digits = micros.removeprefix("-")
    plain = (
        digits.isascii() and digits.isdecimal() and len(digits) < 18 and identifier.isascii() and identifier.isalnum()
    )
    if not (mark and plain):
        raise UsageError(
            f"{said_as} {text[:60]}: not a place that a page named", "take it from the page before as it is"
        )
    return Key(int(micros), identifier)
