"""Faults in a profile's file are named with file, line and key."""

import itertools
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from support.events import PROFILES
from whodid_agent.normalise import interpret
from whodid_agent.normalise.cases import failures
from whodid_agent.normalise.draft import SLOTS
from whodid_agent.normalise.fast.compile import compile_profile
from whodid_agent.normalise.fast.guess import guess
from whodid_agent.normalise.language import schema as language
from whodid_agent.normalise.language.expression import Const
from whodid_agent.normalise.language.load import KEYS, load_profile, load_profiles, parse_profile
from whodid_agent.normalise.language.path import parse_path
from whodid_agent.normalise.language.slots import SHORT
from whodid_agent.normalise.plain import draft_of
from whodid_agent.normalise.profiles import ProfileSet
from whodid_schema.errors import ConfigError

HEAD = "profile: mine\nrecognise: {has: [a]}\n"
BOMB = "".join(f"{one}: &{one} [{', '.join([f'*{before}'] * 9)}]\n" for before, one in itertools.pairwise("abcdefghij"))


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
        (HEAD + "proven: maybe\n", 3, "`proven:` must be true or false"),
        (HEAD + "source: 5\n", 3, "`source:` must be text"),
        (HEAD + "extends: mailtrp\n", 3, "there is no profile 'mailtrp'; did you mean 'mailtrap'?"),
        (HEAD + "extends: mine\n", 3, "mine → mine is a ring"),
        (HEAD + "reason: null\n", 3, "nothing stands here"),
        (HEAD + "reason: 'a[k'\n", 3, "a bracket is written [key=value]"),
        (HEAD + "reason: {each: a, id: b}\n", 3, "targets and changes"),
        (HEAD + "changes: {each: a, from: b}\n", 3, "needs `field:`"),
        (HEAD + "targets: {each: a, nme: b}\n", 3, "unknown key 'nme'"),
        (HEAD + "reason: {template: 'x {@target}'}\n", 3, "`did` and `tried`"),
        (HEAD + "did: x {@actor}\n", 3, "a sentence can name @target"),
        (HEAD + "verb: {map: a, table: {GET: view, 'get | x': view}}\n", 3, "'get' stands twice"),
        (HEAD + "actions: [a]\n", 3, "`actions:` maps action names"),
        (HEAD + "actions:\n  a: x\n", 4, "a: expected the slots that differ"),
        (HEAD + "actions:\n  a:\n    verb: x\n    verbs: view\n", 5, "'x' is no verb"),
        (HEAD + "actions:\n  a:\n    verbs: view\n", 5, "did you mean 'verb'?"),
        (HEAD + "actions:\n  a:\n    action: view\n", 5, "cannot change the action"),
        (HEAD + "after: p\nactions:\n  a: {reason: p.x}\n", 5, "lies inside what after takes whole"),
        (HEAD + "drop: [{name: x, when: {verb: 5}}]\n", 3, "expected a text or a list of texts"),
        (HEAD + "actor:\n  type: x\n  id: null\n", 5, "actor.id: nothing stands here"),
        (HEAD + "action: {const: null}\n", 3, "null is not a value this can have"),
        (HEAD + "verb:\n  map: s\n  table:\n    a: view\n    b: veiw\n", 7, "'veiw' is no verb; did you mean 'view'?"),
        (HEAD + "verb: [x, {if_present: a, then: {const: shwo}}]\n", 3, "'shwo' is no verb"),
        (HEAD + "categories: {notes: null}\n", 3, "expected an action or a list of them"),
        ("profile: mine\nrecognise: {has: [a], prefix: {a: null}}\n", 2, "the text that it begins with"),
        (HEAD + "categories: [a]\n", 3, "maps a category to its actions"),
        ("profile: mine\nrecognise: {has: [a], only: b}\n", 2, "a list of keys"),
        ("profile: mine\nrecognise: {has: [a], one_of: {a: b}}\n", 2, "a list of words"),
        (HEAD + "title: &x [*x]\n", 3, "recursive"),
        (HEAD + "a: &a [x, x, x, x, x, x, x, x, x]\n" + BOMB, 1, "200000 values"),
    ],
)
def test_a_fault_is_named_with_file_line_and_key(text: str, line: int, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_profile(text, Path("mine.yaml"))
    assert says in caught.value.message
    assert caught.value.message.startswith(f"mine.yaml:{line}: ")


NULLS = """
profile: nulls
recognise: {has: [kind, nulls]}
action: kind
verb: [{map: kind, table: {silent: null, "s*": view}, else: {const: create}}, {map: nulls, table: {1: fire}}]
reason: {map: nulls, table: {1: one, 2: null}, else: kind}
outcome: {map: [kind, nulls], table: {"": null, quiet: null, 2: failure}}
"""


@pytest.mark.parametrize(
    ("event", "verb", "reason", "outcome"),
    [
        ({"kind": "silent", "nulls": 1}, "fire", "one", None),
        ({"kind": "silent", "nulls": 2}, None, None, "failure"),
        ({"kind": "soft", "nulls": 3}, "view", "soft", None),
        ({"kind": "quiet", "nulls": 2}, "create", None, None),
        ({"kind": None, "nulls": 2}, "create", None, None),
    ],
)
def test_null_in_a_table_means_nothing_and_ends_the_question(
    event: dict[str, Any], verb: str | None, reason: str | None, outcome: str | None
) -> None:
    profile = parse_profile(NULLS, Path("nulls.yaml"))
    expected = interpret.extract(profile, dict(event))
    found = (expected.verb, expected.record.reason, expected.record.outcome)
    assert found == (verb, reason, outcome)
    guessed = guess(profile, dict(event))
    assert guessed is not None
    for function in (compile_profile(profile), compile_profile(profile, frozenset(event)), guessed):
        draft = function(dict(event))
        assert draft is not None
        assert msgspec.to_builtins(draft_of(draft) if isinstance(draft, tuple) else draft) == msgspec.to_builtins(
            expected
        )


PARENT = """
profile: parent
source: https://example.com/log
recognise: {has: [a, b]}
action: a
reason: b
actor: {id: who.id, name: who.name}
actions: {x*: {verb: view}, xy: {verb: delete}}
mask: [c]
drop: [{name: one, when: {verb: view}}]
categories: {notes: [x]}
tests: [{event: {a: x, b: y}, expect: {action: x}}]
"""
CHILD = """
profile: child
extends: parent
reason: null
actor: {name: who.login}
actions: {xy: {verb: create}}
mask: [d]
drop: [{name: two, when: {verb: create}}]
"""


def test_a_profile_takes_over_what_it_does_not_say_itself(tmp_path: Path) -> None:
    for name, text in (("a-child", CHILD), ("b-parent", PARENT)):
        (tmp_path / f"{name}.yaml").write_text(text)
    child, parent = load_profiles(sorted(tmp_path.iterdir()))
    assert (child.name, child.title, child.source, child.shapes) == ("child", "child", parent.source, parent.shapes)
    assert child.slots.keys() == {"action", "actor.id", "actor.name"}
    assert child.slots["actor.id"] == parent.slots["actor.id"]
    assert child.slots["actor.name"] == parse_path("who.login")
    assert child.mask == (parse_path("c"), parse_path("d"))
    assert [rule.name for rule in child.drops] == ["one", "two"]
    assert (child.categories, child.cases) == ({"x": "notes"}, ())
    verbs = [child.variant(action).slots.get("verb") for action in ("x", "XY", "xyz", "y", None)]
    assert verbs == [Const("view"), Const("create"), Const("view"), None, None]
    found = ProfileSet([parent, child, PROFILES.get("generic").profile])
    assert found.mapper_of({"a": 1, "b": 2}, ("a", "b")).profile is child


def test_a_ring_of_profiles_is_named(tmp_path: Path) -> None:
    for one, other in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{one}.yaml").write_text(f"profile: {one}\nextends: {other}\n")
    with pytest.raises(ConfigError, match=r"c\.yaml:2: extends: a → b → c → a is a ring"):
        ProfileSet.load(tmp_path)


def test_a_profile_amends_the_built_in_one_of_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "mailer.yaml").write_text("profile: mailer\nextends: mailer\nrequest_id: trace\n")
    amended, before = ProfileSet.load(tmp_path).get("mailer").profile, PROFILES.get("mailer").profile
    assert amended.slots == {**before.slots, "request_id": parse_path("trace")}
    assert amended.shapes == before.shapes


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
