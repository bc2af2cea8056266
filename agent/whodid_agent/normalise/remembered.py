"""What is said of texts that come again and again, remembered: bounded, since the texts are the sender's."""

from collections.abc import Callable
from typing import Any

_MOST = 512
_LONGEST = 128


class Remembered(dict[str, Any]):
    """`remembered[text]` is what `ask(text)` says, in the time of a look into a dict where it was asked lately."""

    def __init__(self, ask: Callable[[str], Any]) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, text: str) -> Any:
        answer = self._ask(text)
        if len(text) <= _LONGEST:
            if len(self) >= _MOST:
                self.clear()
            self[text] = answer
        return answer
