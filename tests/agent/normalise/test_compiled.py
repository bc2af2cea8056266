"""The compiled profile is the interpreted one, only faster."""

import copy
from collections import Counter
from functools import cache
from pathlib import Path

import msgspec
import pytest

from support.events import PROFILES, mutated, profile_events
from whodid_agent.normalise import interpret
from whodid_agent.normalise.assemble import Filing, finish
from whodid_agent.normalise.compile import Extract, compile_profile, generate
from whodid_agent.normalise.contract import InputOptions
from whodid_agent.normalise.draft import Draft
from whodid_agent.normalise.guess import Guess, guess
from whodid_agent.normalise.load import parse_profile
from whodid_agent.normalise.plain import Plain, draft_of, finish_plain
from whodid_agent.normalise.profile import Profile
from whodid_agent.normalise.profiles import ByShape, Fitted, Mapper
from whodid_agent.normalise.recognise import Recogniser, fits

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


@cache
def odd() -> Profile:
    return parse_profile(ODD, Path("odd.yaml"))


def same(profile: Profile, event: dict[str, object]) -> None:
    left, right = copy.deepcopy(event), copy.deepcopy(event)
    if profile.name not in COMPILED:
        COMPILED[profile.name] = compile_profile(profile)
    keys = frozenset(event)
    third = copy.deepcopy(event)
    expected = interpret.extract(profile, right)
    assert written(COMPILED[profile.name](left)) == written(expected)
    if (profile.name, keys) not in SPECIAL:
        SPECIAL[profile.name, keys] = compile_profile(profile, keys)
    assert written(SPECIAL[profile.name, keys](third)) == written(expected)
    known = GUESSES.setdefault((profile.name, keys), [])
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


COMPILED: dict[str, Extract] = {}
SPECIAL: dict[tuple[str, frozenset[str]], Extract] = {}
GUESSES: dict[tuple[str, frozenset[str]], list[Guess]] = {}
GUESSED: Counter[str] = Counter()
PLAINLY: Counter[str] = Counter()


@pytest.mark.parametrize("name", MAPPED)
def test_mutated_events_give_the_same_draft_either_way(name: str) -> None:
    profile = PROFILES.get(name).profile
    for event in mutated(profile_events(name), seed=len(name), number=1_500):
        same(profile, event)
    assert GUESSED[name] > 100


def test_every_form_of_the_language_gives_the_same_draft_either_way() -> None:
    for event in [*ODD_EVENTS, *mutated(ODD_EVENTS, seed=3, number=4_000)]:
        same(odd(), event)


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
        f'reason: {{const: "{evil}"}}\nlift: ["{evil}"]\n',
        Path("evil.yaml"),
    )
    source = generate(profile).text()
    assert "import" not in source
    assert compile_profile(profile)({}).record.reason == evil
    assert Recogniser([profile], profile).profile_of({evil: 1}) is profile


def _stumbling(event: dict[str, object]) -> Draft:
    event.clear()
    raise ZeroDivisionError


def test_where_the_fast_way_stumbles_the_complete_way_answers() -> None:
    mapper = Mapper(odd())
    fitted = Fitted(odd(), _stumbling, guessing=False)
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


def test_every_event_of_a_shape_gives_the_same_record_from_the_first_to_the_thousandth() -> None:
    for name in MAPPED:
        mapper = Mapper(PROFILES.get(name).profile)
        for event in profile_events(name):
            data = msgspec.json.encode(event)
            shape = tuple(event)
            first = as_draft(mapper.extract(copy.deepcopy(event), data, shape))
            assert all(as_draft(mapper.extract(copy.deepcopy(event), data, shape)) == first for _ in range(40))
        assert mapper.fell_back == 0
