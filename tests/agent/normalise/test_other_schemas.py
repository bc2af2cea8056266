"""`normalise --as`: the same events in the names of ECS and OCSF."""

import json
import subprocess
import sys

import pytest

EVENT = {"action": "user.login_failed", "actor": {"id": "42", "name": "Ana"}, "ip": "203.0.113.42", "token": "hunter22"}


def normalised(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from whodid_agent.cli.main import main; main()", "normalise", *arguments, "-"]
    return subprocess.run(command, input=json.dumps(EVENT), capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(("form", "version"), [("ecs", '"version":"8.17.0"'), ("ocsf", '"version":"1.5.0"')])
def test_an_event_is_printed_in_the_names_of_another_schema(form: str, version: str) -> None:
    done = normalised("--as", form, "--app", "shop")
    assert done.returncode == 0, done.stderr
    event = json.loads(done.stdout)
    assert version in done.stdout
    assert "hunter22" not in done.stdout
    if form == "ecs":
        assert event["event"]["action"] == "user.login_failed"
        assert event["source"]["ip"] == "203.0.113.42"
    else:
        assert (event["class_uid"], event["activity_id"], event["status_id"]) == (3002, 1, 2)
        assert event["src_endpoint"] == {"ip": "203.0.113.42"}


def test_another_schema_is_refused_by_name() -> None:
    done = normalised("--as", "stix")
    assert done.returncode == 2
    assert "'stix' is not one of 'ecs', 'ocsf'" in done.stderr
