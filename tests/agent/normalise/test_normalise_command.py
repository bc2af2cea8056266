"""`whodid-agent normalise` and `whodid-agent profile`, as a person runs them."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

BODY = {
    "events": [
        {
            "event": "activity_log.user.updated",
            "description": "updated the user profile",
            "actor": {"id": 783, "type": "user", "name": "Jane Doe"},
            "resource": {"id": "783", "type": "user", "name": "Jane Doe"},
            "changes": {"name": {"to": "[FILTERED]", "from": "[FILTERED]"}},
            "timestamp": 1733739084,
        }
    ]
}


def agent(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", "from whodid_agent.cli.main import main; main()", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=60)


def test_one_record_per_event_in_input_order_and_what_cannot_be_read_on_stderr(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_text(f"{json.dumps(BODY)}\n\nnot json\n[{{}}, 5]\n" + '{"action":"x.create","password":"hunter22"}\n')
    done = agent("normalise", file)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["ingest"]["profile"] for record in records] == ["mailtrap", "generic", "generic"]
    assert records[0]["description"] == "Jane Doe updated the user profile"
    assert records[0]["ingest"]["source"].endswith(f":{file}")
    assert done.returncode == 5
    said = done.stderr.decode()
    assert f"{file}:3: not_json: " in said
    assert f"{file}:4: not_an_object: " in said
    assert b"hunter22" not in done.stdout + done.stderr


def test_positions_and_ids_are_those_of_the_file_input(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_text('{"action":"a.create","timestamp":1733739084}\r\n{"action":"b.create","timestamp":1733739084}\n')
    first, second = (json.loads(line) for line in agent("normalise", file).stdout.splitlines())
    assert (first["ingest"]["offset"], second["ingest"]["offset"]) == (0, 46)
    assert first["ingest"]["generation"] == second["ingest"]["generation"]
    again = [json.loads(line)["id"] for line in agent("normalise", file).stdout.splitlines()]
    assert again == [first["id"], second["id"]]


def test_pretty_printed_json_compressed_files_and_standard_input_are_read(tmp_path: Path) -> None:
    pretty = json.dumps(BODY, indent=2).encode() + b"\n" + b'{"action":"x.create"}\n'
    (tmp_path / "a.json").write_bytes(pretty)
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(pretty))
    (tmp_path / "a.json.zst").write_bytes(zstandard.compress(pretty))
    for argument, stdin in (
        (tmp_path / "a.json", b""),
        (tmp_path / "a.json.gz", b""),
        (tmp_path / "a.json.zst", b""),
        ("-", pretty),
    ):
        done = agent("normalize", argument, stdin=stdin)
        assert done.returncode == 0, done.stderr
        verbs = [json.loads(line)["verb"] for line in done.stdout.splitlines()]
        assert verbs == ["update", "create"]


def test_a_body_that_never_ends_is_refused_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    file.write_text('{\n  "a": 1,\n')
    done = agent("normalise", file)
    assert done.returncode == 5
    assert f"{file}:1: truncated" in done.stderr.decode()


def test_explain_says_where_each_field_comes_from(tmp_path: Path) -> None:
    done = agent("normalise", "--explain", "-", stdin=json.dumps(BODY).encode() + b'\n{"user":"jane","foo":1}')
    said = done.stdout.decode()
    assert "profile mailtrap" in said
    assert any(line.split()[:2] == ["actor.id", "783"] and "actor.id" in line.split("←")[1] for line in lines_of(said))
    assert any("jane" in line and "user (confidence 0.75)" in line for line in lines_of(said))
    assert "kept in metadata: foo" in said


def test_explain_says_that_a_time_without_zone_was_read_as_utc() -> None:
    event = b'{"action":"a.create","actor":{"id":1},"timestamp":"2026-04-30 14:22:11"}'
    said = agent("normalise", "--explain", "-", stdin=event).stdout.decode()
    assert "timestamp (no zone: read as UTC)" in said


def test_explain_goes_by_what_the_profile_says_of_the_action(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(
        "profile: shop\nrecognise: {has: [act, who, boss]}\naction: act\nactor: {id: who}\n"
        "actions: {fire*: {verb: delete, actor: {id: boss}}}\n"
    )
    event = b'{"act":"fired","who":"Ann","boss":"Eve"}'
    said = agent("normalise", "--profiles", tmp_path, "--explain", "-", stdin=event).stdout.decode()
    assert any(line.split() == ["actor.id", "Eve", "←", "boss"] for line in lines_of(said))
    assert any(line.split() == ["verb", "delete", "←", "the", "profile"] for line in lines_of(said))


def lines_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if "←" in line]


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_a_clear_error(name: str, tmp_path: Path) -> None:
    done = agent("normalise", tmp_path / name)
    assert done.returncode == 2
    assert b"cannot be read" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_wrong_profile_is_answered_by_the_nearest(tmp_path: Path) -> None:
    done = agent("normalise", "--profile", "mailtrp", "-", stdin=b"{}")
    assert done.returncode == 2
    assert b"did you mean 'mailtrap'" in done.stderr


def test_profiles_are_listed_shown_and_tested(tmp_path: Path) -> None:
    listed = agent("profile", "list").stdout.decode()
    assert {"whodid", "mailtrap", "mailer", "inbox", "campaigns", "generic"} <= {
        line.split()[0] for line in listed.splitlines()
    }
    shown = agent("profile", "show", "mailer")
    mine = tmp_path / "mine.yaml"
    mine.write_bytes(shown.stdout)
    assert agent("profile", "test", mine).returncode == 0
    mine.write_bytes(shown.stdout.replace(b"verb: rotate", b"verb: view"))
    failed = agent("profile", "test", mine)
    assert failed.returncode == 1
    assert f"{mine}:".encode() in failed.stderr
    assert b'verb: expected "view", is "rotate"' in failed.stderr
