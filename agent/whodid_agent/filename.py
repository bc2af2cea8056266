"""Names of files as text: what ids, the checkpoint, metrics and messages call a file whose name need not be text."""

import os


def told(path: str) -> str:
    """The path as text, the same in every locale; bytes that are no UTF-8 stand as escapes."""
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "backslashreplace")
