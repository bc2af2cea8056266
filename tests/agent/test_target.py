"""What the target is, found out by asking it; and how long to wait between two tries."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.bulk_target import META, Target
from whodid_agent.target import bounded
from whodid_agent.target.answer import Refused, Unanswered
from whodid_agent.target.client import Client
from whodid_agent.target.periods import Periods
from whodid_agent.target.probe import State, probe
from whodid_agent.target.retry import Backoff, retry_after
from whodid_schema.bulk import Outcome
from whodid_schema.errors import ConfigError

OPENSEARCH = {"version": {"distribution": "opensearch", "number": "3.4.0"}}


@pytest.mark.parametrize(
    ("root", "meta", "state", "word"),
    [
        ({"product": "whodid"}, META, State.READY, "ready"),
        (OPENSEARCH, META, State.READY, "ready"),
        (OPENSEARCH, None, State.UNPREPARED, "no template"),
        (OPENSEARCH, {"someone": "else"}, State.UNPREPARED, "without whodid's _meta"),
        ({"product": "whodid"}, {**META, "schema": 0}, State.OLDER, "this agent writes"),
        ({"version": {"distribution": "opensearch", "number": "2.4.1"}}, META, State.FOREIGN, "is OpenSearch 2.4.1"),
        ({"version": {"number": "8.1.0"}}, META, State.FOREIGN, "is Elasticsearch 8.1.0"),
        ({"hello": 1}, META, State.FOREIGN, "is not OpenSearch"),
        (b"<!doctype html><h1>It works!</h1>", META, State.FOREIGN, "a web page?"),
    ],
)
def test_the_target_says_what_it_is(root: object, meta: dict[str, object] | None, state: State, word: str) -> None:
    with Target() as target, Client(target.url) as client:
        target.root, target.meta = root, meta
        standing = probe(client)
    assert standing.state is state
    assert word in standing.detail
    assert standing.hint or state is State.READY


def test_rights_are_asked_for_where_they_are_missing() -> None:
    with Target() as target, Client(target.url) as client:
        target.root_status = 401
        assert probe(client).state is State.DENIED


def test_a_target_that_is_not_there_is_unreachable() -> None:
    with Client("http://127.0.0.1:1") as client:
        standing = probe(client)
    assert standing.state is State.UNREACHABLE
    assert "127.0.0.1:1 cannot be reached" in standing.detail


@pytest.mark.parametrize(
    ("part", "bounds", "said"),
    [
        (b" " * 65536, {"MOST": 1 << 20}, "cannot be reached: an answer of more than 1 MB"),
        (b" ", {"LONGEST": 0.2}, "does not answer in time"),
    ],
)
def test_an_answer_without_end_holds_nobody_up_and_fills_no_memory(
    part: bytes, bounds: dict[str, float], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in bounds.items():
        monkeypatch.setattr(bounded, name, value)

    class Endless(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(part)
                    time.sleep(0.01)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's signature
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with Client(f"http://127.0.0.1:{server.server_port}") as client:
            standing = probe(client)
        server.shutdown()
        thread.join()
    assert (standing.state, said in standing.detail) == (State.UNREACHABLE, True), standing.detail


def test_a_password_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError, match="holds credentials") as caught:
        Client("http://user:hunter2@127.0.0.1:1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8642", "ftp://x", "http://", "http://[::1", "sqlite:///a.db"])
def test_an_address_that_is_none_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Client(url)
    assert "http://127.0.0.1:8642" in caught.value.hint


def test_waits_double_with_jitter_up_to_a_limit_and_honour_the_stores_wish() -> None:
    least, most = Backoff(1, 8, chance=lambda: 0.0), Backoff(1, 8, chance=lambda: 1.0)
    assert [least.next() for _ in range(5)] == [0.5, 1, 2, 4, 4]
    assert [most.next() for _ in range(5)] == [1, 2, 4, 8, 8]
    assert most.next(at_least=20) == 20
    assert most.next(at_least=1e9) == 600
    most.reset()
    assert most.next() == 1


@pytest.mark.parametrize(
    ("header", "seconds"), [(None, 0), ("3", 3), ("0.5", 0.5), ("-1", 0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0)]
)
def test_retry_after_is_read_in_seconds(header: str | None, seconds: float) -> None:
    assert retry_after(header) == seconds


INDEX = "whodid-activity-2026-05"
MAY = 1_777_593_600_000


def error(kind: str) -> dict[str, object]:
    return {"error": {"type": kind, "reason": "as the test says"}}


def test_a_periods_index_is_made_once_and_dated_from_its_start() -> None:
    with Target() as target, Client(target.url) as client:
        target.root = OPENSEARCH
        periods = Periods(client)
        for _ in range(2):
            assert periods.prepare([INDEX, INDEX]) == {}
    assert target.made == [(f"/{INDEX}", {"settings": {"index.creation_date": MAY}})]


def test_an_older_cluster_is_not_asked_to_date_it_which_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with Target() as target, Client(target.url) as client:
        target.root = {"version": {"distribution": "opensearch", "number": "2.19.1"}}
        Periods(client).prepare([INDEX, "whodid-activity-2026-06"])
    assert [body for _, body in target.made] == [{"settings": {}}] * 2
    assert caplog.text.count("is older than 3.4") == 1


def test_a_whodid_server_makes_its_own() -> None:
    with Target() as target, Client(target.url) as client:
        assert Periods(client).prepare([INDEX, "whodid-activity"]) == {}
    assert target.made == []


def test_another_agent_may_have_made_it() -> None:
    with Target() as target, Client(target.url) as client:
        target.root, target.make = OPENSEARCH, (400, error("resource_already_exists_exception"))
        periods = Periods(client)
        assert periods.prepare([INDEX]) == periods.prepare([INDEX]) == {}
    assert len(target.made) == 1


def test_what_bars_an_index_bars_its_events_and_is_asked_again() -> None:
    with Target() as target, Client(target.url) as client:
        target.root, target.make = OPENSEARCH, (400, error("validation_exception"))
        periods = Periods(client)
        assert periods.prepare([INDEX])[INDEX].outcome is Outcome.BLOCKED
        target.make = (200, {})
        assert periods.prepare([INDEX]) == {}


def test_a_missing_right_to_make_it_is_said_and_left_to_the_bulk_request(caplog: pytest.LogCaptureFixture) -> None:
    with Target() as target, Client(target.url) as client:
        target.root, target.make = OPENSEARCH, (403, error("security_exception"))
        periods = Periods(client)
        assert periods.prepare([INDEX]) == periods.prepare([INDEX]) == {}
    assert caplog.text.count("could not be made before its first record: 403 security_exception") == 1


def test_an_overloaded_cluster_is_asked_again_and_one_without_template_never_guesses() -> None:
    with Target() as target, Client(target.url) as client:
        target.root, target.make = OPENSEARCH, (503, error("process_cluster_event_timeout_exception"))
        with pytest.raises(Unanswered):
            Periods(client).prepare([INDEX])
        target.meta = None
        with pytest.raises(Refused, match="has lost its template"):
            Periods(client).prepare([INDEX])
    assert len(target.made) == 1
