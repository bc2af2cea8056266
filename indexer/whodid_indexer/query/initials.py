"""The two letters that stand for somebody where a name has no room."""

import re
import unicodedata

_parts = re.compile(r"[^\W_]+")


def initials(name: str) -> str:
    """At most two capitals: of first and last word, of a lone word its first two; of an e-mail what is before @.

    Ana Ruiz: AR, root: RO, ana.ruiz@acme.com: AR, svc-ci-2: S2; "?" where there is no letter and no digit.
    """
    text = unicodedata.normalize("NFC", name.strip())
    local, at, _ = text.partition("@")
    words: list[str] = _parts.findall(local if at and local and " " not in text else text)
    if not words:
        return "?"
    letters = words[0][:2] if len(words) == 1 else words[0][0] + words[-1][0]
    return letters.upper()[:2]
