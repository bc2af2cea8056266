"""One unusual line: decoded, walked and encoded again; masked as text where it cannot be decoded."""

import msgspec

from whodid_agent.normalise.redact.text import TextMasker
from whodid_agent.normalise.redact.walk import Patience, Walker

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class LineRedactor:
    """The way for everything that the cuts in the bytes leave alone."""

    def __init__(self, walker: Walker, text: TextMasker) -> None:
        self._walker = walker
        self._text = text

    def redact(self, line: bytes) -> bytes:
        """The line (without its newline) with its secrets masked; the same object where there is none.

        A line that is decoded and encoded keeps its values and their order, not its spacing, escapes and doubled
        keys. Never raises: what msgspec refuses (bad UTF-8, deep nesting, broken JSON) is masked as text.
        """
        content = line.rstrip()
        try:
            value = _decode(content)
            # Written anew, a text has no escapes but where it must.
            plain = _encode(value) if b"\\" in content else content
            patience = Patience.of(len(line), self._text.suspected(plain.decode()))
            masked = self._walker.walk(value, patience=patience)
            return line if masked is value else _encode(masked) + line[len(content) :]
        except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError):
            return self._text.mask(line)
