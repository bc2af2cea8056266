"""The pages' links lead somewhere; the operator's pages name commands, settings, metrics and rules that exist."""

import re
from pathlib import Path

import click
import pytest

from whodid_agent.cli.main import cli as agent
from whodid_agent.config import AgentSettings
from whodid_indexer.cli.main import cli as indexer
from whodid_indexer.config import IndexerSettings
from whodid_schema.redaction import LENIENT_MINIMUM, LENIENT_WORDS, STRICT_WORDS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
OPERATOR = [ROOT / "docs" / f"{name}.md" for name in ("operations", "retention", "capacity", "security")]


def prose(path: Path) -> str:
    """The page without what is quoted as code."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL))


def anchors(path: Path) -> set[str]:
    """What a heading is linked by: lower case, words and hyphens."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_of_a_page_leads_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_named_in_the_readme() -> None:
    linked = set(re.findall(r"\(docs/([\w-]+\.md)\)", (ROOT / "README.md").read_text()))
    assert {path.name for path in (ROOT / "docs").glob("*.md")} - linked == set()


@pytest.mark.parametrize("path", OPERATOR, ids=lambda path: path.name)
def test_every_command_on_an_operators_page_is_taken(path: Path) -> None:
    text = path.read_text()
    fenced = "\n".join(re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    lines = re.findall(r"^(whodid(?:-agent)? .*)$", fenced, re.MULTILINE)
    lines += re.findall(r"`(?:sudo -u \S+ )?(whodid(?:-agent)? [^`\n]*)`", text)
    assert lines
    for line in lines:
        program, *words = re.split(r"\s+#|&&|\|", line)[0].split()
        group: click.Command = {"whodid": indexer, "whodid-agent": agent}[program]
        while isinstance(group, click.Group) and words and re.fullmatch(r"[a-z][a-z-]*", words[0]):
            found = group.get_command(click.Context(group), words.pop(0))
            assert found is not None, line
            group = found
        known = {option for parameter in group.params for option in [*parameter.opts, *parameter.secondary_opts]}
        given = {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)}
        assert given <= known | {"--version", "--help"}, line


@pytest.mark.parametrize("path", OPERATOR, ids=lambda path: path.name)
def test_every_variable_on_an_operators_page_is_a_setting(path: Path) -> None:
    settings = {f"WHODID_{name.upper()}" for model in (AgentSettings, IndexerSettings) for name in model.model_fields}
    others = {"WHODID_AGENT_CONFIG", "WHODID_TOKEN", "WHODID_BOOKMARKS", "WHODID_FORWARD_STATE"}
    assert set(re.findall(r"\bWHODID_[A-Z_]+", path.read_text())) <= settings | others


@pytest.mark.parametrize("path", OPERATOR, ids=lambda path: path.name)
def test_every_metric_and_every_rule_on_an_operators_page_is_one(path: Path) -> None:
    metrics = (ROOT / "docs" / "metrics.md").read_text()
    rules = (ROOT / "config/prometheus/whodid.rules.yaml").read_text()
    text = path.read_text()
    assert [name for name in re.findall(r"`(whodid_(?:agent|server|forward)_\w+)`", text) if name not in metrics] == []
    assert [name for name in re.findall(r"`(Whodid[A-Z]\w+)`", text) if f"alert: {name}\n" not in rules] == []


def test_every_check_of_the_doctor_is_in_its_table_and_no_other() -> None:
    checks = {
        name
        for file in (ROOT / "indexer/whodid_indexer/doctor").glob("*.py")
        for name in re.findall(r'\("([a-z -]+)", self\.\w+\)', file.read_text())
    }
    table = (ROOT / "docs/operations.md").read_text().partition("## Doctor")[2].partition("## Upgrading")[0]
    listed = {name for row in re.findall(r"^\| ([a-z, -]+) \|", table, re.MULTILINE) for name in row.split(", ")}
    assert listed - {"check"} == checks


def test_the_page_on_security_names_the_words_that_are_masked() -> None:
    rows = re.findall(r"^  \| keys whose last word is ([^|]*)\| ([^|]*)\|", OPERATOR[-1].read_text(), re.MULTILINE)
    (strict, _), (lenient, what) = rows
    assert tuple(re.findall(r"`(\w+)`", strict.partition(", in any spelling")[0])) == STRICT_WORDS
    assert tuple(re.findall(r"`(\w+)`", lenient)) == LENIENT_WORDS
    assert LENIENT_MINIMUM == 6
    assert "six characters" in what
