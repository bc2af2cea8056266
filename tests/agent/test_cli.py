"""The agent's command line as a person meets it: real processes, exit codes, one clear line for what is wrong."""

import json
import os
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.bulk_target import Fault, Item, Target
from support.running import Daemon, wait_until, whodid_agent
from whodid_agent.cli.main import cli
from whodid_schema.errors import ConfigError

LINE = '{"action": "user.update", "actor": {"type": "user", "id": "7"}, "timestamp": "2026-05-01T10:00:00Z"}\n'


def test_a_file_and_a_target_are_all_that_run_needs(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    log.write_text(LINE * 3 + "{broken\n")
    place = ["--state-dir", str(tmp_path / "state")]
    with Target() as target:
        done = whodid_agent("run", "--once", str(log), "--target", target.url, *place, check=False)
        assert done.returncode == 5
        assert "not everything is in the store: 1 in quarantine\n" in done.stderr
        assert len(target.stored) == 3
        assert whodid_agent("run", "--once", str(log), "--target", target.url, *place, check=False).returncode == 5
        assert len(target.stored) == 3
    totals = json.loads(whodid_agent("status", *place, "--format", "json").stdout)["totals"]
    assert (totals["decoded"], totals["indexed"], totals["quarantined"], totals["in_flight"]) == (4, 3, 1, 0)
    assert whodid_agent("status", *place).stdout.splitlines()[-1].split() == [
        "total",
        "4",
        "3",
        "0",
        "1",
        "0",
        "0",
        "0",
        "0",
    ]
    listed = whodid_agent("quarantine", "list", *place).stdout
    assert "offset" in listed
    assert "{broken" in whodid_agent("quarantine", "show", listed.split()[0], *place).stdout


def test_a_mended_store_takes_what_was_quarantined(tmp_path: Path) -> None:
    log, place = tmp_path / "audit.jsonl", ["--state-dir", str(tmp_path / "state")]
    log.write_text(LINE * 2)

    def poison(items: list[Item], number: int) -> Fault:
        return Fault(items=lambda item: (400, "mapper_parsing_exception"))

    with Target(poison) as target:
        assert whodid_agent("run", "--once", str(log), "--target", target.url, *place, check=False).returncode == 5
        target.script = lambda items, number: None
        done = whodid_agent("quarantine", "replay", "--all", "--target", target.url, *place)
        assert done.stdout.startswith("2 sent, 0 cannot be sent yet, 0 still")
        assert len(target.stored) == 2
        assert whodid_agent("run", "--once", str(log), "--target", target.url, *place).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "--once"], 2, "there is nothing to read"),
        (["run", "--once", "--timeout", "soon", "x"], 2, "60s"),
        (["run", "--once", "--timeout", "1s", "--target", "http://127.0.0.1:1", "x"], 4, "cannot be reached"),
        (["run", "--once", "--target", "nowhere", "x"], 2, "is not the URL of a whodid server or of OpenSearch"),
        (["status"], 1, "there is no state yet"),
        (["quarantine", "replay", "--all"], 1, "there is no state yet"),
    ],
)
def test_what_is_wrong_is_one_clear_line_and_an_exit_code(
    tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    done = whodid_agent(*arguments, "--state-dir", str(tmp_path / "state"), check=False)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_terminal_that_closes_ends_a_run_as_sigterm_does(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(LINE)
    with Target() as target:
        arguments = ["run", str(tmp_path / "a.jsonl"), "--target", target.url, "--state-dir", str(tmp_path / "state")]
        with Daemon("whodid-agent", arguments, tmp_path / "log") as agent:
            wait_until(lambda: len(target.stored) == 1, "the event in the store")
            os.kill(agent.pid, signal.SIGHUP)
            wait_until(lambda: not agent.running, "the end")
            assert agent.stop() == 0


def test_an_unknown_key_names_file_line_and_the_nearest_known_one(tmp_path: Path) -> None:
    config = tmp_path / "agent.yaml"
    config.write_text("target: http://127.0.0.1:1\ninputs:\n  - file: a.jsonl\n    workspce: acme\n")
    done = whodid_agent("check", "--config", str(config), check=False)
    assert done.returncode == 2
    assert f"{config}:4: " in done.stderr
    assert "'workspace'" in done.stderr


def test_check_says_what_to_mend(tmp_path: Path) -> None:
    folder, log = tmp_path / "folder", tmp_path / "a.jsonl"
    folder.mkdir()
    log.write_text(LINE)
    place = ["--state-dir", str(tmp_path / "state")]
    with Target() as target:
        assert whodid_agent("check", str(log), "--target", target.url, *place).stdout.count("ok  ") == 3
        done = whodid_agent("check", str(folder), "--target", target.url, *place, check=False)
        assert (done.returncode, f"{folder} is a directory" in done.stdout) == (1, True)
        target.meta = None
        done = whodid_agent("check", str(log), "--target", target.url, *place, check=False)
        assert (done.returncode, "run whodid setup" in done.stdout) == (4, True)
    assert not (tmp_path / "state").exists()


def test_check_finds_the_receiver_that_run_would_refuse(tmp_path: Path) -> None:
    config = tmp_path / "agent.yaml"
    with Target() as target:
        config.write_text(f"target: {target.url}\nstate_dir: {tmp_path}/state\ninputs:\n  - http: 0.0.0.0:8686\n")
        done = whodid_agent("check", "--config", str(config), check=False)
    assert (done.returncode, "FAIL http: without tokens 0.0.0.0:8686" in done.stdout) == (1, True)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("drop: [{name: noise, when: {action: 404}}]", "drop rule noise: action: 404 is no text"),
        ("drop: [read]", "drop: 'read' is no rule"),
        ("profiles: /no/such/folder", "profiles: /no/such/folder cannot be read: No such file or directory"),
        ("inputs: [{file: a.jsonl}, {file: a.jsonl}]", "the input file:a.jsonl is configured twice"),
        ("inputs: [{file: ''}]", "an input has either `file` or `http`"),
        ('inputs: [{file: "a\\0"}]', "no file has such a name"),
    ],
)
def test_check_refuses_the_settings_that_run_refuses(config: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_text(f"state_dir: {tmp_path}/state\n" + ("" if "inputs" in config else "inputs: [{file: x}]\n") + config)
    for command in (["check"], ["run", "--once"]):
        done = CliRunner().invoke(cli, [*command, "--config", str(path), "--target", "http://127.0.0.1:1"])
        assert isinstance(done.exception, ConfigError), done.exception
        assert words in done.exception.message


def test_a_file_whose_name_is_no_text_is_read_and_told_of(tmp_path: Path) -> None:
    log = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\n.jsonl")
    Path(log).write_text(LINE + "{broken\n")
    place = ["--state-dir", str(tmp_path / "state")]
    with Target() as target:
        for given in (log, f"{tmp_path}/*.jsonl"):
            assert whodid_agent("run", "--once", given, "--target", target.url, *place, check=False).returncode == 5
        assert len(target.stored) == 1
    for command in ("status", "quarantine list"):
        assert "/caf\\xe9" in whodid_agent(*command.split(), *place).stdout


def test_status_names_the_file_of_a_stream(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(LINE)
    place = ["--state-dir", str(tmp_path / "state")]
    with Target() as target:
        whodid_agent("run", "--once", str(tmp_path / "*.jsonl"), "--target", target.url, *place)
    assert f"\n{tmp_path}/a.jsonl " in whodid_agent("status", *place).stdout
