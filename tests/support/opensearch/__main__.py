"""`make opensearch`: a node to play with, until Ctrl-C; its data goes with it."""

import signal
import sys
from contextlib import suppress

from support.opensearch.find import find
from support.opensearch.obtain import Unavailable


def main() -> int:
    """Start, print the URL, wait."""
    # make forwards nothing: Ctrl-C reaches the group, a terminated make only its children
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt), find() as server:
            print(f"OpenSearch {server.version()} at {server.url} until Ctrl-C", flush=True)  # noqa: T201 - its output
            signal.pause()
    except Unavailable as error:
        print(error, file=sys.stderr)  # noqa: T201 - as above
        return 1
    return 0


sys.exit(main())
