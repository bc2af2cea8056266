"""Which agent.yaml is read where nobody names one."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from whodid_agent.cli import common
from whodid_agent.cli.main import cli
from whodid_schema.errors import StateError, UsageError


@pytest.fixture
def default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default configuration file, which names a state directory of its own."""
    path = tmp_path / "agent.yaml"
    path.write_text(f"state_dir: {tmp_path}/default\n")
    monkeypatch.setattr(common, "CONFIG_FILE", path)
    monkeypatch.delenv("WHODID_AGENT_CONFIG", raising=False)
    monkeypatch.delenv("WHODID_STATE_DIR", raising=False)
    return path


def place_of(*arguments: str) -> str:
    """The state directory that `status` looks into, by its complaint that nothing is there."""
    done = CliRunner().invoke(cli, ["status", *arguments])
    assert isinstance(done.exception, StateError)
    return done.exception.message.partition(":")[0]


def test_flag_variable_default_place_is_the_order(
    default: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place_of() == f"{tmp_path}/default"
    for name in ("variable", "flag"):
        (tmp_path / f"{name}.yaml").write_text(f"state_dir: {tmp_path}/{name}\n")
    monkeypatch.setenv("WHODID_AGENT_CONFIG", str(tmp_path / "variable.yaml"))
    assert place_of() == f"{tmp_path}/variable"
    assert place_of("--config", str(tmp_path / "flag.yaml")) == f"{tmp_path}/flag"
    assert default.exists()


def test_a_run_of_named_files_or_addresses_goes_by_the_command_line_alone(default: Path, tmp_path: Path) -> None:
    assert common.settings_of(None, ()).state_dir == tmp_path / "default"
    assert common.settings_of(None, ("audit.jsonl",)).state_dir is None
    assert common.settings_of(default, ("audit.jsonl",)).state_dir == tmp_path / "default"


def test_without_inputs_run_says_where_they_may_be_named(default: Path) -> None:
    done = CliRunner().invoke(cli, ["run", "--once"])
    assert isinstance(done.exception, UsageError)
    assert str(default) in done.exception.hint


def test_a_machine_without_the_file_needs_none(default: Path) -> None:
    default.unlink()
    assert common.settings_of(None).inputs == []
