"""How long something takes beside something else: never in seconds, which say what the machine is doing."""

import time
from collections.abc import Callable


def least(run: Callable[[], object], rounds: int = 5) -> float:
    """The least CPU seconds of some rounds."""

    def took() -> float:
        begun = time.process_time()
        run()
        return time.process_time() - begun

    return min(took() for _ in range(rounds))
