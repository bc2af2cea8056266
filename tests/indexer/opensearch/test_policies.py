"""Retention by ISM: what the policies say, and the plugin's own answers to them.

The plugin cannot be had for these tests. `ism_answers.json` holds what a real one answered; a stand-in made of those
answers takes its place, and where the node of the run has the plugin, the last test asks it.
"""

import json
import urllib.error
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import msgspec
import pytest

from support.opensearch.server import Server
from whodid_indexer.store.opensearch.access import Access
from whodid_indexer.store.opensearch.connect import Client, Refused
from whodid_indexer.store.opensearch.policies import check_handed, plan_policies, policy
from whodid_indexer.store.plan import Step, difference, holds
from whodid_schema.errors import StateError
from whodid_schema.meta import Meta, Retention

POLICIES = "/_plugins/_ism/policies"
RECORDED: dict[str, Any] = {
    exchange["name"]: exchange
    for exchange in json.loads(Path(__file__).with_name("ism_answers.json").read_text())["exchanges"]
}


ACTIONS = {"force_merge", "read_write", "snapshot", "delete"}
"""Actions that ISM has, as its documentation names them."""


class Plugin:
    """Takes and lists policies as the recorded plugin does: with additions of its own, and by sequence number.

    `held` has each index there is, with the policy that holds it and that policy's number (None: not begun yet).
    """

    def __init__(self, **held: tuple[str, int | None] | None) -> None:
        self.policies: dict[str, dict[str, Any]] = {}
        self.held: dict[str, tuple[str, int | None] | None] = dict(held)
        self.asked: list[str] = []

    def begin(self) -> None:
        """What the plugin's job does within minutes: each index goes by its policy as that is now."""
        self.held = {
            index: by and (by[0], self.policies[by[0]]["_seq_no"] if by[0] in self.policies else by[1])
            for index, by in self.held.items()
        }

    def answer(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.startswith(POLICIES):
            return self._index(request)
        name = request.url.path.removeprefix(POLICIES).lstrip("/")
        if request.method == "GET":
            return httpx.Response(
                200, json={"policies": list(self.policies.values()), "total_policies": len(self.policies)}
            )
        numbers = parse_qs(request.url.query.decode())
        there = self.policies.get(name)
        if there is not None and not numbers:
            return recorded("create again without seq_no")
        if there is not None and numbers["if_seq_no"] != [str(there["_seq_no"])]:
            return recorded("update stale seq_no")
        return self._keep(name, json.loads(request.content)["policy"])

    def _index(self, request: httpx.Request) -> httpx.Response:
        verb, names = request.url.path.removeprefix("/_plugins/_ism/").split("/")
        if verb == "explain":
            return self._explain([name for name in names.split(",") if name in self.held])
        if verb == "remove":
            self.asked.append(f"remove {names}")
            self.held[names] = None
            return recorded("remove")
        wanted = json.loads(request.content)["policy_id"]
        self.asked.append(f"{verb} {names} {wanted}")
        if wanted not in self.policies:
            return recorded("add missing policy")
        if verb == "add" and names not in self.held:
            return recorded("add missing index")
        if verb == "add" and self.held[names] is not None:
            return recorded("add again")
        there = self.held[names]
        self.held[names] = (wanted, None) if there is None else there  # a change is seen when the job has run
        if there is not None and there[0] != wanted:
            self.held[names] = (wanted, there[1])
        return recorded("add" if verb == "add" else "change_policy")

    def _explain(self, names: list[str]) -> httpx.Response:
        if not names:
            return recorded("explain after delete")
        answer: dict[str, Any] = {"total_managed_indices": sum(self.held[name] is not None for name in names)}
        for name in names:
            by = self.held[name]
            kind = "explain unmanaged" if by is None else "explain audit-new" if by[1] is None else "explain managed"
            (model,) = [value for value in RECORDED[kind]["response"].values() if isinstance(value, dict)]
            answer[name] = dict(model)
            if by is not None:
                answer[name] |= {key: by[0] for key in model if key.endswith("policy_id")} | {"index": name}
                answer[name] |= {} if by[1] is None else {"policy_seq_no": by[1]}
        return httpx.Response(200, json=answer)

    def _keep(self, name: str, body: dict[str, Any]) -> httpx.Response:
        fault = self._fault(name, body)
        if fault:
            return recorded(fault)
        model = RECORDED["get"]["response"]
        added = {key: value for key, value in model["policy"].items() if key not in body}
        kept = json.loads(json.dumps(body))
        for state in kept["states"]:
            for action in state["actions"]:
                action |= {"retry": model["policy"]["states"][1]["actions"][0]["retry"]}
        for entry in kept["ism_template"]:
            entry["last_updated_time"] = model["policy"]["last_updated_time"]
        number = self.policies[name]["_seq_no"] + 1 if name in self.policies else 0
        self.policies[name] = {"_id": name, "_seq_no": number, "_primary_term": 1, "policy": {**added, **kept}}
        return httpx.Response(201 if number == 0 else 200, json={**self.policies[name], "policy": {"policy": kept}})

    def _fault(self, name: str, body: dict[str, Any]) -> str | None:
        """The recorded refusal that the policy meets."""
        states = body["states"]
        names = {state["name"] for state in states}
        if body["default_state"] not in names:
            return "bad default state"
        if {step["state_name"] for state in states for step in state["transitions"]} - names:
            return "bad transition"
        if {key for state in states for action in state["actions"] for key in action} - ACTIONS:
            return "bad action"
        others = [policy["policy"]["ism_template"][0] for other, policy in self.policies.items() if other != name]
        (mine,) = body["ism_template"]
        if any(mine["priority"] == theirs["priority"] and overlap(mine, theirs) for theirs in others):
            return "dup template priority"
        return None


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    first, second = one["index_patterns"][0].rstrip("*"), other["index_patterns"][0].rstrip("*")
    return bool(first.startswith(second) or second.startswith(first))


def recorded(name: str) -> httpx.Response:
    return httpx.Response(RECORDED[name]["status"], json=RECORDED[name]["response"])


def meta(**days: int | None) -> Meta:
    classes = {name: Retention(kept, "day" if kept and kept <= 31 else "month") for name, kept in days.items()}
    return Meta(epoch="2025-11-01", partitions="period", classes=classes)


def put(client: Client, found: Meta) -> list[Step]:
    steps = list(plan_policies(client, found).steps)
    for step in steps:
        client.json("PUT", step.path, step.after)
    return steps


@pytest.fixture
def client() -> Client:
    return Client("http://store.test", Access(), httpx.MockTransport(Plugin().answer))


def test_the_stand_in_answers_as_the_plugin_did() -> None:
    """The recorded requests, asked again."""
    plugin = Plugin()
    for name in ("list empty", "create", "create again without seq_no", "update stale seq_no"):
        exchange = RECORDED[name]
        if name == "update stale seq_no":
            plugin.policies["audit"]["_seq_no"] = 1
        asked = httpx.Request(
            exchange["request"]["method"],
            "http://store.test" + exchange["request"]["path"],
            json=exchange["request"]["body"],
        )
        answered = plugin.answer(asked)
        assert answered.status_code == exchange["status"], name
        assert set(answered.json()) - set(exchange["response"]) == set(), name
    plugin.policies["audit"]["_seq_no"] = 0
    assert set(RECORDED["get"]["response"]["policy"]) == set(plugin.policies["audit"]["policy"])


def test_nothing_younger_than_its_retention_is_deleted() -> None:
    """An index is deleted by the age of its beginning, so its last record's age is that less the period."""
    for kept, longest_period in ((Retention(7, "day"), 1), (Retention(365, "month"), 31)):
        states = policy("activity", kept)["policy"]["states"]
        (age,) = ages(states, "expired")
        assert kept.days is not None
        assert age - longest_period >= kept.days


def ages(states: list[dict[str, Any]], state: str) -> list[int]:
    """The ages in days at which an index comes into the state."""
    ways = [way for each in states for way in each["transitions"] if way["state_name"] == state]
    return [int(way["conditions"]["min_index_age"].removesuffix("d")) for way in ways]


def actions(states: list[dict[str, Any]]) -> list[list[str]]:
    """The names of each state's actions."""
    return [[name for action in state["actions"] for name in action] for state in states]


def test_an_index_is_merged_when_it_is_complete_and_no_write_block_is_left_behind() -> None:
    """ISM's merge locks the index: the same state takes the lock off, and a week for late records is over by then."""
    for kept, period in ((Retention(30, "day"), 1), (Retention(365, "month"), 31)):
        states = policy("activity", kept)["policy"]["states"]
        assert actions(states) == [[], ["force_merge", "read_write"], ["delete"]]
        assert ages(states, "merged") == [period + 1 + 7]
        assert ages(states, "merged") < ages(states, "expired")
    soon = policy("activity", Retention(7, "day"))["policy"]["states"]
    assert actions(soon) == [[], ["delete"]], "what goes within the week is not worth a merge"


def test_where_a_repository_is_named_an_index_goes_there_before_it_is_deleted() -> None:
    states = policy("activity", Retention(365), repository="vault")["policy"]["states"]
    assert actions(states)[-1] == ["snapshot", "delete"]
    assert states[-1]["actions"][0]["snapshot"] == {"repository": "vault", "snapshot": "whodid-activity"}


def test_while_a_hold_is_active_ism_lets_go_of_its_indices_and_has_them_back_after_it() -> None:
    plugin = Plugin(**{AUGUST: None, "whodid-delivery-2026-11-21": ("theirs", 7)})
    found, held = meta(activity=365, audit=None), msgspec.structs.replace(meta(activity=365, audit=None), hold=True)
    run(plugin, found)
    plugin.begin()
    assert run(plugin, held) == [f"remove {AUGUST}"]
    assert plugin.held[AUGUST] is None
    body = plugin.policies["whodid-activity"]["policy"]
    assert (actions(body["states"]), body["states"][0]["transitions"]) == ([[]], [])
    assert "while a legal hold is active" in body["description"]
    plugin.held[SEPTEMBER] = ("whodid-activity", None)  # made meanwhile: ISM's template gave it to the policy as it is
    plugin.begin()
    assert run(plugin, held) == []
    assert run(plugin, found)[:2] == [
        f"add {AUGUST} whodid-activity",
        f"change_policy {SEPTEMBER} whodid-activity",
    ]
    assert "delete" in actions(plugin.policies["whodid-activity"]["policy"]["states"])[-1]


def test_policies_are_made_once(client: Client) -> None:
    assert [step.name for step in put(client, meta(activity=365, delivery=30, audit=None))] == [
        "ISM policy whodid-activity",
        "ISM policy whodid-delivery",
    ]
    assert put(client, meta(activity=365, delivery=30, audit=None)) == []


def test_a_changed_retention_changes_its_policy_alone(client: Client) -> None:
    put(client, meta(activity=365, delivery=30))
    (step,) = put(client, meta(activity=400, delivery=30))
    assert step.path == f"{POLICIES}/whodid-activity?if_seq_no=0&if_primary_term=1"
    shown = [line for line in difference(step).split("\n") if line[0] in "+-" and "min_index_age" in line]
    assert [line.split('"')[3] for line in shown] == ["397d", "432d"]
    assert put(client, meta(activity=400, delivery=30)) == []


def test_a_policy_changed_by_somebody_meanwhile_is_not_overwritten(client: Client) -> None:
    put(client, meta(activity=365))
    (step,) = plan_policies(client, meta(activity=100)).steps
    put(client, meta(activity=200))
    with pytest.raises(Refused, match="409 version_conflict_engine_exception"):
        client.json("PUT", step.path, step.after)


def test_classes_whose_names_begin_alike_do_not_meet(client: Client) -> None:
    assert len(put(client, meta(**{"api": 10, "api-request": 10, "api-request-old": 10}))) == 3


def test_without_any_retention_there_are_no_policies(client: Client) -> None:
    assert plan_policies(client, meta(activity=None)) == ([], [])


AUGUST, SEPTEMBER, TODAY = "whodid-activity-2026-08", "whodid-activity-2026-09", "whodid-delivery-2026-11-21"


def run(plugin: Plugin, found: Meta, *, deletes: bool = True) -> list[str]:
    """What setup and apply do: policies, then the indices that they are to hold; the requests that hand one over."""
    client = Client("http://store.test", Access(), httpx.MockTransport(plugin.answer))
    before = len(plugin.asked)
    for _ in range(2):
        for step in plan_policies(client, found, plugin.held, deletes=deletes).steps:
            check_handed(step, client.json(step.method, step.path, step.after))
    return plugin.asked[before:]


def test_the_stand_in_explains_and_hands_over_as_the_plugin_did() -> None:
    plugin = Plugin(**{"xaudit-old": None, "audit-new": ("audit", None)})
    plugin.policies["audit"] = RECORDED["get"]["response"]
    names = ("explain unmanaged", "explain audit-new", "add", "add again", "add missing policy", "add missing index")
    for name in (*names, "change_policy"):
        asked = RECORDED[name]["request"]
        answered = plugin.answer(
            httpx.Request(asked["method"], "http://store.test" + asked["path"], json=asked["body"])
        )
        assert answered.status_code == RECORDED[name]["status"], name
        assert answered.json().keys() == RECORDED[name]["response"].keys(), name
    plugin.held["xaudit-old"] = ("audit", 1)
    explained = plugin.answer(httpx.Request("GET", "http://store.test/_plugins/_ism/explain/xaudit-old")).json()
    assert explained["xaudit-old"] == RECORDED["explain managed"]["response"]["xaudit-old"]
    gone = plugin.answer(httpx.Request("GET", "http://store.test/_plugins/_ism/explain/nothing"))
    assert (gone.status_code, gone.json()) == (400, RECORDED["explain after delete"]["response"])


def test_indices_that_nothing_holds_are_handed_to_their_class() -> None:
    plugin = Plugin(**{AUGUST: None, TODAY: None, "whodid-audit-2026-11": None, "whodid-activity": None})
    found = meta(activity=365, delivery=30, audit=None)
    assert run(plugin, found) == [f"add {AUGUST} whodid-activity", f"add {TODAY} whodid-delivery"]
    plugin.begin()
    assert run(plugin, found) == []


def test_a_longer_and_a_shorter_retention_reach_the_indices_that_are_held() -> None:
    plugin = Plugin(**{AUGUST: None, SEPTEMBER: None})
    run(plugin, meta(activity=365))
    plugin.begin()
    for days in (500, 90):
        changed = run(plugin, meta(activity=days))
        assert changed[:2] == [f"change_policy {name} whodid-activity" for name in (AUGUST, SEPTEMBER)]
        plugin.begin()
        assert run(plugin, meta(activity=days)) == []


def test_a_class_kept_for_ever_again_is_not_deleted_by_the_policy_of_before() -> None:
    plugin = Plugin(**{AUGUST: None})
    run(plugin, meta(activity=365))
    plugin.begin()
    assert run(plugin, meta(activity=None))[0] == f"change_policy {AUGUST} whodid-activity"
    body = plugin.policies["whodid-activity"]["policy"]
    assert [(state["actions"], state["transitions"]) for state in body["states"]] == [([], [])]


def test_where_apply_deletes_no_policy_does() -> None:
    plugin = Plugin(**{AUGUST: None})
    run(plugin, meta(activity=365), deletes=False)
    body = plugin.policies["whodid-activity"]["policy"]
    assert [(state["actions"], state["transitions"]) for state in body["states"]] == [([], [])]


def test_an_index_that_somebody_gave_to_a_policy_of_their_own_is_left_to_it() -> None:
    plugin = Plugin(**{AUGUST: ("theirs", 7), SEPTEMBER: None})
    assert run(plugin, meta(activity=365)) == [f"add {SEPTEMBER} whodid-activity"]
    client = Client("http://store.test", Access(), httpx.MockTransport(plugin.answer))
    notes = plan_policies(client, meta(activity=365), plugin.held).notes
    assert notes == [
        f"index {AUGUST} is held by the ISM policy theirs, not by whodid's: left to it",
        "ISM deletes what is older than its retention",
    ]


def test_an_index_that_ism_deletes_meanwhile_is_no_failure() -> None:
    plugin = Plugin(**{AUGUST: None})
    put(Client("http://store.test", Access(), httpx.MockTransport(plugin.answer)), meta(activity=365))
    client = Client("http://store.test", Access(), httpx.MockTransport(plugin.answer))
    assert plan_policies(client, meta(activity=365), ["whodid-activity-2020-01"]).steps == []


def test_what_ism_refuses_is_said_with_its_reason() -> None:
    step = Step("ISM of index a", "", None, {}, "POST")
    with pytest.raises(StateError, match="This index already has a policy"):
        check_handed(step, RECORDED["add again"]["response"])
    check_handed(step, RECORDED["add"]["response"])


def test_a_real_plugin_takes_the_policies_and_finds_nothing_to_change(opensearch: Server) -> None:
    try:
        opensearch.request("GET", POLICIES)
    except urllib.error.HTTPError:
        pytest.skip("this node has no ISM plugin")
    client = Client(opensearch.url, Access())
    try:
        steps = put(client, meta(activity=365, delivery=30))
        assert all(holds(opensearch.request("GET", step.path.partition("?")[0]), step.after) for step in steps)
        assert put(client, meta(activity=365, delivery=30)) == []
    finally:
        for name in ("activity", "delivery"):
            opensearch.request("DELETE", f"{POLICIES}/whodid-{name}")
        client.close()
