"""`whodid serve` over a cluster with security, as a user of its own role: all it needs, and no record changed by it."""

import time
import urllib.error
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.indexing import index
from support.opensearch.secure import SecureNode, User
from support.records import item, records
from support.running import whodid
from support.serving import Server
from support.tokens import bearer, put_token
from whodid_indexer.access.roles import Grant
from whodid_indexer.retention.document import NOTHING
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import Client
from whodid_indexer.store.opensearch.setup import apply, make_plan
from whodid_indexer.store.opensearch.state_tokens import AGE, ClusterRegister

NOW = datetime.now(UTC)
ITEMS = [item(record) for record in records(6, 30, 1_795_000_000_000_000, 1_000)]


def admin(node: SecureNode) -> Client:
    folder = node.client
    return Client(
        node.url,
        Access(ca_file=folder / "ca.pem", certificate_file=folder / "admin.pem", key_file=folder / "admin.key"),
    )


@pytest.fixture
def store(secure: SecureNode) -> SecureNode:
    with closing(admin(secure)) as client:
        apply(client, make_plan(client, NOTHING, NOW), lambda: make_plan(client, NOTHING, NOW), lambda _step: None)
    assert set(index(secure, ITEMS)) == {201}
    return secure


def config(folder: Path, user: User, node: SecureNode) -> str:
    password = folder / f"{user.name}.password"
    password.write_text(user.password)
    file = folder / f"{user.name}.yaml"
    file.write_text(
        f"store: {node.url}\nstore_user: {user.name}\nstore_password_file: {password}\n"
        f"store_ca_file: {node.client / 'ca.pem'}\n"
    )
    return str(file)


def test_the_servers_role_answers_records_keeps_views_and_changes_no_record(store: SecureNode, tmp_path: Path) -> None:
    user = store.add_user("server", "whodid_server")
    with closing(admin(store)) as client:
        register = ClusterRegister(client)
        identifier, secret = put_token(register, Grant("platform"), "ops")
        with Server(tmp_path, store.url, "--config", config(tmp_path, user, store)) as server:
            shown = bearer(secret)
            assert server.get("/api/v1/count").status_code == 401
            assert server.get("/api/v1/count", headers=shown).json() == {"count": 30}
            for path in ("/api/v1/facets", "/api/v1/stats", "/api/v1/changes", "/readyz", "/api/v1/holds"):
                assert server.get(path, headers=shown).status_code == 200, path
            export = server.get("/api/v1/export.jsonl", headers=shown)
            assert (export.status_code, export.text.count("\n")) == (200, 30), export.text
            saved = server.client.put(f"{server.url}/api/v1/views/v", json={"texts": ["verb:delete"]}, headers=shown)
            assert saved.status_code == 201
            register.revoke(identifier, datetime.now(UTC))
            time.sleep(AGE)
            assert server.get("/api/v1/count", headers=shown).status_code == 401
        assert "Traceback" not in server.log.read_text()
    row = f"/{store.request('GET', '/_cat/indices/whodid-activity*?format=json')[0]['index']}"
    for method, path in (("DELETE", row), ("DELETE", f"{row}/_doc/{ITEMS[0].id}"), ("PUT", f"{row}/_doc/x")):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            user.request(method, path, {} if method == "PUT" else None)


def test_who_may_not_read_the_tokens_serves_nobody_and_is_told_the_role(store: SecureNode, tmp_path: Path) -> None:
    user = store.add_user("reader", "whodid_reader")
    refused = whodid("serve", "--config", config(tmp_path, user, store), "--listen", "127.0.0.1:0", check=False)
    assert refused.returncode == 4
    assert "whether there are tokens cannot be told" in refused.stderr
    assert "whodid_server" in refused.stderr
