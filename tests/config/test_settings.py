"""Settings: YAML under the environment under flags, and errors that say file, line and the nearest key."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict
from pydantic_settings import BaseSettings, SettingsConfigDict

from whodid_config.document import parse_yaml, read_yaml
from whodid_config.settings import load
from whodid_schema.errors import ConfigError


class Input(BaseModel):
    model_config = ConfigDict(extra="forbid")

    file: str
    workspace: str | None = None


class Sample(BaseSettings):
    model_config = SettingsConfigDict(extra="forbid", env_prefix="WHODID_")

    target: str = "http://127.0.0.1:8642"
    inputs: list[Input] = []


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "agent.yaml"
    path.write_text(text)
    return path


def refused(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(Sample, path)
    return caught.value.message


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WHODID_TARGET", raising=False)


def test_without_a_file_the_defaults_hold() -> None:
    assert load(Sample, None).target == "http://127.0.0.1:8642"


def test_an_empty_file_is_fine(tmp_path: Path) -> None:
    assert load(Sample, write(tmp_path, "")).inputs == []


def test_variables_win_over_the_file_and_flags_over_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "target: http://file\n")
    assert load(Sample, path).target == "http://file"
    monkeypatch.setenv("WHODID_TARGET", "http://variable")
    assert load(Sample, path).target == "http://variable"
    assert load(Sample, path, target="http://flag").target == "http://flag"
    assert load(Sample, path, target=None).target == "http://variable"


def test_a_list_in_a_variable_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHODID_INPUTS", '[{"file": "a"}]')
    assert load(Sample, None).inputs == [Input(file="a")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1", "WHODID_INPUTS: not JSON"),
        ("a b", "WHODID_INPUTS: not JSON"),
        ("7", "WHODID_INPUTS: Input should be a valid list"),
        ('[{"file": 1}]', "WHODID_INPUTS: 0: file: Input should be a valid string"),
        ('[{"fil": "a"}]', "WHODID_INPUTS: 0: fil: Extra inputs are not permitted"),
    ],
)
def test_a_fault_in_a_variable_names_the_variable_and_not_the_file(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHODID_INPUTS", text)
    assert any(line.startswith(said) for line in refused(write(tmp_path, "inputs: []\n")).split("\n"))


def test_an_unknown_key_is_named_with_its_line_and_the_nearest_known_one(tmp_path: Path) -> None:
    path = write(tmp_path, "# settings\ntraget: http://x\n")
    assert refused(path) == f"{path}:2: unknown key 'traget'; did you mean 'target'?"


def test_an_unknown_key_inside_a_list_is_found_too(tmp_path: Path) -> None:
    path = write(tmp_path, "inputs:\n  - file: a\n  - file: b\n    worspace: acme\n")
    assert refused(path) == f"{path}:4: unknown key 'inputs.1.worspace'; did you mean 'workspace'?"


def test_a_wrong_type_says_where(tmp_path: Path) -> None:
    path = write(tmp_path, "target: http://x\ninputs: 5\n")
    assert refused(path).startswith(f"{path}:2: inputs: ")


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    assert refused(write(tmp_path, "target: a\ntarget: b\n")).endswith(":2: not YAML: the key 'target' stands twice")


@pytest.mark.parametrize("text", ["a: [", "\t- x", "a: b: c", "!!python/object:os.system {}", "{[1]: 2}", "a: &x [*x]"])
def test_what_is_no_yaml_or_no_plain_yaml_is_a_clear_error(tmp_path: Path, text: str) -> None:
    assert str(tmp_path) in refused(write(tmp_path, text))


def test_settings_that_are_no_mapping_are_refused(tmp_path: Path) -> None:
    assert "must be `key: value` lines" in refused(write(tmp_path, "- a\n"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "no.yaml") == f"{tmp_path}/no.yaml: there is no such file"


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "agent.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(path)


def test_a_document_knows_the_line_of_every_key() -> None:
    document = parse_yaml("a: 1\nb:\n  - c: 2\n    d: 3\n", Path("x"))
    assert document.line_of(("a",)) == 1
    assert document.line_of(("b", 0, "d")) == 4
    assert document.line_of(("b", 0, "missing")) == 3
