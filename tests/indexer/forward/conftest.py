"""The syslog daemons of the machine or of the cache; a certificate of our own for TLS."""

import pytest

from support.lacking import lacking
from support.syslogs import Certificates, find, make_certificates
from whodid_indexer.forward import consumer, patience


@pytest.fixture(params=["syslog-ng", "rsyslogd"])
def daemon(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> str:
    """The name of each daemon in turn."""
    name: str = request.param
    if find(name) is None:
        lacking(pytestconfig, name, "it is not here; `make system` unpacks it on Debian")
    return name


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made for this run."""
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of tests are short."""
    monkeypatch.setattr(patience, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(patience, "LONGEST_WAIT", 0.05)
    monkeypatch.setattr(consumer, "INTERVAL", 0.05)
