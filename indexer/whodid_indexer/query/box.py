"""The text of `-q` and `q=`: `field:value` pieces are terms, everything else is text.

    actor:ana -verb:read type:user,admin meta.plan:"pro plus" "api key" -draft

A piece is a term where a name stands before its first `:`; quotes keep a colon in a text ("error: timeout"). A name
that is no field is refused rather than looked for as a word.
"""

import re
from typing import NamedTuple

from whodid_indexer.query.check import field_of
from whodid_indexer.query.parse import Filter
from whodid_schema.errors import BadQuery
from whodid_schema.fields import META_PREFIX

_straight = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"'})
_piece = re.compile(
    r"""(?<!\S)(?P<minus>-)?(?P<name>[A-Za-z][A-Za-z_.]*|meta\.[^\s":]+):(?!//)(?P<value>(?:"[^"]*"|[^\s"])*)"""
    r"""|"[^"]*"|\S"""
)
"""A term, or a phrase or a character to pass over: so that nothing within quotes is taken for a term."""


class Typed(NamedTuple):
    """What a text asks for: filters as `parse.build_query` takes them, and the words that are left."""

    filters: list[Filter]
    text: str


def read_box(typed: str) -> Typed:
    """Take the terms out of a search text. Raises BadQuery where a name is no field, with its place in the text."""
    text = typed.translate(_straight)
    filters: list[Filter] = []
    rest: list[str] = []
    end = 0
    for piece in _piece.finditer(text):
        if piece["name"] is None:
            continue
        filters.append((_known(piece["name"], piece.start("name")), piece["value"], piece["minus"] is not None))
        rest.append(text[end : piece.start()])
        end = piece.end()
    rest.append(text[end:])
    return Typed(filters, " ".join(part.strip() for part in rest if part.strip()))


def _known(name: str, position: int) -> str:
    if name.startswith(META_PREFIX):
        return name
    try:
        return field_of(name).name
    except BadQuery as error:
        hint = f'{error.hint}; quote it to look for the words: "{name}: …"'
        raise BadQuery(error.message, hint, position, len(name)) from error
