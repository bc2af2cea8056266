"""Work that is killed at each of its steps in turn: SIGKILL before the n-th thing that it does to a disk.

    with Crashing(SOURCE) as crashing:
        for step in crashing.steps(): …
            killed = crashing.run(step, argument, …)      False: it came to its end before that step

SOURCE defines `work(*arguments)`. A process of its own imports what it needs once, and forks for each run; steps are
syncs, renames, links, removals and truncations, writes (of which half is done), and the commits of SQLite.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

EACH_OR_SOME = pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.slow)])
"""Some of the steps in every run of the tests, each of them in the longer one."""

_STEPS = ("fsync", "fdatasync", "replace", "rename", "link", "unlink", "ftruncate")
_MOST = 400


class Crashing:
    """The process that forks, as a context manager."""

    def __init__(self, source: str) -> None:
        self._source = source

    def __enter__(self) -> Self:
        tests = Path(__file__).parents[1]
        path = os.pathsep.join([str(tests), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.crashing", self._source],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": path},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, step: int, *arguments: object) -> bool:
        """Whether it was killed at that step; an AssertionError where it failed by itself."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\t".join(map(str, (step, *arguments))) + "\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline().strip()
        assert said in ("killed", "done"), f"the work ended with {said} before step {step}"
        return said == "killed"

    def steps(self, stride: int = 1) -> Iterator[int]:
        """From the first on, each or one in so many; whoever asks stops when the work was done."""
        yield from range(1, _MOST, stride)
        raise AssertionError(f"it has more than {_MOST} steps")


class _Doom:
    """Counts the steps of this process, and ends it at one of them."""

    def __init__(self, number: int) -> None:
        self._left = number

    def due(self) -> bool:
        """Whether this step is the one."""
        self._left -= 1
        return self._left == 0

    def step(self) -> bool:
        """The next step; False, where anything comes of it."""
        if self.due():
            os.kill(os.getpid(), signal.SIGKILL)
        return False


def _doomed(number: int) -> None:
    """Let this process be killed at its step of this number."""
    import apsw  # noqa: PLC0415  not in the process of the tests

    doom, write = _Doom(number), os.write

    def before(real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given, **more: doom.step() or real(*given, **more)

    def half(file: int, data: Any) -> int:
        if doom.due():
            write(file, bytes(data)[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(file, data)

    for name in _STEPS:
        setattr(os, name, before(getattr(os, name)))
    os.write = half
    apsw.connection_hooks.append(lambda connection: connection.set_commit_hook(doom.step))


def _forks() -> None:
    """Read steps and arguments, and say what became of each."""
    names: dict[str, Any] = {}
    exec(sys.argv[1], names)  # noqa: S102  the test's own text
    for line in sys.stdin:
        step, *arguments = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            _doomed(int(step))
            try:
                names["work"](*arguments)
            except BaseException:  # noqa: BLE001  it is told, and the test fails
                sys.excepthook(*sys.exc_info())
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        said = {0: "done", -signal.SIGKILL: "killed"}.get(code, str(code))
        sys.stdout.write(said + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _forks()
