r"""Words as a shell reads them back, fit to be shown: what would steer a terminal is written `$'\x1b'`, never sent.

bash, zsh, ksh and POSIX shells since 2024 read `$'…'`; everything that can be printed stands in plain quotes.
"""

import shlex
from collections.abc import Iterable

from whodid_schema.visible import visible


def shell_words(words: Iterable[str]) -> str:
    """The words as one line."""
    return " ".join(map(_word, words))


def _word(word: str) -> str:
    if visible(word) == word:
        return shlex.quote(word)
    return "$'" + "".join(map(_character, word)) + "'"


def _character(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if visible(character) == character:
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogatepass"))
