"""Events of this week: the demonstration's product by its real way, the agent; or single records, put in directly."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path

import msgspec

from support.records import stamp
from support.running import whodid_agent
from support.serving import make
from whodid_indexer.demo.product import Product
from whodid_schema.record import Record, Target

DAYS = 7


def recent(numbers: Iterable[int], now: datetime, seconds: int = 60) -> list[Record]:
    """Records of an ordinary kind, each a second before the one before it, the first of them `seconds` before now."""
    moments = {number: now - timedelta(seconds=seconds + place) for place, number in enumerate(numbers)}
    written = {number: stamp(int(moment.timestamp() * 1_000_000)) for number, moment in moments.items()}
    return [make(number, timestamp=moment, received_at=moment) for number, moment in written.items()]


def delivered(numbers: Iterable[int], now: datetime) -> list[Record]:
    """What became of the messages of one campaign: half were delivered, the others in turn opened and bounced."""
    campaign = Target(type="broadcast", id="38", name="May Newsletter #38")
    records = []
    for record, verb in zip(recent(numbers, now), cycle(("deliver", "open", "deliver", "bounce")), strict=False):
        target = Target(type="recipient", id=f"{record.id}@example.com")
        refs = [f"recipient:{target.id}", "broadcast:38"]
        records.append(
            msgspec.structs.replace(
                record,
                surface="delivery",
                kind="read",
                verb=verb,
                action=f"message.{verb}",
                target=target,
                targets=[target, campaign],
                target_refs=refs,
                target_types=["recipient", "broadcast"],
            )
        )
    return records


def live_a_week(folder: Path, target: str, now: datetime, seed: int = 1, days: int = DAYS) -> int:
    """Make the product's events of the days up to `now` and have an agent ship them all; how many there are.

    The same seed and the same `now` give the same events.
    """
    logs = folder / "logs"
    logs.mkdir()
    clock = [now]
    product = Product(logs, seed, None, lambda: clock[0])
    for back in reversed(range(days)):
        evening = (now - timedelta(days=back)).replace(hour=21, minute=30, second=0, microsecond=0)
        clock[0] = evening if back else now
        product.a_working_day()
    configuration = folder / "agent.yaml"
    configuration.write_text(
        f"target: {target}\nstate_dir: {folder}/agent-state\ninputs:\n  - file: {logs}/*.jsonl\n", encoding="utf-8"
    )
    whodid_agent("run", "--once", "--config", str(configuration))
    return product.written
