"""What `forward:` may say: what makes no sense is refused with file, line and key, and no secret is ever printed."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from whodid_config.settings import load
from whodid_indexer.config import IndexerSettings
from whodid_indexer.forward.settings import ConsumerSettings, variable
from whodid_schema.errors import ConfigError

HOOK = {"name": "hook", "kind": "webhook", "address": "https://hooks.example.com/services/T0PS3CRET?key=T0PS3CRET"}
SYSLOG = {"name": "siem", "kind": "syslog", "address": "tls://siem.example.com"}
FILE = {"name": "file", "kind": "file", "address": "/var/log/whodid/audit.jsonl"}


def read(folder: Path, *consumers: dict[str, Any]) -> list[ConsumerSettings]:
    file = folder / "whodid.yaml"
    file.write_text(yaml.safe_dump({"forward": [*consumers]}, sort_keys=False))
    return load(IndexerSettings, file).forward


def test_consumers_are_read_with_what_they_do_not_say(tmp_path: Path) -> None:
    hook, siem, file = read(tmp_path, HOOK, SYSLOG, FILE)
    assert hook.shown == "https://hooks.example.com:443"
    assert siem.where().port == 6514
    assert file.shown == "/var/log/whodid/audit.jsonl"
    assert hook.seconds("dead_after") == 86_400


@pytest.mark.parametrize(
    ("consumer", "said"),
    [
        (HOOK | {"address": "http://hooks.example.com/x"}, "http to hooks.example.com can be read"),
        (HOOK | {"address": "ftp://hooks.example.com/x"}, "write https://host or http://host"),
        (HOOK | {"address": "https://ana:T0PS3CRET@example.com"}, "holds no credentials"),
        (HOOK | {"address": "https://[::1/T0PS3CRET"}, "not a URL"),
        (HOOK | {"address": "https://169.254.169.254/latest"}, "nobody's address"),
        (HOOK | {"form": "cef"}, "a webhook is not sent cef; it can be json, m, ecs, ocsf"),
        (HOOK | {"dead_after": "soon"}, "'soon' is no time"),
        (HOOK | {"name": "../hook"}, "is no name"),
        (HOOK | {"kind": "pigeon"}, "kind"),
        (HOOK | {"adress": "x"}, "did you mean 'address'?"),
        (HOOK | {"batch": 0}, "batch"),
        (SYSLOG | {"form": "m"}, "a syslog is not sent m"),
        (SYSLOG | {"address": "udp://siem.example.com"}, "write tls://host or tcp://host"),
        (SYSLOG | {"address": "tls://siem.example.com/x"}, "nothing stands behind"),
        (SYSLOG | {"structured_data": "whodid"}, "no name for structured data"),
        (SYSLOG | {"app_name": "who did"}, "app_name"),
        (FILE | {"address": "audit.jsonl"}, "not the whole path"),
        (FILE | {"key_file": "/k"}, "the key of no certificate"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(tmp_path: Path, consumer: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, FILE | {"name": "other", "address": "/other"}, consumer)
    assert said in str(caught.value)
    assert "T0PS3CRET" not in str(caught.value)
    assert f"{tmp_path}/whodid.yaml:" in str(caught.value)


def test_two_of_one_name_or_one_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="two consumers have the name 'hook'"):
        read(tmp_path, HOOK, HOOK)
    with pytest.raises(ConfigError, match="two consumers have the address"):
        read(tmp_path, FILE, FILE | {"name": "other"})


def test_a_secret_comes_from_its_file_or_from_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    assert ConsumerSettings.model_validate(HOOK | {"secret_file": tmp_path / "secret"}).secret() == "s3cret"
    assert ConsumerSettings.model_validate(HOOK).secret() is None
    monkeypatch.setenv("WHODID_FORWARD_MY_HOOK_SECRET", "other")
    assert ConsumerSettings.model_validate(HOOK | {"name": "my-hook"}).secret() == "other"
    assert variable("my-hook.1") == "WHODID_FORWARD_MY_HOOK_1_SECRET"
