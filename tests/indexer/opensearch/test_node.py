"""The node that the other tests stand on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.opensearch.find import find
from support.opensearch.node import Node
from support.opensearch.obtain import Unavailable
from support.opensearch.server import Server

TESTS = Path(__file__).parents[2]


def test_a_node_is_there_and_starts_empty(opensearch: Server) -> None:
    assert opensearch.healthy()
    assert opensearch.request("GET", "/_cat/indices/whodid*?format=json") == []


def test_what_a_test_left_is_gone_for_the_next(opensearch: Server) -> None:
    opensearch.request("PUT", "/whodid-activity-2026-11/_doc/1?refresh=true", {"a": 1})
    opensearch.request("PUT", "/_index_template/whodid", {"index_patterns": ["whodid-*"]})

    opensearch.clean()

    assert opensearch.request("GET", "/_cat/indices/whodid*?format=json") == []
    assert opensearch.request("GET", "/_index_template") == {"index_templates": []}


def test_a_given_server_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHODID_TEST_OPENSEARCH", "http://127.0.0.1:1")
    with pytest.raises(Unavailable, match=r"WHODID_TEST_OPENSEARCH=http://127\.0\.0\.1:1 does not answer"):
        find()


@pytest.mark.parametrize(
    ("environment", "code", "said"),
    [
        ({}, 0, "NOT TESTED: whodid with OpenSearch. WHODID_TEST_OPENSEARCH=http://127.0.0.1:1 does not answer"),
        ({"CI": "true"}, 1, "CI must have OpenSearch: WHODID_TEST_OPENSEARCH=http://127.0.0.1:1"),
    ],
)
def test_without_any_tests_are_skipped_aloud_but_fail_in_ci(environment: dict[str, str], code: int, said: str) -> None:
    bare = {key: value for key, value in os.environ.items() if key != "CI"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", f"{__file__}::test_a_node_is_there_and_starts_empty"],
        cwd=TESTS.parent,
        env={**bare, **environment, "WHODID_TEST_OPENSEARCH": "http://127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, said in done.stdout) == (code, True), done.stdout


def test_a_given_server_with_records_is_refused(opensearch: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    opensearch.request("PUT", "/whodid-activity-2026-11", {})
    monkeypatch.setenv("WHODID_TEST_OPENSEARCH", opensearch.url)
    with pytest.raises(Unavailable, match="holds whodid-activity-2026-11"):
        find()


@pytest.mark.slow
def test_a_killed_node_comes_back_with_its_data() -> None:
    with Node() as node:
        node.request("PUT", "/kept/_doc/1?refresh=true", {"a": 1})
        node.kill()
        node.start()
        assert node.request("GET", "/kept/_doc/1")["_source"] == {"a": 1}


def test_without_maven_one_line_says_so(tmp_path: Path) -> None:
    """Nothing cached, nothing on PATH."""
    (tmp_path / "home").mkdir()
    code = "import os; os.geteuid = lambda: 1000; from support.opensearch.obtain import distribution; distribution()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=TESTS,
        env={"PATH": str(tmp_path), "HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Unavailable: Maven (mvn) is not installed" in done.stderr.splitlines()[-1]
