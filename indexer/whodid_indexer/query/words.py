"""What the query language takes for a name, an operator or a plain word: what the printer need not quote."""

import re

from whodid_indexer.query.values import MARKS
from whodid_schema.fields import META_PREFIX

OPERATORS = ("AND", "OR", "NOT")

_PATH = rf'(?:"(?:[^"]|"")*"|[^\s:(){MARKS}]+)'

NAME = re.compile(rf"(?P<name>{re.escape(META_PREFIX)}{_PATH}|[A-Za-z][A-Za-z0-9_.-]*):(?!//)")
"""A field's name with its colon; `https://…` begins with none."""

WORD = re.compile(rf"[^\s(){MARKS}]+")
"""A word, or an operator; what is special stands between quotation marks."""

VALUE = re.compile(rf"[^\s,(){MARKS}]+")
"""A value behind a colon or a comma."""


_plain_path = re.compile(rf"[^\s:(){MARKS}]+").fullmatch


def is_plain(word: str) -> bool:
    """Whether the word is read as itself where it stands without quotation marks."""
    return (
        WORD.fullmatch(word) is not None
        and not word.startswith("-")
        and word not in OPERATORS
        and NAME.match(word) is None
    )


def is_path(path: str) -> bool:
    """Whether a path of metadata is read as itself where it stands without quotation marks."""
    return _plain_path(path) is not None
