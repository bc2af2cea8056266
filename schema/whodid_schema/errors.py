"""The one tree of errors; each carries what, where, how to mend it, and the exit code of the command.

WhodidError                      exit 1   internal, or a problem was found
├── UsageError                   exit 2   arguments or values that make no sense
│   ├── ConfigError              exit 2   a configuration or profile file is wrong
│   └── BadQuery                 exit 2   a query cannot be read; has position and length
├── NotAllowed                   exit 3   not signed in, or the role does not reach
├── StoreUnreachable             exit 4   the store does not answer, or is not set up
│   └── StoreTooOld              exit 4   the store's layout is older than this version needs
├── Incomplete                   exit 5   done, but something was refused, missed or parked
├── StateError                   exit 1   a state file or store file is damaged, newer, or locked by another process
└── Undecodable                  exit 1   one event cannot be read; goes to quarantine, never further
"""

from typing import ClassVar


class WhodidError(Exception):
    """Base of all errors shown to a person: `message` says what and where, `hint` how to mend it."""

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "internal"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} — {self.hint}" if self.hint else self.message


class UsageError(WhodidError):
    """Arguments or values that make no sense."""

    exit_code = 2
    code = "usage"


class ConfigError(UsageError):
    """A configuration or profile file is wrong; the message names file, line and key."""

    code = "config"


class BadQuery(UsageError):
    """A query cannot be read; `position` and `length` (characters) mark the fault in `text`, where that is known.

    `suggestion` is what was probably meant in the place of what is marked.
    """

    code = "bad_query"

    def __init__(
        self, message: str, hint: str = "", position: int = 0, length: int = 0, *, suggestion: str = "", text: str = ""
    ) -> None:
        super().__init__(message, hint)
        self.position = position
        self.length = length
        self.suggestion = suggestion
        self.text = text

    def at(self, text: str, position: int, length: int | None = None) -> "BadQuery":
        """The same fault, marked in the text that it was met in."""
        marked = self.length if length is None else length
        return BadQuery(self.message, self.hint, position, marked, suggestion=self.suggestion, text=text)


class NotAllowed(WhodidError):
    """Not signed in, or the role does not reach; the message names the role that would."""

    exit_code = 3
    code = "not_allowed"


class StoreUnreachable(WhodidError):
    """The store does not answer, is not whodid's, or has not been set up."""

    exit_code = 4
    code = "store_unreachable"


class StoreTooOld(StoreUnreachable):
    """The store's layout is older than this version needs, or was made by a version that was never released."""

    code = "store_too_old"


class Incomplete(WhodidError):
    """The work is done, but something was refused, missed or parked."""

    exit_code = 5
    code = "incomplete"


class StateError(WhodidError):
    """A state or store file is damaged, written by a newer version, or locked by another process."""

    code = "state"


class Undecodable(WhodidError):
    """One event cannot be read; `reason` is a short stable word for counting, the message the detail."""

    code = "undecodable"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
