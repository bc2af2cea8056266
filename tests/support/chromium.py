"""Which browser the tests drive: WHODID_TEST_CHROMIUM, else Chromium or Chrome on PATH. Nothing is ever downloaded.

Run as a program it prints the path, or ends with 1 where there is none.
"""

import os
import shutil
import sys

VARIABLE = "WHODID_TEST_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-default-browser-check",
    "--no-first-run",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
)
"""A browser for one page at a time on a machine without screen: as root, without calling home, the same everywhere."""


def find() -> str | None:
    """The path of the browser, None where there is none."""
    named = os.environ.get(VARIABLE)
    return named or next(filter(None, map(shutil.which, NAMES)), None)


if __name__ == "__main__":
    path = find()
    if path is None:
        sys.exit(1)
    print(path)  # noqa: T201 - its output
