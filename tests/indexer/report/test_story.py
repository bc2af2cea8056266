"""What a report tells of records: their order, what they add up to, and what is left behind."""

from datetime import UTC
from zoneinfo import ZoneInfo

from whodid_indexer.report.story import MOST_ROWS, tell
from whodid_schema.record import Actor, Change, Client, Record, Target

DAY = "2026-11-21T"


def did(time: str, verb: str, *targets: Target, actor: str = "Ana Ruiz", **more: object) -> Record:
    record = Record(
        timestamp=f"{DAY}{time}.000000Z",
        id=f"id{time.replace(':', '')}",
        verb=verb,
        outcome="success",
        description=f"{actor} did {verb}",
        actor=Actor(type="user", name=actor, key=f"shop/user:{actor}"),
        target=targets[0] if targets else None,
        targets=list(targets) or None,
    )
    for name, value in more.items():
        setattr(record, name, value)
    return record


def test_records_stand_in_stretches_of_one_actor_session_and_address() -> None:
    at_home, away = Client(ip="203.0.113.7", device="Chrome 126 on macOS"), Client(ip="198.51.100.2")
    story = tell(
        [
            did("08:00:00", "sign_in", client=at_home, session_id="s1"),
            did("08:01:00", "update", client=at_home, session_id="s1"),
            did("08:02:00", "update", client=away, session_id="s1"),
            did("08:03:00", "update", actor="Bo", client=away, session_id="s1"),
        ],
        UTC,
    )
    (day,) = story.days
    assert day.name == "Saturday 21 November 2026"
    assert [(one.actor, one.ip, len(one.entries)) for one in day.stretches] == [
        ("Ana Ruiz", "203.0.113.7", 2),
        ("Ana Ruiz", "198.51.100.2", 1),
        ("Bo", "198.51.100.2", 1),
    ]
    assert day.stretches[0].device == "Chrome 126 on macOS"


def test_days_are_those_of_the_zone() -> None:
    records = [did("03:30:00", "update"), did("23:30:00", "update")]
    assert [day.name for day in tell(records, ZoneInfo("Asia/Tokyo")).days] == [
        "Saturday 21 November 2026",
        "Sunday 22 November 2026",
    ]


def test_every_record_is_told_once_and_counted_by_outcome() -> None:
    records = [did(f"08:00:{second:02}", "sign_in" if second % 3 else "update") for second in range(30)]
    records[1].outcome = "failure"
    story = tell(records, UTC)
    told = [entry.id for day in story.days for stretch in day.stretches for entry in stretch.entries]
    assert told == [record.id for record in records]
    assert (story.records, story.outcomes) == (30, {"success": 29, "failure": 1})
    assert (story.sign_ins, story.failed_sign_ins) == (20, 1)
    assert [entry.id for entry in story.troubles] == ["id080001"]


def test_a_change_that_the_sentence_tells_is_not_told_twice() -> None:
    told = did("08:00:00", "update", changes=[Change("limit", "30k", "50k"), Change("name", "a", "b")])
    told.description = "Ana Ruiz updated node: limit 30k → 50k"
    (day,) = tell([told], UTC).days
    assert day.stretches[0].entries[0].changes == ("name a → b",)


def test_two_people_of_one_name_are_told_apart() -> None:
    other = did("08:01:00", "update")
    assert other.actor is not None
    other.actor.key = "crm/user:9"
    (row,) = tell([did("08:00:00", "update"), other], UTC).actors.rows
    assert (row.name, row.count, row.more) == ("Ana Ruiz", 2, "shop/user:Ana Ruiz, crm/user:9")


def test_what_was_given_and_not_taken_back_is_left() -> None:
    key, hook, note = Target("api_key", "k1", "ci"), Target("webhook", "w1", "Logging"), Target("note", "n1")
    refused = did("08:03:00", "create", Target("admin", "a9", "Mallory"), outcome="failure")
    story = tell(
        [
            did("08:00:00", "create", key),
            did("08:01:00", "create", hook, Target("workspace", "w", "Acme", relation="in")),
            did("08:02:00", "delete", hook),
            refused,
            did("08:04:00", "update", note),
        ],
        UTC,
    )
    assert [(one.kind, one.name, one.verb) for one in story.kept] == [("api key", "ci", "create")]


def test_a_long_table_says_how_many_rows_it_leaves_out() -> None:
    records = [did("08:00:00", "update", client=Client(ip=f"198.51.100.{number}")) for number in range(MOST_ROWS + 7)]
    table = tell(records, UTC).origins
    assert (len(table.rows), table.left) == (MOST_ROWS, 7)


def test_of_nothing_nothing_is_told() -> None:
    story = tell([], UTC)
    assert (story.records, story.days, story.kept) == (0, (), ())
