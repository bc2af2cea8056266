"""`profile infer`: what it writes loads, passes its own tests, says how sure it is, and stays in its lines."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.running import whodid_agent
from support.unseen import samples

EVENTS: list[dict[str, Any]] = [
    {
        "kind": "audit.v1",
        "at": 1772704800 + number,
        "who": {"id": number, "login": "ann", "mail": "ann@x.example"},
        "what": what,
        "client": {"ip": "203.0.113.4"},
        "headers": [{"name": "User-Agent", "value": "curl/8"}],
        "payload": json.dumps({"request_id": f"r-{number}"}),
        "password": "hunter2hunter2",
    }
    for number, what in enumerate(["invoice.approve", "frobnicate", "user.login"])
]


def inferred(path: Path, *options: str, check: bool = True) -> Any:
    return whodid_agent("profile", "infer", str(path), *options, check=check)


def written(folder: Path, events: list[Any], name: str = "shoplog") -> tuple[str, dict[str, Any]]:
    """The profile of these events, after its own tests have passed."""
    (folder / "samples.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    text = inferred(folder / "samples.jsonl", "--name", name).stdout
    (folder / f"{name}.yaml").write_text(text)
    passed = whodid_agent("profile", "test", str(folder / f"{name}.yaml")).stdout
    assert f"{name}: " in passed
    return text, yaml.safe_load(text)


def test_a_profile_of_samples_loads_and_passes_its_own_tests(tmp_path: Path) -> None:
    text, profile = written(tmp_path, EVENTS)
    assert profile["time"] == "at"
    assert profile["action"] == "what"
    assert profile["actor"] == {"email": "who.mail[like *@*]", "id": "who.id", "name": "who.login"}
    assert profile["ip"] == "client.ip"
    assert profile["user_agent"] == "headers[name=User-Agent].value"
    assert profile["request_id"] == {"json": "payload", "then": "request_id"}
    assert profile["recognise"]["one_of"] == {"kind": ["audit.v1"]}
    assert len(profile["tests"]) == 3
    assert "hunter2" not in text


def test_it_says_how_sure_each_line_is_and_which_actions_have_no_verb(tmp_path: Path) -> None:
    text, _ = written(tmp_path, EVENTS)
    assert "ip: client.ip  # 0.95, in 3 of 3, such as 203.0.113.4" in text
    assert "#   ? frobnicate: other, 1 times" in text
    assert "#   user.login: sign_in, 1 times" in text


def test_places_that_differ_are_alternatives_the_most_frequent_first(tmp_path: Path) -> None:
    other = {**EVENTS[0], "client": {}, "remote_ip": "203.0.113.9"}
    _, profile = written(tmp_path, [*EVENTS, other])
    assert profile["ip"] == ["client.ip", "remote_ip"]


def test_an_array_a_pretty_printed_file_and_a_packed_one_are_read_alike(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(EVENTS))
    (tmp_path / "b.json").write_text(json.dumps(EVENTS, indent=2))
    (tmp_path / "c.json.gz").write_bytes(gzip.compress(json.dumps(EVENTS).encode()))
    names = ("a.json", "b.json", "c.json.gz")
    assert len({inferred(tmp_path / name, "--name", "x").stdout.replace(name, "") for name in names}) == 1


def test_the_profile_is_called_as_the_file_and_names_what_it_did_not_read(tmp_path: Path) -> None:
    file = tmp_path / "Shop log.2026.jsonl"
    file.write_text(json.dumps([{**event, "inner": {"depth": 5, "none": None}} for event in EVENTS]))
    text = inferred(file).stdout
    profile = yaml.safe_load(text)
    assert (profile["profile"], profile["app"]) == ("shop-log", "shop-log")
    left = text.partition("metadata: rest\n")[2].partition("# Actions")[0]
    assert f"#   inner.depth: in {len(EVENTS)} of {len(EVENTS)}, such as 5\n" in left
    assert "none" not in left
    assert all(f"#   {place}: " not in left for place in (profile["time"], profile["action"]))


def test_what_an_attacker_wrote_stays_in_its_comment_and_its_test(tmp_path: Path) -> None:
    evil = "x\n- name: y\nmask: [a]\u2028\u202e # : '\"{"
    events = [{**event, "what": evil, "who": {"id": evil}, evil: {"id": 3}} for event in EVENTS]
    text, profile = written(tmp_path, events)
    assert "mask" not in profile
    assert "\u202e" not in text
    assert set(profile["actor"]) == {"id"}


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "there is no event"), ("5\n[]\n", "there is no event"), ('{"a":{"b":[1]}}\n', "nothing can be inferred")],
)
def test_where_nothing_can_be_inferred_that_is_said(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "x.jsonl").write_text(content)
    done = inferred(tmp_path / "x.jsonl", check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert not done.stdout


def test_a_format_that_has_a_profile_is_named_instead(tmp_path: Path) -> None:
    event = {
        "id": "1",
        "created_at": "2026-04-30T14:22:11Z",
        "action": "a.b",
        "actor_id": "1",
        "actor_email": "a@b.example",
    }
    (tmp_path / "x.jsonl").write_text(json.dumps(event))
    done = inferred(tmp_path / "x.jsonl", check=False)
    assert done.returncode == 2
    assert "mailer" in done.stderr


def test_every_unseen_format_can_be_inferred(tmp_path: Path) -> None:
    from whodid_agent.normalise.language.load import parse_profile  # noqa: PLC0415
    from whodid_agent.normalise.profiles import GENERIC, ProfileSet  # noqa: PLC0415
    from whodid_agent.normalise.unknown.infer import infer  # noqa: PLC0415  # what the command does, without starting it often
    from whodid_agent.normalise.unknown.infer_text import write  # noqa: PLC0415

    search = ProfileSet.load().get(GENERIC).search
    for sample in samples("tuned"):
        text = write(infer([sample.event], search), "one", "x", [])
        assert parse_profile(text, tmp_path / "one.yaml").slots, sample.format
