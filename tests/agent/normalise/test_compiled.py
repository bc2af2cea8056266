"""The compiled profile is the interpreted one, only faster."""

import copy
from collections import Counter
from functools import cache
from pathlib import Path

import msgspec
import pytest

from support.events import PROFILES, mutated, profile_events
from whodid_agent.normalise import interpret, values
from whodid_agent.normalise.assemble import Filing, finish
from whodid_agent.normalise.contract import InputOptions
from whodid_agent.normalise.draft import Draft
from whodid_agent.normalise.fast.byshape import ByShape
from whodid_agent.normalise.fast.compile import Extract, compile_profile, generate
from whodid_agent.normalise.fast.guess import Guess, guess
from whodid_agent.normalise.fast.peek import compile_peek
from whodid_agent.normalise.language.load import parse_profile
from whodid_agent.normalise.language.profile import Profile
from whodid_agent.normalise.mapper import Fitted, Mapper, Room
from whodid_agent.normalise.plain import Plain, draft_of, finish_plain
from whodid_agent.normalise.recognise import Recogniser, fits
from whodid_schema.telling import Gap

MAPPED = sorted(mapper.profile.name for mapper in PROFILES if mapper.profile.cases and not mapper.profile.names)

ODD = """
profile: odd
recognise: {has: [kind]}
native_id: [ids.a, ids.b]
time: [when.at, when]
action: {template: "{svc}:{op.name}"}
verb: {map: [op.verb, verb], table: {GET: view, "true": update, 5: delete}, else: other_verb}
actor:
  type: {if_present: bot, then: {const: service}, else: [who.type, {const: user}]}
  id: [who.0.id, who.id, ids.a]
  name: {map: who.name, table: {root: System}, else: who.name}
target: {id: a\\.b.c, count: n, label: things.0}
ip: sources.0
reason: svc
metadata: rest
lift: [extra]
ignore: [noise, who.noise]
"""

ODD_EVENTS: list[dict[str, object]] = [
    {
        "ids": {"a": 1, "b": "x"},
        "when": {"at": 1733739084},
        "svc": "s3",
        "op": {"name": "Put", "verb": "get"},
        "who": {"id": 5, "name": "ROOT", "noise": 1},
        "a.b": {"c": 4},
        "n": "12",
        "things": ["Contact: 3 rows (bulk)"],
        "sources": ["10.0.0.1:80"],
        "extra": {"k": 1},
        "noise": [1],
    },
    {
        "when": "2026-04-30T14:22:11Z",
        "op": {"name": "", "verb": True},
        "who": [{"id": 9, "name": "x"}],
        "bot": False,
        "extra": {"when": 1},
        "id": 3,
    },
    {
        "ids": {"a": "", "b": "x"},
        "verb": 5,
        "other_verb": "send",
        "who": {"type": "t", "name": None},
        "sources": [],
        "0": {"a": {}},
    },
]


RICH = """
profile: rich
recognise: {has: [eventName]}
action: {template: "{eventName|name}"}
time: when
actor:
  id: [{json: request, then: user.id}, "parameters[name=id].value"]
  name: {template: "{who.name|who.login}"}
  email: "parameters[name=email|mail].value"
target: {type: {const: user}, id: "target[type=user].id", name: "target[type=user|app].1.name"}
targets:
  each: target
  type: {map: type, table: {"app*": App, "us*r | person": User}}
  id: id
  name: [label, name]
  relation: how
changes: [{each: [changed, {json: request, then: changes}], field: field, from: old, to: new}, diff]
verb: {map: [eventName, name], table: {"get*": view, "*s": view, getaway: delete, "put | post": create}}
reason: "target[type=app].why"
did: ["gave {@target} to {who.name}", {if_present: quiet, then: "did something"}]
after: payload
ignore: [who.kind]
metadata: rest
actions:
  "ConsoleLogin | login*":
    verb: sign_in
    surface: authentication
    outcome: {map: result, table: {Failure: failure}, else: {const: success}}
    did: null
  Put*: {actor: {id: other.id}, category: notes, after: {json: payload}}
  "*Key": {did: "used {@name} ({@words}) of {@target}{@reason}", target: {id: "keys.0", type: who.kind}}
"""
RICH_EVENTS: list[dict[str, object]] = [
    {
        "eventName": "GiveRole",
        "when": 1733739084,
        "who": {"name": "Ann", "kind": "person"},
        "target": [
            {"type": "APP", "id": "t1", "how": "in", "why": "new", "extra": 1},
            {"type": "user", "id": "t2", "name": "dev"},
        ],
        "parameters": [{"name": "email", "value": "a@b.c"}, 5],
        "changed": [{"field": "role", "old": "viewer", "new": "editor"}, {"field": "seats", "old": None, "new": 3}],
        "request": '{"user": {"id": "u1"}, "changes": []}',
    },
    {
        "eventName": "ConsoleLogin",
        "who": {"login": "bob"},
        "result": "failure",
        "parameters": [{"name": "id", "value": 5}, {"name": "MAIL", "value": "x@y.z"}],
        "request": {"changes": [{"field": "a", "old": 1, "new": 2}], "user": {"id": 7}},
        "quiet": True,
    },
    {
        "name": "gets",
        "target": "x",
        "parameters": {"name": "email"},
        "changed": [{"field": "x"}],
        "request": "{broken",
        "payload": '{"a": 1}',
    },
    {"eventName": "PutKey", "other": {"id": 3}, "payload": '[{"a": 1}]', "keys": ["k1"], "who": {"kind": "host"}},
    {"eventName": "dropKey", "keys": ["k1"], "who": {"kind": "host"}, "request": "[1, 2", "diff": {"a": [1, 2]}},
]


