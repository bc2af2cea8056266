"""The regular expressions of redaction, built from the schema's lists; one dialect for Hyperscan, RE2 and `re`.

All work on bytes. Two families: *triggers* find places in raw chunks, where JSON escapes are still in
(`SCAN`), *text* patterns find secrets in one decoded string (`TEXT`).
"""

import json
import re

from whodid_schema import redaction as rules

_GROUP = re.compile(r"(?<!\\)\((?!\?)")
"""What begins a capture: a parenthesis that is meant as one is escaped, in classes too."""

QUOTE = r"(?:\\*[\"'`]|\\*u00(?:22|27)|%22|%27)"
"""A quote as it looks in text, in JSON inside JSON strings at any depth, and in URLs."""

INNER_QUOTE = QUOTE.replace(r"\\*[\"'`]", r"\\+[\"'`]|['`]")
"""A quote that does not end a JSON string."""

SEPARATOR = r"(?:=>|[:=]|\\*u003[aAdD]|%3[aAdD])"

LEFT = r"(?:^|[^A-Za-z0-9_]|\\[nrtbf])"
"""Nothing that belongs to the same word; a raw line's `\\n` counts as the newline it stands for."""


def key_words(extra: tuple[str, ...]) -> str:
    """Any rule's word as it may end a key, loosely: `KeyRules` has the last word on each hit."""
    names = (*rules.STRICT_WORDS, *rules.LENIENT_WORDS, *extra)
    spelled = {form for name in names for form in _spellings(name)}
    suffixes = "|".join(rules.SUFFIXES)
    return rf"(?i:(?:{'|'.join(sorted(spelled))})s?[_.-]?[0-9]{{0,9}}(?:[_. -]?(?:{suffixes}))?)"


def _spellings(name: str) -> tuple[str, ...]:
    """A rule's name as pattern: in UTF-8, and escaped as JSON may write it where it is not ASCII."""
    divider = '[^A-Za-z0-9"=:\n]{0,2}'
    plain = divider.join(re.escape(word) for word in name.split("_"))
    if name.isascii():
        return (plain,)
    escaped = divider.join(re.escape(json.dumps(word)[1:-1]) for word in name.split("_"))
    return (plain.encode().decode("latin-1"), escaped)


def named_value(extra: tuple[str, ...]) -> str:
    """A string value that ends in a rule's word: the `"password"` of `"field": "password"`, perhaps."""
    return rf"{key_words(extra)}\"[ \t]{{0,16}}(?:[,}}\]\n]|$)"


MARKER = rf"\"(?i:{'|'.join(sorted(rules.CHANGE_MARKERS))})\"[ \t]*:[ \t]*"
"""`"field": `; the value behind it may be a secret's name."""


def marker(extra: tuple[str, ...]) -> str:
    """`"field": "password"` in text: the neighbours are the secret."""
    names = "|".join(sorted(rules.CHANGE_MARKERS))
    value = rf"[^\"'`\\\n]{{0,256}}{key_words(extra)}"
    return rf"{QUOTE}(?i:{names}){QUOTE}[ \t]{{0,8}}{SEPARATOR}[ \t]{{0,8}}{QUOTE}{value}{QUOTE}"


ESCAPED_LETTER = r"\\u00(?:2[dDeE]|3[0-9aA]|40|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA])"
"""Escapes that hide keys and shapes. Not `\\u003c` and its like, which Go writes for `<`, `>`, `&` and `=`."""

KEY_ID_TEXT = rf"{LEFT}({rules.KEY_ID})"

CHANGE_VALUE = rf"{QUOTE}(?i:{'|'.join(sorted(rules.CHANGE_VALUES))}){QUOTE}[ \t]{{0,8}}{SEPARATOR}"
"""A neighbour of a change's name, in text."""

CARD_LEFT = r"(?:^|[\s\"'=:,\(\[>]|\\[nrt])"
CARD_TEXT = rf"{CARD_LEFT}({rules.CARD_DIGITS})(?:$|[^\w.-]|[.-](?:$|[^\w]))"
CARD_TRIGGERS = (rf"[\s\"'=:,(\[>nrt]{rules.CARD_TRIGGER}", rf"^{rules.CARD_TRIGGER}")


def text_patterns(extra: tuple[str, ...]) -> str:
    """All that `TextMasker` looks for, as one pattern with a group for each kind of hit.

    Groups 1 to 3: words, quote and separator of an assignment. 4: AWS key id. 5: bearer. 6: card. The others, from
    7 on, are proof by themselves. Few groups, because captures are what RE2 spends its time on.
    """
    bounded = "|".join(shape.pattern for shape in rules.SHAPES if shape.bounded)
    free = "|".join(shape.pattern for shape in rules.SHAPES if not shape.bounded)
    assignment = rf"({key_words(extra)})({QUOTE}?)[ \t]{{0,8}}({SEPARATOR})"
    kinds = (assignment, KEY_ID_TEXT, rules.BEARER, CARD_TEXT, rf"{LEFT}({bounded})", rf"({free})", rules.USERINFO)
    return "|".join(kinds)


def without_groups(pattern: str) -> str:
    """The same pattern without captures."""
    return _GROUP.sub("(?:", pattern)
