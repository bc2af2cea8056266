"""What is older than its retention when it arrives: counted and named, or imported into a class of its own."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from support.running import whodid, whodid_agent
from support.serving import Server
from whodid_agent.expired import EXAMPLES, Example, Expired, Found, merge


def event(number: int, age: timedelta) -> str:
    time = (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return json.dumps({"id": f"e{number}", "time": time, "action": "invoice.update", "actor": {"id": str(number)}})


def store_of(folder: Path, **retention: str) -> Server:
    config = folder / "whodid.yaml"
    config.write_text(f"store: sqlite://{folder}/audit.db\nretention: {json.dumps(retention)}\n")
    whodid("setup", "--config", str(config))
    return Server(folder)


def run(server: Server, folder: Path, state: str, *arguments: str) -> dict[str, Any]:
    """One run of the agent to the end of the file; its status."""
    where = ("--state-dir", str(folder / state))
    whodid_agent("run", str(folder / "app.jsonl"), "--once", "--target", server.url, *where, *arguments)
    answer: dict[str, Any] = json.loads(whodid_agent("status", *where, "--format", "json").stdout)
    return answer


def test_what_is_too_old_is_counted_with_its_times_and_examples_and_can_be_imported(tmp_path: Path) -> None:
    ages = [timedelta(days=1), timedelta(days=29, hours=23), timedelta(days=31), timedelta(days=400)]
    (tmp_path / "app.jsonl").write_text("".join(event(n, age) + "\n" for n, age in enumerate(ages)))
    with store_of(tmp_path, activity="30d") as server:
        first = run(server, tmp_path, "one")
        totals = first["totals"]
        assert (totals["decoded"], totals["indexed"], totals["expired"], totals["in_flight"]) == (4, 2, 2, 0)
        found = first["expired"]["activity"]
        assert found["events"] == 2
        assert (found["newest"][:10], found["oldest"][:10]) == tuple(
            (datetime.now(UTC) - age).date().isoformat() for age in ages[2:]
        )
        assert [each["action"] for each in found["examples"]] == ["invoice.update"] * 2
        table = whodid_agent("status", "--state-dir", str(tmp_path / "one")).stdout
        assert "expired: 2 of activity, from " in table

        again = run(server, tmp_path, "two", "--import-old")
        assert (again["totals"]["indexed"], again["totals"]["duplicate"], again["totals"]["expired"]) == (2, 2, 0)
        assert "expired" not in again
        assert whodid("count", "--store", server.url).stdout == "4\n"

        store = ("--store", server.store, "--format", "json")
        parts = json.loads(whodid("retention", "plan", *store).stdout)["parts"]
        sent = [part for part in parts if part["class"] != "audit"]  # whodid's own: what was asked above
        assert [(part["class"], part["records"], part["due"]) for part in sent] == [
            ("imported", 2, False),
            ("activity", 2, False),
        ]
        assert json.loads(whodid("retention", "apply", *store).stdout)["deleted"] == []


def test_the_first_examples_of_a_class_stay_and_times_widen() -> None:
    total: Found = {}
    for number, time in enumerate(["2020-05", "2019-01", "2021-02", "2020-01", "2020-02", "2020-03", "2020-04"]):
        merge(total, {"activity": Expired(1, time, time, [Example(time, "a", "s", number)])})
    found = total["activity"]
    assert (found.events, found.oldest, found.newest) == (7, "2019-01", "2021-02")
    assert [each.offset for each in found.examples] == list(range(EXAMPLES))
