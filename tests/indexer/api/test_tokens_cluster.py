"""A server over a cluster is open until the first token, and never again: whatever becomes of where tokens are kept."""

import json
import re
import time
from contextlib import closing
from pathlib import Path

from contract.access import problem
from support.asking import ask
from support.indexing import set_up
from support.opensearch.server import Server as OpenSearch
from support.outside import GRANTS
from support.running import free_port, wait_until, whodid
from support.serving import Server
from support.tokens import bearer, put_token
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import Client
from whodid_indexer.store.opensearch.state import STATE
from whodid_indexer.store.opensearch.state_tokens import AGE, ClusterRegister


def test_the_first_token_closes_a_server_that_runs_and_a_lost_index_of_state_opens_none(
    opensearch: OpenSearch, tmp_path: Path
) -> None:
    set_up(opensearch)
    with Server(tmp_path, opensearch.url) as server:
        assert server.get("/api/v1/count").status_code == 200
        assert "no tokens" in server.log.read_text()
        made = ask("token", "create", "--store", opensearch.url, "--role", "platform", "--format", "json")
        token = json.loads(made.text)
        wait_until(lambda: server.get("/api/v1/count").status_code == 401, "the server asks for tokens", AGE + 1)
        assert server.get("/api/v1/count", headers=bearer(token["token"])).status_code == 200
        assert token["token"] not in ask("token", "list", "--store", opensearch.url).text
        own = {"surface": "audit", "action": "whodid.token_create", "target": f"token:{token['id']}"}
        wait_until(
            lambda: server.get("/api/v1/count", own, headers=bearer(token["token"])).json() == {"count": 1},
            "its record",
        )
        opensearch.request("DELETE", f"/{STATE}")
        wait_until(lambda: server.get("/api/v1/count").status_code == 503, "nobody can tell", AGE + 1)
        answer = problem(server.get("/api/v1/count", headers=bearer(token["token"])))
        assert (answer["code"], "whodid setup" in answer["hint"]) == ("state", True)
        assert server.get("/healthz").status_code == 200
        set_up(opensearch)
        time.sleep(AGE)
        assert server.get("/api/v1/count").status_code == 503, "an empty one in its place says nothing either"
    refused = whodid("serve", "--store", opensearch.url, "--listen", f"127.0.0.1:{free_port()}", check=False)
    assert refused.returncode == 1
    assert "has lost them: nobody is let in" in refused.stderr
    again = ask("token", "create", "--store", opensearch.url, "--role", "auditor").text.strip()
    with Server(tmp_path, opensearch.url) as server:
        assert server.get("/api/v1/count").status_code == 401
        assert server.get("/api/v1/count", headers=bearer(again)).status_code == 200


def test_a_cluster_without_an_index_of_state_opens_no_server(opensearch: OpenSearch) -> None:
    set_up(opensearch)
    opensearch.request("DELETE", f"/{STATE}")
    refused = whodid("serve", "--store", opensearch.url, "--listen", "127.0.0.1:0", check=False)
    assert (refused.returncode, "run whodid setup" in refused.stderr) == (1, True)


def test_a_server_with_tokens_may_listen_elsewhere_and_one_without_may_not(
    opensearch: OpenSearch, tmp_path: Path
) -> None:
    set_up(opensearch)
    arguments = ("serve", "--store", opensearch.url, "--listen", "127.0.0.1:0", "--behind-proxy")
    refused = whodid(*arguments, check=False)
    assert (refused.returncode, "without tokens" in refused.stderr) == (2, True)
    with closing(Client(opensearch.url, Access())) as client:
        _, secret = put_token(ClusterRegister(client), GRANTS["platform"])
    with Server(tmp_path, opensearch.url, "--behind-proxy") as server:
        answer = server.get("/api/v1/count", headers=bearer(secret) | {"X-Forwarded-For": "203.0.113.7"})
        assert answer.status_code == 200
        assert re.search("max-age", answer.headers["strict-transport-security"])
