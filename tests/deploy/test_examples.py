"""The example configurations are read as they are, hold every key, and each of their examples works."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from pydantic_settings import BaseSettings

from support.asking import ask
from whodid_agent.config import AgentSettings
from whodid_config.settings import load, model_in
from whodid_indexer.config import IndexerSettings

EXAMPLES = Path(__file__).parents[2] / "config" / "examples"
BOTH = [("agent.yaml", AgentSettings), ("whodid.yaml", IndexerSettings)]


@pytest.fixture(autouse=True)
def _nothing_of_ours_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("WHODID_")]:
        monkeypatch.delenv(name)


def switched_on(text: str) -> str:
    """The file with every key that is off."""
    return re.sub(r"^( *)#(?=[^ \n])", r"\1", text, flags=re.MULTILINE)


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key of the settings, as `inputs.senders.name`; those of a mapping's values too."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        yield key
        inner = model_in(field.annotation)
        if inner is not None:
            yield from keys_of(inner, f"{key}.")


def keys_in(value: Any, known: set[str], prefix: str = "") -> Iterator[str]:
    """The keys of a document; names that the writer chose (groups, classes) are left out."""
    if isinstance(value, list):
        for one in value:
            yield from keys_in(one, known, prefix)
    elif isinstance(value, dict):
        for name, inner in value.items():
            key = f"{prefix}{name}"
            if key in known:
                yield key
                yield from keys_in(inner, known, f"{key}.")
            elif isinstance(inner, dict):
                yield from keys_in(inner, known, prefix)


@pytest.mark.parametrize(("name", "model"), BOTH)
def test_an_example_is_read_as_it_is(name: str, model: type[BaseSettings]) -> None:
    load(model, EXAMPLES / name)


@pytest.mark.parametrize(("name", "model"), BOTH)
def test_an_example_holds_every_key_and_all_of_them_are_read_at_once(
    name: str, model: type[BaseSettings], tmp_path: Path
) -> None:
    whole = tmp_path / name
    whole.write_text(switched_on((EXAMPLES / name).read_text()))
    load(model, whole)
    known = set(keys_of(model))
    assert set(keys_in(yaml.safe_load(whole.read_text()), known)) == known


def test_without_a_key_switched_on_the_example_is_what_holds_without_a_file() -> None:
    given = yaml.safe_load((EXAMPLES / "whodid.yaml").read_text())
    default = IndexerSettings()
    assert given == {"store": "sqlite:///var/lib/whodid/audit.db", "listen": default.listen}
    assert load(AgentSettings, EXAMPLES / "agent.yaml").target == AgentSettings().target


def test_the_command_reads_the_example(tmp_path: Path) -> None:
    answer = ask(
        "retention", "plan", "--config", str(EXAMPLES / "whodid.yaml"), "--store", f"sqlite://{tmp_path}/no.db"
    )
    assert answer.code == 4, answer.err
    assert "no.db" in answer.err
