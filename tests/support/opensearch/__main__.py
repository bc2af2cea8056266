"""`make opensearch`: a node to play with, until Ctrl-C; its data goes with it.

With a command as arguments, that is run with `--store URL` instead, and the node ends with it.
"""

import signal
import subprocess
import sys
from contextlib import suppress

from support.opensearch.find import find
from support.opensearch.obtain import Unavailable


def main() -> int:
    """Start, print the URL, wait."""
    # make forwards nothing: Ctrl-C reaches the group, a terminated make only its children
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print("looking for an OpenSearch node, or starting one: up to a minute", file=sys.stderr, flush=True)  # noqa: T201 - its output
    try:
        with suppress(KeyboardInterrupt), find() as server:
            if sys.argv[1:]:
                return subprocess.run([*sys.argv[1:], "--store", server.url], check=False).returncode
            print(f"OpenSearch {server.version()} at {server.url} until Ctrl-C", flush=True)  # noqa: T201 - as above
            signal.pause()
    except Unavailable as error:
        print(error, file=sys.stderr)  # noqa: T201 - as above
        return 1
    return 0


sys.exit(main())
