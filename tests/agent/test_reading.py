"""How well events are read is said: by the metrics while running, by `check` before."""

import json
from pathlib import Path

from prometheus_client import CollectorRegistry

from support.bulk_target import Target
from support.events import FILE, RECEIVED, outcomes, pipeline
from support.running import whodid_agent
from whodid_agent.batch import Batch
from whodid_agent.inputs.contract import Block, Line
from whodid_agent.metrics import REGISTRY
from whodid_agent.normalise.contract import Discard, Origin, Refusal

KNOWN = {
    "id": "1",
    "created_at": "2026-04-30T14:22:11Z",
    "action": "smtp.update",
    "actor_id": "1",
    "actor_email": "a@b.example",
}
UNKNOWN = {"when": 1772704800, "who": "ann", "eventName": "invoice.approve"}
WORDLESS = {"when": 1772704800, "who": "ann", "eventName": "frobnicate"}


def counted(name: str, registry: CollectorRegistry = REGISTRY) -> float:
    return registry.get_sample_value(name, {"input": "reading"}) or 0.0


def test_events_of_no_known_format_and_actions_without_a_verb_are_counted_by_input() -> None:
    before = [counted(f"whodid_agent_events_{name}_total") for name in ("unrecognised", "unmapped")]
    lines = [
        Line(Origin(FILE, number, RECEIVED), json.dumps(event).encode(), number + 1)
        for number, event in enumerate([KNOWN, UNKNOWN, WORDLESS, {"n": 1}])
    ]
    Batch().add("reading", Block("k", 0, 4, lines), pipeline())
    after = [counted(f"whodid_agent_events_{name}_total") for name in ("unrecognised", "unmapped")]
    assert [new - old for new, old in zip(after, before, strict=True)] == [3, 2]


def test_lines_of_plain_text_are_left_out_where_the_input_says_so_and_broken_json_never_is() -> None:
    through = pipeline(drop_text=True)
    for line, kind in ((b"server started", Discard), (b'{"a":1', Refusal), (b"[1,", Refusal), (b"\xff", Refusal)):
        (outcome,) = outcomes(line, through)
        assert isinstance(outcome, kind), line
    (kept,) = outcomes(b"server started", pipeline())
    assert isinstance(kept, Refusal)


def test_check_says_by_which_profiles_the_first_events_are_read_and_which_actions_have_no_verb(tmp_path: Path) -> None:
    log = tmp_path / "app.jsonl"
    wrapped = {"log": json.dumps(KNOWN) + "\n", "stream": "stdout", "time": "2026-04-30T14:22:11Z"}
    log.write_text("".join(json.dumps(event) + "\n" for event in (KNOWN, wrapped, UNKNOWN, WORDLESS, 5)))
    with Target() as target:
        said = whodid_agent(
            "check", str(log), "--target", target.url, "--state-dir", str(tmp_path / "state"), check=False
        ).stdout
    assert "of the first 5 events: 2 as mailer, 2 as generic" in said
    assert "profile infer" in said
    assert "go to quarantine: 1 not_an_object" in said
    assert "actions without a verb: frobnicate (1)" in said