@cache
def rich() -> Profile:
    return parse_profile(RICH, Path("rich.yaml"))


@cache
def odd() -> Profile:
    return parse_profile(ODD, Path("odd.yaml"))


def same(profile: Profile, event: dict[str, object]) -> None:
    """The event gives the same draft by every way; a profile with overrides is each of its variants."""
    if profile.actions:
        action = interpret.value_of(profile.slots["action"], copy.deepcopy(event), values.text, set())
        assert compile_peek(profile)(copy.deepcopy(event)) == action
        assert written(interpret.extract(profile, copy.deepcopy(event))) == written(
            interpret.extract(profile.variant(action), copy.deepcopy(event))
        )
        profile = profile.variant(action)
    left, right = copy.deepcopy(event), copy.deepcopy(event)
    if id(profile) not in COMPILED:
        COMPILED[id(profile)] = compile_profile(profile)
    keys = frozenset(event)
    third = copy.deepcopy(event)
    expected = interpret.extract(profile, right)
    assert written(COMPILED[id(profile)](left)) == written(expected)
    if (id(profile), keys) not in SPECIAL:
        SPECIAL[id(profile), keys] = compile_profile(profile, keys)
    assert written(SPECIAL[id(profile), keys](third)) == written(expected)
    known = GUESSES.setdefault((id(profile), keys), [])
    if len(known) < 3 and (made := guess(profile, copy.deepcopy(event))) is not None:
        known.append(made)
    for each in known:
        fourth = copy.deepcopy(event)
        guessed = each(fourth)
        if guessed is None:
            assert written(fourth) == written(event)
        else:
            if isinstance(guessed, tuple):
                the_same_record(guessed, profile)
                guessed = draft_of(guessed)
            assert written(guessed) == written(expected)
            GUESSED[profile.name] += 1


FILINGS = [
    Filing(options, {"documents": "Documents"}, "2000-01-01T00:00:00.000000Z")
    for options in (
        InputOptions(),
        InputOptions(app="shop", workspace="acme", project="p1"),
        InputOptions(workspace="ws_001"),
        InputOptions(workspace_default="acme"),
    )
]


def the_same_record(plain: Plain, profile: Profile) -> None:
    """In one go and part by part, whatever the input's options and the time of receipt say."""
    for filing in FILINGS:
        for received_at in ("2001-01-01T00:00:00.000000Z", "2026-06-01T12:00:00.000000Z"):
            left, right = copy.deepcopy(plain), copy.deepcopy(plain)
            made = finish_plain(left, profile, filing, received_at)
            assert written(made) == written(finish(draft_of(right), profile, filing, received_at))
    PLAINLY[profile.name] += 1


def written(value: object) -> bytes:
    """Equal only where keys stand in the same order too."""
    return msgspec.json.encode(value)


COMPILED: dict[int, Extract] = {}
SPECIAL: dict[tuple[int, frozenset[str]], Extract] = {}
GUESSES: dict[tuple[int, frozenset[str]], list[Guess]] = {}
GUESSED: Counter[str] = Counter()
PLAINLY: Counter[str] = Counter()


