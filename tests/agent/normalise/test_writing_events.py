"""What docs/writing-events.md promises to who writes events: its examples, and its Python, read as it says."""

import json
import re
import subprocess
import sys
from pathlib import Path

from support.running import whodid_agent

PAGE = (Path(__file__).parents[3] / "docs" / "writing-events.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def normalised(file: Path) -> list[dict[str, object]]:
    lines = whodid_agent("normalise", str(file)).stdout.splitlines()
    return [json.loads(line) for line in lines]


def test_each_example_is_the_own_form_and_becomes_the_sentence_that_stands_below(tmp_path: Path) -> None:
    events = "".join(blocks("json"))
    (tmp_path / "examples.jsonl").write_text(events, encoding="utf-8")
    records = normalised(tmp_path / "examples.jsonl")
    sentences = re.findall(r"^(?:becomes |- )\*([^*]+)\*", PAGE, re.MULTILINE)
    assert [record["description"] for record in records] == sentences
    for record in records:
        assert isinstance(ingest := record["ingest"], dict)
        assert (record["app"], ingest["profile"]) == ("shop", "whodid")


def test_the_python_of_the_page_writes_events_of_the_own_form(tmp_path: Path) -> None:
    (script,) = blocks("python")
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    (record,) = normalised(tmp_path / "audit.jsonl")
    assert record["description"] == "Jane Doe cancelled order A-17"
    assert record["time_precision"] == "us"


def test_every_key_of_the_table_is_one_that_the_own_form_reads() -> None:
    table = re.findall(r"^\| (`.+?`(?:, `.+?`)*) \|", PAGE, re.MULTILINE)
    keys = [key for cell in table for key in re.findall(r"`(\w+)`", cell)]
    profile = whodid_agent("profile", "show", "whodid").stdout
    assert len(keys) > 15
    assert [key for key in keys if not re.search(rf"\b{key}\b", profile)] == []
