"""Faults in a profile's file are named with file, line and key."""

from importlib import resources
from pathlib import Path

import jsonschema_rs
import msgspec
import pytest

from support.events import PROFILES
from whodid_agent.normalise import language
from whodid_agent.normalise.cases import failures
from whodid_agent.normalise.draft import SLOTS
from whodid_agent.normalise.load import KEYS, load_profile, parse_profile
from whodid_agent.normalise.profiles import ProfileSet
from whodid_agent.normalise.slots import SHORT
from whodid_schema.errors import ConfigError

HEAD = "profile: mine\nrecognise: {has: [a]}\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("- a\n", 1, "a profile must be"),
        ("title: x\n", 1, "`profile:` must name"),
        ("profile: a b\n", 1, "letters, digits and hyphens"),
        (HEAD + "acton: x\n", 3, "unknown key 'acton'; did you mean 'action'?"),
        (HEAD + "action: x\nactor:\n  name: a\n  mail: b\n", 6, "unknown key 'mail'; did you mean 'email'?"),
        (HEAD + "actor: jane\n", 3, "actor: expected type, id, name"),
        (HEAD + "action: {const: ''}\n", 3, "not a value this can have"),
        (HEAD + "outcome: {map: s, table: {ok: fine}}\n", 3, "'fine' is not a value"),
        (HEAD + "outcome: {map: s}\n", 3, "needs a `table:`"),
        (HEAD + "action: {map: s, table: {a: b}, or: c}\n", 3, "unknown key 'or'"),
        (HEAD + "action: {templat: x}\n", 3, "expected a path"),
        (HEAD + "action: {template: x}\n", 3, "a template is text with {paths}"),
        (HEAD + "action: 5\n", 3, "expected a path"),
        (HEAD + "action: a..b\n", 3, "a step is empty"),
        (HEAD + "actor:\n  name:\n    - x\n    - {const: 5.5}\n    - ''\n", 4, "a path must be text"),
        (HEAD + "metadata: none\n", 3, "can only be `rest`"),
        (HEAD + "nobody: me\n", 3, "must be one of system, anonymous"),
        (HEAD + "after: p\nreason: p.x\n", 4, "lies inside what after takes whole"),
        (HEAD + "drop: [{name: x}]\n", 3, "needs `when:`"),
        (HEAD + "drop: [{when: {verb: view}}]\n", 3, "needs a `name:`"),
        (HEAD + "drop: [{name: x, when: {colour: red}}]\n", 3, "cannot ask about 'colour'"),
        (HEAD + "tests: [{expect: {}}]\n", 3, "needs an `event:`"),
        (HEAD + "names: {action: [event_name]}\n", 3, "plain letters and digits"),
        ("profile: mine\nrecognise: {prefix: {a: b}}\n", 2, "needs `has:`"),
        ("profile: mine\nrecognise: {has: [a], starts: b}\n", 2, "unknown key 'starts'"),
        (HEAD + "split: [a]\n", 3, "`split:` names the key"),
        (HEAD + "action: [a\n", 4, "not YAML"),
        (HEAD + "action: a\naction: b\n", 4, "stands twice"),
    ],
)
def test_a_fault_is_named_with_file_line_and_key(text: str, line: int, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_profile(text, Path("mine.yaml"))
    assert says in caught.value.message
    assert caught.value.message.startswith(f"mine.yaml:{line}: ")


def test_a_folder_of_ones_own_adds_profiles_and_replaces_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(HEAD + "action: a\n")
    (tmp_path / "mailer.yaml").write_text("profile: mailer\ntitle: another\nrecognise: {has: [a, b]}\naction: a\n")
    found = ProfileSet.load(tmp_path)
    assert found.get("mine").profile == load_profile(tmp_path / "mine.yaml")
    assert found.get("mailer").profile.title == "another"
    assert found.mapper_of({"a": 1}, ("a",)).profile.name == "mine"


def test_a_profile_that_is_not_there_is_answered_by_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'mailtrap'"):
        PROFILES.get("mailtrp")


def test_two_files_cannot_claim_one_name() -> None:
    one = parse_profile(HEAD, Path("one.yaml"))
    with pytest.raises(ConfigError, match=r"already there \(one.yaml\)"):
        ProfileSet([one, one])


def test_the_guides_example_is_a_profile_whose_tests_pass() -> None:
    guide = Path(__file__).parents[3] / "docs" / "profiles.md"
    example = guide.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    profile = parse_profile(example, guide)
    profiles = ProfileSet([*(mapper.profile for mapper in PROFILES), profile])
    assert profile.cases
    assert [failures(profile, case, profiles) for case in profile.cases] == [[]] * len(profile.cases)


def test_the_guide_names_every_key_of_the_language() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "profiles.md").read_text(encoding="utf-8")
    slots = {slot.partition(".")[0] for slot in SLOTS} - {"client", "app"}
    assert [word for word in sorted({*slots, *KEYS}) if word not in guide] == []


def test_the_schema_takes_every_built_in_profile_and_knows_every_key() -> None:
    schema = language.profile_schema()
    validator = jsonschema_rs.Draft202012Validator(schema)
    folder = resources.files("whodid_config.profiles")
    for entry in folder.iterdir():
        if entry.name.endswith(".yaml"):
            found = msgspec.yaml.decode(entry.read_bytes())
            assert [error.message for error in validator.iter_errors(found)] == [], entry.name
    slots = {slot.partition(".")[0] for slot in SLOTS}
    assert schema["properties"].keys() == {*KEYS, *SHORT, *slots}
    assert schema["$defs"]["override"]["properties"].keys() == {*SHORT, *slots} - {"app"}


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "acton: x\n",
        HEAD + "actor: {nam: x}\n",
        HEAD + "action: {templat: x}\n",
        HEAD + "action: {template: x}\n",
        HEAD + "action: 5\n",
        HEAD + "action: {each: x, id: y}\n",
        HEAD + "targets: {each: x, idd: y}\n",
        HEAD + "nobody: me\n",
        HEAD + "drop: [{when: {verb: view}}]\n",
        HEAD + "actions: {Login: {verb: {map: a}}}\n",
        HEAD + "actions: {Login: {verb: enter}}\n",
        "profile: mine\nrecognise: {prefix: {a: b}}\n",
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(text: str) -> None:
    assert not jsonschema_rs.is_valid(language.profile_schema(), msgspec.yaml.decode(text.encode()))
    with pytest.raises(ConfigError):
        parse_profile(text, Path("mine.yaml"))
