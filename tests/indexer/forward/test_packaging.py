"""The unit, and the page on forwarding, say what the command takes."""

import re
import shlex
from pathlib import Path

import yaml

from support.asking import ask
from support.forwarding import forward
from whodid_indexer.forward.settings import FORMS, SYSLOG_PORTS, ConsumerSettings
from whodid_schema import cef, ecs, ocsf

ROOT = Path(__file__).parents[3]
UNIT = (ROOT / "config/systemd/whodid-forward.service").read_text()
PAGE = (ROOT / "docs/forward.md").read_text()


def test_the_unit_s_command_is_one_that_whodid_takes(tmp_path: Path) -> None:
    found = re.search(r"^ExecStart=/usr/bin/env whodid (forward.*)$", UNIT, re.MULTILINE)
    assert found is not None
    (tmp_path / "whodid.yaml").write_text("forward: []\n")
    answer = ask(*shlex.split(found[1]), "--config", str(tmp_path / "whodid.yaml"))
    assert answer.code == 2
    assert "no consumer is configured" in answer.err


def test_the_page_s_configuration_is_read_and_its_forms_are_all_there_are() -> None:
    found = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    consumers = [ConsumerSettings.model_validate(one) for one in yaml.safe_load(found[1])["forward"]]
    assert {one.kind for one in consumers} == set(FORMS)
    table = PAGE.partition("## Forms")[2].partition("## Metrics")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == {
        form for forms in FORMS.values() for form in forms
    }
    assert f"Schema {ecs.VERSION}" in table
    assert f"OCSF {ocsf.VERSION}" in table
    assert f"Format {cef.VERSION}" in table
    assert all(str(port) in PAGE for port in SYSLOG_PORTS.values())


def test_every_command_of_the_page_is_one() -> None:
    commands = re.findall(r"^whodid forward ?([a-z]*)", PAGE, re.MULTILINE)
    assert {"", "status", "replay"} == set(commands)
    help_text = forward("--help").text
    assert all(name in help_text for name in ("status", "replay", "--once", "--only", "--metrics", "--state"))