@pytest.mark.parametrize("number", [250, pytest.param(2_500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", MAPPED)
def test_mutated_events_give_the_same_draft_either_way(name: str, number: int) -> None:
    profile = PROFILES.get(name).profile
    for event in mutated(profile_events(name), seed=len(name) + number, number=number):
        same(profile, event)
    assert GUESSED[name] > number // 20


@pytest.mark.parametrize("name", MAPPED)
def test_an_event_of_a_vendor_has_a_function_of_its_own(name: str) -> None:
    profile = PROFILES.get(name).profile
    events = profile_events(name)
    answered = 0
    for event in events:
        variant = interpret.variant_for(profile, event)
        made = guess(variant, copy.deepcopy(event), of_action=bool(profile.actions))
        answered += made is not None and made(copy.deepcopy(event)) is not None
    assert answered >= 0.9 * len(events)


@pytest.mark.parametrize("number", [1_000, pytest.param(8_000, marks=pytest.mark.slow)])
def test_every_form_of_the_language_gives_the_same_draft_either_way(number: int) -> None:
    for event in [*ODD_EVENTS, *mutated(ODD_EVENTS, seed=number, number=number)]:
        same(odd(), event)
    for event in [*RICH_EVENTS, *mutated(RICH_EVENTS, seed=number + 1, number=number)]:
        same(rich(), event)


def test_members_of_arrays_texts_of_json_and_overrides_are_read_as_the_guide_says() -> None:
    first, second, third, put, drop = (interpret.extract(rich(), copy.deepcopy(event)) for event in RICH_EVENTS)
    assert first.record.actor is not None
    assert (first.record.actor.id, first.record.actor.name, first.record.actor.email) == ("u1", "Ann", "a@b.c")
    assert first.record.target is not None
    assert (first.record.target.id, first.record.target.name) == ("t2", None)
    assert first.targets == [{"type": "App", "id": "t1", "relation": "in"}, {"type": "User", "id": "t2", "name": "dev"}]
    assert first.changes == [{"field": "role", "from": "viewer", "to": "editor"}, {"field": "seats", "to": 3}]
    assert first.did == ("gave ", Gap("target"), " to ", "Ann")
    assert first.record.metadata == {
        "target": [{"extra": 1}, {}],
        "parameters": [{"name": "email"}, 5],
        "request": '{"user": {"id": "u1"}, "changes": []}',
    }
    assert (second.verb, second.record.outcome, second.record.surface) == ("sign_in", "failure", "authentication")
    assert (second.did, second.changes) == (None, [{"field": "a", "from": 1, "to": 2}])
    assert (third.verb, third.did) == ("view", None)
    assert third.record.metadata == {
        "target": "x",
        "parameters": {"name": "email"},
        "changed": [{"field": "x"}],
        "request": "{broken",
    }
    assert (put.after, put.changes, put.record.category) == ('[{"a": 1}]', None, None)
    assert drop.did == ("used ", Gap("name"), " (", Gap("words"), ") of ", Gap("target"), Gap("reason"))


def test_the_language_does_what_the_guide_says() -> None:
    draft = interpret.extract(odd(), copy.deepcopy(ODD_EVENTS[0]))
    record = draft.record
    assert draft.native == ("1", "x")
    assert record.action == "s3:Put"
    assert draft.verb == "view"
    assert record.actor is not None
    assert (record.actor.type, record.actor.id, record.actor.name) == ("user", "5", "System")
    assert record.target is not None
    assert (record.target.id, record.target.count) == ("4", 12)
    assert draft.label == "Contact: 3 rows (bulk)"
    assert record.client is not None
    assert record.client.ip == "10.0.0.1"
    assert record.metadata == {"things": ["Contact: 3 rows (bulk)"], "sources": ["10.0.0.1:80"], "k": 1}


def test_no_text_of_a_profile_is_code() -> None:
    evil = "__import__('os').system('x')"
    profile = parse_profile(
        f'profile: evil\nrecognise: {{has: ["{evil}"]}}\naction: "{evil}"\n'
        f'reason: {{const: "{evil}"}}\nlift: ["{evil}"]\nignore: ["a[{evil}={evil}].{evil}"]\n'
        f'verb: {{map: "{evil}", table: {{"{evil}*": "{evil}"}}}}\nphrase: {{template: "{evil} {{{evil}}}"}}\n'
        f'targets: {{each: "{evil}", id: "{evil}"}}\nafter: {{json: "{evil}", then: "{evil}"}}\n'
        f'actions: {{"{evil}": {{did: "{evil} {{{evil}}} {{@name}}", ip: "{evil}"}}}}\n',
        Path("evil.yaml"),
    )
    for one in (profile.plain, *profile.variants):
        assert "import" not in generate(one).text()
        assert compile_profile(one)({}).record.reason == evil
    assert compile_profile(profile)({}).record.reason == evil
    assert Recogniser([profile], profile).profile_of({evil: 1}) is profile


def _stumbling(event: dict[str, object]) -> Draft:
    event.clear()
    raise ZeroDivisionError


def test_of_an_endless_array_only_the_first_hundred_objects_are_read() -> None:
    event: dict[str, object] = {"eventName": "x", "target": [{"type": "User", "id": n} for n in range(5_000)]}
    same(rich(), event)
    draft = interpret.extract(rich(), copy.deepcopy(event))
    assert len(draft.targets) == 100
    assert draft.record.metadata is not None
    assert draft.record.metadata["target"][99:101] == [{}, {"type": "User", "id": 100}]


def test_where_the_fast_way_stumbles_the_complete_way_answers() -> None:
    mapper = Mapper(odd())
    fitted = Fitted(odd(), _stumbling, None)
    mapper.__dict__["_fitted"] = ByShape(fitted, frozenset(), lambda keys: fitted)
    event = ODD_EVENTS[0]
    draft = mapper.extract(copy.deepcopy(event), msgspec.json.encode(event), tuple(event))
    assert draft == interpret.extract(odd(), copy.deepcopy(event))
    assert mapper.fell_back == 1


def test_recognition_is_the_first_fitting_shape_whatever_the_order_of_the_files() -> None:
    profiles = [mapper.profile for mapper in PROFILES]
    generic = PROFILES.get("generic").profile
    one, other = Recogniser(profiles, generic), Recogniser(profiles[::-1], generic)
    events = [event for profile in profiles for event in profile_events(profile.name)]
    for event in [*events, *mutated(events, seed=11, number=3_000)]:
        plain = next((profile for shape, profile in one.ordered if fits(shape, event)), generic)
        assert one.profile_of(event) is other.profile_of(event) is plain
        assert one.for_keys(frozenset(event))(event) is plain


def as_draft(found: Draft | Plain) -> Draft:
    return draft_of(found) if isinstance(found, tuple) else found


def test_a_plain_event_gives_the_same_record_in_one_go_as_part_by_part() -> None:
    profile = PROFILES.get("whodid").profile
    events: list[dict[str, object]] = [
        {
            "timestamp": 1746057600.5,
            "actor": {"id": 7, "type": kind, "name": "Ann Jones", "email": "ann@example.com"},
            "action": action,
            "target": {"type": "API role", "id": "r1", "name": "Auditor"},
            "changes": {"title": {"from": "a", "to": "b"}, "seats": {"from": 1, "to": 1}},
            "metadata": {"b": 1, "a": "x", "deep": {"k": [1, "Ü"]}, "action": "inner"},
            "ip": "10.0.0.1:80",
            "user_agent": "acme-cli/3.2.1",
            "result": result,
            "workspace": "ws_001",
        }
        for kind in ("user", "service", "system")
        for action in ("document.update", "user.login", "frobnicate", "user.logout", "x" * 300)
        for result in ("success", "failure")
    ]
    before = PLAINLY["whodid"]
    for event in [*events, *mutated(events, seed=5, number=1_000)]:
        same(profile, event)
    assert PLAINLY["whodid"] - before > 200


def test_what_senders_make_up_does_not_grow_what_is_kept() -> None:
    made: list[frozenset[str]] = []

    def make(keys: frozenset[str]) -> str:
        made.append(keys)
        return "special"

    kept = ByShape("general", frozenset({"a", "b"}), make)
    for number in range(5_000):
        assert kept.meet(("a", f"made up {number}")) == "general"
        assert kept.meet(("a", "x" * 1_000)) == "general"
    assert (made, kept.known) == ([], {})
    for _ in range(20):
        kept.meet(("b", "a"))
        kept.meet(("a", "b", "c"))
        assert kept.meet(tuple(map(str, range(1_000)))) == "general"
    assert made == [frozenset({"a", "b"})]
    assert kept.known == {("b", "a"): "special", ("a", "b", "c"): "special"}


def test_actions_that_are_made_up_make_no_guesses_without_end() -> None:
    profile = PROFILES.get("aws-cloudtrail").profile
    room = Room()
    room.kept = 3
    fitted = Fitted(profile.plain, compile_profile(profile.plain), room)
    event = profile_events("aws-cloudtrail")[0]
    for number in range(2_000):
        for _ in range(5 if number % 400 == 0 else 1):
            fitted.extract(copy.deepcopy(event) | {"eventName": f"MadeUp{number}"}, f"MadeUp{number}")
        fitted.extract(copy.deepcopy(event), "x" * 1_000)
    assert room.kept == 0
    assert sum(len(one.known) for one in fitted.guesses.values()) == 3
    assert len(fitted.guesses) == 3


def test_every_event_of_a_shape_gives_the_same_record_from_the_first_to_the_thousandth() -> None:
    for name in MAPPED:
        mapper = Mapper(PROFILES.get(name).profile)
        for event in profile_events(name):
            data = msgspec.json.encode(event)
            shape = tuple(event)
            first = written(as_draft(mapper.extract(copy.deepcopy(event), data, shape)))
            assert all(written(as_draft(mapper.extract(copy.deepcopy(event), data, shape))) == first for _ in range(40))
        assert mapper.fell_back == 0
