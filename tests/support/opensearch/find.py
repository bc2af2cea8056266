"""Which OpenSearch the tests use: WHODID_TEST_OPENSEARCH (a URL), else a container, else Maven and a JDK."""

import os

from support.opensearch.container import Container, docker_answers
from support.opensearch.node import Node
from support.opensearch.obtain import Unavailable
from support.opensearch.server import Server

VARIABLE = "WHODID_TEST_OPENSEARCH"


def find() -> Server:
    """The server, not yet entered. Raises Unavailable, saying in one line what is missing."""
    url = os.environ.get(VARIABLE)
    if url:
        return _given(Server(url.rstrip("/")))
    return Container() if docker_answers() else Node()


def _given(server: Server) -> Server:
    """Refuses a store in use: tests delete what is whodid's."""
    if not server.healthy():
        raise Unavailable(f"{VARIABLE}={server.url} does not answer, or not as a healthy OpenSearch")
    used = server.request("GET", "/_cat/indices/whodid*?format=json&h=index")
    if used:
        raise Unavailable(
            f"{VARIABLE}={server.url} holds {used[0]['index']}: tests would delete it; name an empty OpenSearch"
        )
    return server
