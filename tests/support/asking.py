"""`whodid` run inside this process: its output, what it said beside it, and how it ended."""

import contextlib
import io
import sys
from typing import NamedTuple
from unittest import mock

from whodid_config.commandline import run
from whodid_indexer.cli.main import cli


class Answer(NamedTuple):
    """`out` and `err` as bytes and text, `code` the exit code."""

    out: bytes
    err: str
    code: int

    @property
    def text(self) -> str:
        """The output as text."""
        return self.out.decode()


def ask(*arguments: str) -> Answer:
    """Run the command line with its real exit codes; stdout is no terminal."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8", newline=""), io.StringIO()
    code = 0
    with (
        mock.patch.object(sys, "argv", ["whodid", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            run(cli, "whodid")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        out.flush()
    written = out.buffer
    assert isinstance(written, io.BytesIO)
    return Answer(written.getvalue(), err.getvalue(), code)
