"""Card numbers: issuer prefix, length and the Luhn checksum."""

import re

from whodid_schema import redaction as rules

_ISSUERS = tuple((re.compile(prefix), lengths) for prefix, lengths in rules.CARD_ISSUERS)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


class _Fours(dict[str, int]):
    """Four digits → what they add to the checksum, with the first and third doubled; there are ten thousand."""

    def __missing__(self, four: str) -> int:
        first, second, third, fourth = (ord(digit) - 48 for digit in four)
        self[four] = found = _DOUBLED[first] + second + _DOUBLED[third] + fourth
        return found


_fours = _Fours()


def luhn(digits: str) -> bool:
    """Whether the last digit is the checksum of the others; at most nineteen ASCII digits."""
    padded = digits.zfill(20)
    return (
        _fours[padded[:4]] + _fours[padded[4:8]] + _fours[padded[8:12]] + _fours[padded[12:16]] + _fours[padded[16:]]
    ) % 10 == 0


def is_card(digits: str) -> bool:
    """Whether the digits are a card's number."""
    return (
        12 < len(digits) < 20
        and luhn(digits)
        and any(len(digits) in lengths and prefix.match(digits) for prefix, lengths in _ISSUERS)
    )


def card_length(text: str) -> int:
    """How many characters of digits in groups (divided by spaces or hyphens) are a card's number; 0: none.

    What follows a card in the text may be digits as well, so every end of a group is tried, the longest first.
    """
    if text.isdecimal():
        return len(text) if is_card(text) else 0
    ends = [len(text), *(at for at in range(len(text) - 1, 11, -1) if text[at] in " -")]
    for end in ends:
        if is_card(text[:end].replace(" ", "").replace("-", "")):
            return end
    return 0


def may_hold_card(key_words: str) -> bool:
    """Whether a card's number may stand under a key of these words (`keys.words`): no id, time, account, address."""
    held = set(key_words.split("_"))
    return bool(held & rules.CARD_WORDS) or not held & rules.NOT_CARD_WORDS
