"""Redaction of what the inputs read, before anything else sees it.

    chunk ─► scan (one engine, all rules) ─► no hit: the same object
                                          ├► "key": flat value ─► cut in the bytes
                                          └► anything unusual ─► that line decoded, walked, encoded

After this step nothing unredacted is decoded, stored, logged, hashed or answered.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from whodid_agent.normalise.redact.cut import Cutter
from whodid_agent.normalise.redact.keys import KeyRules
from whodid_agent.normalise.redact.line import LineRedactor
from whodid_agent.normalise.redact.scan import UNUSUAL, Engine, engine
from whodid_agent.normalise.redact.text import TextMasker
from whodid_agent.normalise.redact.walk import Walker
from whodid_schema.record import MASK

_LINE = re.compile(rb"[^\n]+")


class Redactor:
    """Masks secrets in bytes and in decoded values. May be shared by threads.

    `extra` are key names to mask in addition to the built-in ones, `allow` whole key names to let pass (for one
    profile or input), `engine_name` asks for one scan engine where the fastest that loads is not wanted.
    """

    def __init__(
        self, extra: Iterable[str] = (), allow: Iterable[str] = (), *, engine_name: Engine | None = None
    ) -> None:
        keys = KeyRules(extra, allow)
        self._scan = engine(keys.extra, engine_name)
        text = TextMasker(keys, _text_compiler(engine_name), self._scan)
        self._walker = Walker(keys, text)
        self._line = LineRedactor(self._walker, text).redact
        self._cut = Cutter(keys, self._line).cut

    def redact(self, chunk: bytes) -> bytes:
        """The chunk (whole lines of anything) with every secret masked, with as many newlines as before.

        The same object where nothing was masked. Never raises on what a sender wrote.
        """
        hits = self._scan(chunk) if self._scan else [(found.end(), UNUSUAL) for found in _LINE.finditer(chunk)]
        return self._cut(chunk, hits) if hits else chunk

    def redact_value(self, value: Any) -> Any:
        """A decoded value (dict, list, str, number …) with every secret masked; the same object where there is none.

        What is nested too deeply to be looked at is masked as a whole.
        """
        try:
            return self._walker.walk(value)
        except RecursionError:
            return MASK


def _text_compiler(engine_name: Engine | None) -> Callable[[bytes], Any]:
    """RE2 for the text of single strings, in linear time; Python's `re` where it does not load."""
    if engine_name == "none":
        return re.compile
    try:
        import re2  # noqa: PLC0415 - optional on platforms without a wheel
    except ImportError:
        return re.compile
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return lambda pattern: re2.compile(pattern, options)
