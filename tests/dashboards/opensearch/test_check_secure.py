"""What the role for readers lets Dashboards ask, over TLS, on the older OpenSearch."""

import time

import pytest

from support.asking import ask
from support.indexing import index
from support.opensearch.secure import SecureNode
from support.records import item, records

DAY = 86_400_000_000


@pytest.mark.slow
def test_whoever_may_read_sees_every_panel_and_nobody_else_does(
    secure: SecureNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {
        "CA_FILE": str(secure.client / "ca.pem"),
        "CERTIFICATE_FILE": str(secure.client / "admin.pem"),
        "KEY_FILE": str(secure.client / "admin.key"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"WHODID_STORE_{name}", value)
    assert ask("setup", "--store", secure.url).code == 0
    now = time.time_ns() // 1000
    assert set(index(secure, [item(record) for record in records(4, 200, now - 6 * DAY, DAY // 40)])) == {201}
    for name in ("CERTIFICATE_FILE", "KEY_FILE"):
        monkeypatch.delenv(f"WHODID_STORE_{name}")
    for role, code in (("whodid_reader", 0), ("whodid_ingest", 3)):
        user = secure.add_user(role.replace("whodid", "dash"), role)
        monkeypatch.setenv("WHODID_STORE_USER", user.name)
        monkeypatch.setenv("WHODID_STORE_PASSWORD", user.password)
        said = ask("setup", "--dashboards-check", "--store", secure.url)
        assert said.code == code, said.err
        assert ("Top actors" in said.text) == (code == 0)
