"""How OpenSearch cuts a record's text into words: exactly as SQLite's FTS5 does, by the same table of characters.

    whodid_words    for `search`, whose text is folded already: runs of letters and digits, by the fold table's ranges
    whodid_search   the same for what people type into Dashboards, which nobody has folded; close to it, not exact

Words are cut at 255 characters, when they are stored and when they are looked for: Lucene refuses a document with a
word of more than 32 KB.
"""

from collections.abc import Iterator
from typing import Any

from whodid_schema._fold_table import WORD_RANGES

_LONGEST_WORD = 255


def analysis() -> dict[str, Any]:
    """The index settings' `analysis`."""
    return {
        "tokenizer": {
            "whodid_runs": {"type": "simple_pattern", "pattern": _pattern()},
            "whodid_typed": {"type": "pattern", "pattern": "[\\p{L}\\p{N}\\p{M}]+", "group": 0},
        },
        "filter": {"whodid_cut": {"type": "truncate", "length": _LONGEST_WORD}},
        "analyzer": {
            "whodid_words": {"type": "custom", "tokenizer": "whodid_runs", "filter": ["whodid_cut"]},
            "whodid_search": {
                "type": "custom",
                "tokenizer": "whodid_typed",
                "filter": ["lowercase", "asciifolding", "whodid_cut"],
            },
        },
    }


def _pattern() -> str:
    return f"[0-9a-z{''.join(_ranges())}]+"


def _ranges() -> Iterator[str]:
    for entry in WORD_RANGES.split():
        first, _, last = entry.partition("-")
        yield f"{chr(int(first, 16))}-{chr(int(last or first, 16))}"
