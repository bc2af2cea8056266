"""What the whole suite shares: the OpenSearch of the run, started when the first test asks for it.

Where there is none, its tests fail in CI and are skipped elsewhere, which the end of the run says aloud.
"""

import re
import signal
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest
from xdist.scheduler import LoadFileScheduling

from support.lacking import lacking, notes_of
from support.opensearch.find import find
from support.opensearch.obtain import Unavailable
from support.opensearch.secure import SecureNode
from support.opensearch.server import Server

# A suite in the background ignores Ctrl-C, one under nohup that its terminal closes, and so would every
# command that its tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)  # the suite itself stays

AnyServer = TypeVar("AnyServer", bound=Server)


@pytest.fixture(scope="session")
def opensearch_node(pytestconfig: pytest.Config) -> Iterator[Server]:
    """The run's one OpenSearch without security. Tests that write to it take `opensearch`, which is empty."""
    yield from _running(pytestconfig, find, "")


@pytest.fixture(scope="session")
def secure_node(pytestconfig: pytest.Config) -> Iterator[SecureNode]:
    """The run's one OpenSearch with TLS and the security plugin, where whodid-delivery-* can only be added to."""
    settings = {"plugins.security.compliance.immutable_indices": '["whodid-delivery-*"]'}
    yield from _running(pytestconfig, lambda: SecureNode(settings), " with security")


def _running(pytestconfig: pytest.Config, make: Callable[[], AnyServer], kind: str) -> Iterator[AnyServer]:
    """What `make` gives, started and named at the end of the run, ended afterwards; its absence is loud."""
    began = time.monotonic()
    try:
        server = make()
        server.__enter__()
    except Unavailable as error:
        lacking(pytestconfig, "OpenSearch", str(error))
    way = type(server).__name__.lower() if not kind else "node"
    notes_of(pytestconfig).append(f"OpenSearch {server.version()}{kind} ({way}, {time.monotonic() - began:.1f} s)")
    try:
        yield server
    finally:
        server.__exit__()


@pytest.fixture
def secure(secure_node: SecureNode) -> SecureNode:
    """That, without anything of whodid's in it."""
    secure_node.clean()
    return secure_node


@pytest.fixture
def opensearch(opensearch_node: Server) -> Server:
    """The run's OpenSearch without anything of whodid's in it."""
    opensearch_node.clean()
    return opensearch_node


class Sharing(LoadFileScheduling):  # type: ignore[misc]  # it has no types
    """A file at a time for each process, and all files that need an OpenSearch for one: it starts nodes once."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "opensearch" if _needs_a_node(self.config.rootpath / file) else file


@cache
def _needs_a_node(file: Path) -> bool:
    """Told by the text: the process that shares out knows names of tests and nothing of their fixtures."""
    return re.search(r"\b(opensearch|secure)(_node)?: |getfixturevalue\(.opensearch", file.read_text()) is not None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    return Sharing(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """What there is to say is said by the process that began the others."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["notes"] = notes_of(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    notes_of(node.config).extend(getattr(node, "workeroutput", {}).get("notes", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for note in notes_of(config):
        terminalreporter.write_line(note, yellow=note.startswith("NOT"), bold=note.startswith("NOT"))
