"""The readable device of a User-Agent: "Chrome 126 on macOS", "python-httpx 0.27.0".

The parser costs 6 to 10 µs for an agent it has not seen and attackers invent agents, so the answers are kept in a table
that is bounded in entries and never keeps very long texts.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ua_parser import Parser

_ENTRIES = 8192
_LONGEST = 1024
_TOKEN = re.compile(r"([A-Za-z][\w.+-]{0,62})(?:/v?(\d[\w.+-]{0,30}))?")
_SYSTEMS = {"Mac OS X": "macOS", "Mac OS": "macOS"}


@cache
def _parser() -> "Parser":
    """The parser without its table of hardware, which is never asked: half the time to load, half of the memory."""
    from ua_parser import Parser, load_lazy_builtins  # noqa: PLC0415 - only when there is something to parse

    browsers, systems, _ = load_lazy_builtins()
    return Parser.from_matchers((browsers, systems, []))


def _describe(user_agent: str) -> str | None:
    parsed = _parser().parse(user_agent)
    system = parsed.os and _SYSTEMS.get(parsed.os.family, parsed.os.family)
    if parsed.user_agent:
        browser = f"{parsed.user_agent.family} {parsed.user_agent.major or ''}".rstrip()
    else:
        token = _TOKEN.match(user_agent)
        if token is None or token[1] == "Mozilla":
            return system or None
        browser = f"{token[1]} {token[2]}" if token[2] else token[1]
    return f"{browser} on {system}" if system else browser


class _Devices(dict[str, str | None]):
    """User-Agent → device, filled when asked."""

    def __missing__(self, user_agent: str) -> str | None:
        device = _describe(user_agent[:_LONGEST])
        if len(user_agent) <= _LONGEST:
            if len(self) >= _ENTRIES:
                self.clear()
            self[user_agent] = device
        return device


_devices = _Devices()


def device_of(user_agent: str) -> str | None:
    """The device in words; None where the text names none."""
    return _devices[user_agent]
