r"""Audit data made safe to print: what would steer a terminal, a log or the reading order is shown, never obeyed.

Escaped, as Python would write it (`\x1b`, `\u202e`): C0 and C1 controls (ESC, NUL, BEL, tab, newline …), DEL, bidi
marks, overrides and isolates, line and paragraph separators, zero-width and other invisible format characters,
Unicode tags, lone surrogates. Everything else is left as it is, so a text that is harmless comes back the same object.
"""

import re

_STEERING = (
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\xad\u061c\u180e"  # soft hyphen, Arabic letter mark, Mongolian vowel separator
    "\u200b\u200e\u200f\u2028-\u202e"  # zero-width space, bidi marks, separators, embeddings and overrides
    "\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible operators, isolates, deprecated format characters, BOM, annotations
    "\ud800-\udfff"  # lone surrogates: they cannot even be encoded
    "\U000e0000-\U000e007f"  # tags
)
"""Zero-width joiner and non-joiner (U+200C, U+200D) are not here: Persian, Hindi and emoji need them."""

_unsafe = re.compile(f"[{_STEERING}]")
_unsafe_but_newline = re.compile(f"(?!\n)[{_STEERING}]")


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def visible(text: str, *, newlines: bool = False) -> str:
    """The text with everything that steers escaped; `newlines` leaves line feeds standing (for multi-line texts)."""
    if text.isascii() and text.isprintable():
        return text
    pattern = _unsafe_but_newline if newlines else _unsafe
    return pattern.sub(_escape, text)
