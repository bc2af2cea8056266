"""The files for a daily export say what the command takes, and what the page on exporting says is so."""

import re
import shlex
from pathlib import Path

import pytest

from support.asking import ask
from whodid_indexer.export.sheet import guard

ROOT = Path(__file__).parents[3]
SERVICE = (ROOT / "config/systemd/whodid-export.service").read_text()
CRON = (ROOT / "config/cron/whodid-export").read_text()
PAGE = (ROOT / "docs/export.md").read_text()


@pytest.mark.parametrize("text", [SERVICE.replace("%%", "%"), CRON.replace("\\%", "%")])
def test_the_command_in_each_file_is_one_that_whodid_takes(text: str, tmp_path: Path) -> None:
    found = re.search(r"whodid (export [^\n']*)", text)
    assert found is not None
    arguments = shlex.split(re.sub(r"\$\(date[^)]*\)", "now", found[1]))
    place = arguments.index("-o") + 1
    assert arguments[place] == "/var/spool/whodid/audit-now.ndjson.gz"
    arguments[place] = str(tmp_path / "a.ndjson.gz")
    answer = ask(*arguments, "--bookmarks", str(tmp_path / "b"), "--store", f"sqlite://{tmp_path}/no.db")
    assert answer.code == 4, answer.err


def test_the_rule_on_the_page_reads_back_what_is_written() -> None:
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    names: dict[str, object] = {}
    exec(found[1], names)  # noqa: S102  the page's own lines are what is tested
    unescape = names["unescape"]
    assert callable(unescape)
    for cell in ("=1", "-1", "+49", "@x", "'=1", "''-1", "'plain", "＝1", "\t1", "", "a"):
        assert unescape(guard(cell)) == cell


def test_every_option_of_export_is_on_the_page() -> None:
    options = set(
        re.findall(r"(--[a-z-]+)", ask("export", "--help").text.split("--oldest-first")[0].split("--format")[-1])
    )
    for option in {*options, "--force", "--resume", "--since-last", "--bookmarks", "--verify", "--excel", "--gzip"}:
        assert option in PAGE, option
