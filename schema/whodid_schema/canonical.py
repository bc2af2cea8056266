"""The one form of words that people write in many ways: as records hold them, and as queries ask for them.

    slug           `Sending node` is `sending_node`
    target_type    "API role", `ApiRole` and `api-role` are `api_role`; what is no words stays as it is
    value_of       a query's value in the form that its field's values have in records

What has no other form comes back as it is.
"""

import re
from functools import lru_cache

from whodid_schema.fields import Field
from whodid_schema.folding import shadow
from whodid_schema.taxonomy import SYNONYMS

_LONGEST_TYPE = 200
_WORDS = re.compile(r"[^\W\d_][\w /&-]*")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def slug(words: str) -> str:
    """How a type or a field that was written for people is stored."""
    return re.sub(r"[\s/&-]+", "_", words.strip().lower())


def target_type(words: str) -> str:
    """The one form of a target's type."""
    return _snake(words.strip()) if len(words) <= _LONGEST_TYPE else words


@lru_cache(maxsize=4096)
def _snake(words: str) -> str:
    if _WORDS.fullmatch(words) is None:
        return words
    return slug(_HUMP.sub("_", words))


def value_of(field: Field, value: str) -> str:
    """The value as records have it: a type in its one form, a closed field's word for what was typed.

    `verb:edited` is `update`, `surface:"API request"` is `api_request`. What has no other form comes back as it is, a
    `*` at the end of a type stays one.
    """
    if field.name == "type":
        return f"{target_type(value[:-1])}*" if value.endswith("*") else target_type(value) or value
    if field.match != "closed" or shadow(value) in field.values:
        return value
    plain = slug(value)
    if plain in field.values:
        return plain
    return SYNONYMS.get(plain.replace("_", " "), value) if field.name == "verb" else value
