"""Golden events: tests/agent/profiles/golden/<profile>.yaml, a list of

name: what the event shows
page: the vendor's page that documents this shape
event: the event (an object, or JSON as text)
expect: dotted path of the record → value (null: absent)
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from whodid_config.document import read_yaml

FOLDER = Path(__file__).parents[1] / "agent" / "profiles" / "golden"

ALWAYS = ("@timestamp", "action", "verb", "surface", "outcome", "description")
"""What every golden event says of its record."""


class Golden(Struct, frozen=True, forbid_unknown_fields=True):
    """One event of a vendor's documented shape, and what its record holds."""

    name: str
    page: str
    event: dict[str, Any] | str
    expect: dict[str, Any]

    @property
    def line(self) -> bytes:
        """The event as the vendor would write it: one line of JSON."""
        return self.event.encode() if isinstance(self.event, str) else msgspec.json.encode(self.event)


def golden() -> Mapping[str, list[Golden]]:
    """Profile → its golden events, in the order of the file."""
    files = sorted(FOLDER.glob("*.yaml"))
    return {path.stem: msgspec.convert(read_yaml(path).value, list[Golden]) for path in files}
