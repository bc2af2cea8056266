"""What the roles for readers let Dashboards ask, over TLS, on the older OpenSearch."""

import re
import time

import pytest

from support.asking import Answer, ask
from support.indexing import index
from support.opensearch.secure import SecureNode, User
from support.records import item, records

DAY = 86_400_000_000


@pytest.mark.slow
def test_whoever_may_read_sees_in_every_panel_what_is_theirs(
    secure: SecureNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHODID_STORE_CA_FILE", str(secure.client / "ca.pem"))
    with monkeypatch.context() as admin:
        admin.setenv("WHODID_STORE_CERTIFICATE_FILE", str(secure.client / "admin.pem"))
        admin.setenv("WHODID_STORE_KEY_FILE", str(secure.client / "admin.key"))
        assert ask("setup", "--store", secure.url).code == 0
    now = time.time_ns() // 1000
    stored = list(records(4, 200, now - 6 * DAY, DAY // 40))
    assert set(index(secure, [item(record) for record in stored])) == {201}

    def checked(user: User) -> Answer:
        monkeypatch.setenv("WHODID_STORE_USER", user.name)
        monkeypatch.setenv("WHODID_STORE_PASSWORD", user.password)
        return ask("setup", "--dashboards-check", "--store", secure.url)

    everything = checked(secure.add_user("dash_reader", "whodid_reader"))
    assert everything.code == 0, everything.err
    assert events(everything) == len(stored)
    own = checked(secure.add_user("dash_bound", "whodid_workspace_reader", workspace="ws-1"))
    assert own.code == 0, own.err
    theirs = [one for one in stored if one.workspace is not None and one.workspace.id == "ws-1"]
    assert 0 < events(own) == len(theirs)
    assert events(own, "Against the period before") == len(theirs)
    refused = checked(secure.add_user("dash_agent", "whodid_ingest"))
    assert (refused.code, refused.text) == (3, "")


def events(said: Answer, panel: str = "All events") -> int:
    """What the table says that a panel of the first dashboard goes by."""
    found = re.search(rf"^Audit overview +{panel} +([\d,]+)", said.text, re.MULTILINE)
    assert found is not None, said.text
    return int(found[1].replace(",", ""))
