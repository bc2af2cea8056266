"""What every Analyst must answer. A subclass gives `open_on`: from items to a reader of a store that has them."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support import counted
from support.questions import RECORDS, START, queries
from support.records import identifier, item, records, stamp
from support.serving import HOSTILE
from whodid_indexer.query.axis import AXES, field_of_axis, without_own
from whodid_indexer.query.counting import Axis, Interval, Measure, Stats, Totals
from whodid_indexer.query.model import ALL, AuditQuery, Group, Term, Text
from whodid_indexer.store.base import Item, Reader
from whodid_schema.errors import BadQuery
from whodid_schema.folding import shadow
from whodid_schema.record import Actor, Client, Record, Ref, Target

StoreOn = Callable[[Sequence[Item]], Reader]

NOW = START + 7 * 86_400_000_000
EVERY = [*AXES, "meta.plan.name", "meta.a", "meta.a.b"]
REAL = list(records(11, 500, START, 1_200_000_000, actors=60))
ODD = RECORDS[:200]
SEARCHED = [
    ("actor", "chlo\u00c9"),
    ("actor", "USER1"),
    ("actor", "shop/"),
    ("target", "note:1"),
    ("workspace", "ace 1"),
]
SEARCHED += [
    ("ip", "10.1."),
    ("meta.plan.name", "er"),
    ("action", "nowhere"),
    ("device", "chrome"),
    ("changed", "hour"),
]


def signed(number: int, moment: datetime, **fields: object) -> Record:
    time = stamp(round(moment.timestamp() * 1_000_000))
    return msgspec.structs.replace(
        Record(timestamp=time, received_at=time, id=identifier(number), surface="activity"), **fields
    )


def questions() -> Iterator[AuditQuery]:
    """Queries with a term of each kind, own axes among them."""
    yield ALL
    yield AuditQuery(START + 100_000_000_000, START + 300_000_000_000)
    yield AuditQuery(terms=(Term("verb", ("sign_in", "create")), Term("outcome", ("failure",), negated=True)))
    yield AuditQuery(terms=(Term("actor", ("shop/user:1", "user2@example.com")), Term("role", ("member",))))
    yield AuditQuery(terms=(Term("ip", ("10.0.0.0/8",)), Term("type", ("note",)), Term("workspace", ("ws-1*",))))
    yield AuditQuery(terms=(Term("meta.plan.name", ("a*",)),), texts=(Text("created"), Text("amber", negated=True)))
    yield AuditQuery(
        terms=(Term("actor.type", ("user",)),),
        groups=(Group((Term("verb", ("delete",)), Term("outcome", ("failure",)), Text("quota")), any=True),),
    )
    yield AuditQuery(groups=(Group((Term("role", ("member",)), Group((Text("did"),), negated=True)), negated=True),))


QUESTIONS = list(questions())


def check_facets(store: Reader, among: Sequence[Record], query: AuditQuery, axes: Sequence[Axis]) -> None:
    """The store's facets are the reference's; a label is one of the spellings."""
    for axis, found in zip(axes, store.facets(query, axes), strict=True):
        wanted = counted.facet(among, query, axis)
        assert [(one.value, one.count) for one in found.values] == [(one.value, one.count) for one in wanted.values]
        assert (found.axis, found.other, found.complete) == (wanted.axis, wanted.other, True), axis
        assert found.values_in_all in (None, wanted.values_in_all), axis
        spellings = {(one.value, one.label) for record in among for one in counted.seen(record, axis.name)}
        for one in found.values:
            assert (one.value, one.label) in spellings or shadow(one.label) == one.value, axis


def check_stats(store: Reader, among: Sequence[Record], query: AuditQuery, measure: Measure) -> Stats:
    """The store's statistics are the reference's."""
    found = store.stats(query, measure)
    chosen = counted.chosen(among, query)
    since, until = counted.spread(among, query, measure)
    assert (found.since, found.until, found.zone) == (since, until, measure.zone)
    assert found.current == counted.totals(chosen)
    assert found.interval == (measure.interval or found.interval)
    assert sum(bucket.auth + bucket.write + bucket.other for bucket in found.series) == len(chosen)
    if since is not None and since < until:
        edges = counted.edges(since, until, found.interval, measure.zone)
        assert [bucket.start for bucket in found.series] == edges[:-1]
        assert [bucket.end for bucket in found.series] == edges[1:]
    else:
        assert found.series == ()
    for bucket in found.series:
        inside = [record for record in chosen if bucket.start <= counted.micros(record) < bucket.end]
        kinds = [counted.kind(record) for record in inside]
        assert (bucket.auth, bucket.write, bucket.other) == tuple(map(kinds.count, ("auth", "write", "other")))
    kinds = list(map(counted.kind, chosen))
    assert found.mix == {name: kinds.count(name) for name in ("auth", "write", "other")}
    assert [(one.key, one.count, one.last_seen) for one in found.actors] == counted.actors(chosen, measure.actors)
    categories = counted.facet(chosen, ALL, Axis("category", 20)).values
    assert [(one.value, one.count) for one in found.categories] == [(one.value, one.count) for one in categories]
    _check_previous(found, among, query)
    return found


def _check_previous(found: Stats, among: Sequence[Record], query: AuditQuery) -> None:
    if query.since is None:
        assert (found.previous, found.previous_since) == (None, None)
        return
    assert found.since is not None
    assert found.until is not None
    assert found.previous_since == found.since - (found.until - found.since)
    before = msgspec.structs.replace(query, since=found.previous_since, until=found.since)
    assert found.previous == counted.totals(counted.chosen(among, before))


class AnalystContract:
    examples = 60
    """Of each property; a store that answers slowly is asked less."""

    def test_every_axis_counts_as_reading_every_record_does(self, open_on: StoreOn) -> None:
        store = open_on([item(record) for record in REAL])
        for query in QUESTIONS:
            check_facets(store, REAL, query, [Axis(name) for name in EVERY])

    def test_odd_values_are_counted_as_they_are_compared(self, open_on: StoreOn) -> None:
        store = open_on([item(record) for record in ODD])
        for query in (ALL, AuditQuery(terms=(Term("app", ("a*",), negated=True),))):
            check_facets(store, ODD, query, [Axis(name, limit=100) for name in EVERY])

    def test_a_shown_count_is_the_number_of_rows_behind_it(self, open_on: StoreOn) -> None:
        store = open_on([item(record) for record in RECORDS])

        @settings(max_examples=self.examples, deadline=None, suppress_health_check=list(HealthCheck))
        @given(queries, st.lists(st.sampled_from(EVERY), min_size=1, max_size=3, unique=True))
        def every(query: AuditQuery, names: list[str]) -> None:
            for facet in store.facets(query, [Axis(name, limit=4) for name in names]):
                bare = without_own(query, facet.axis)
                field = field_of_axis(facet.axis)
                for one in facet.values:
                    click = msgspec.structs.replace(bare, terms=(*bare.terms, Term(field, (one.value,))))
                    assert store.count(click) == one.count, (facet.axis, one)
            check_facets(store, RECORDS, query, [Axis(name, limit=4) for name in names])

        every()

    def test_an_axis_does_not_count_under_its_own_terms_but_under_those_in_groups(self, open_on: StoreOn) -> None:
        store = open_on([item(record) for record in REAL])
        own = AuditQuery(terms=(Term("verb", ("create",)), Term("verb", ("deny",), negated=True)))
        (verbs,) = store.facets(own, [Axis("verb")])
        assert verbs == store.facets(ALL, [Axis("verb")])[0]
        nested = AuditQuery(groups=(Group((Term("verb", ("create",)),)),))
        assert [one.value for one in store.facets(nested, [Axis("verb")])[0].values] == ["create"]
        people = AuditQuery(terms=(Term("actor", ("user1@example.com",)), Term("actor.key", ("shop/user:1",))))
        assert store.facets(people, [Axis("actor")]) == store.facets(ALL, [Axis("actor")])

    def test_selected_values_are_shown_also_at_nothing(self, open_on: StoreOn) -> None:
        store = open_on([item(record) for record in REAL])
        query = AuditQuery(terms=(Term("verb", ("delete",)),))
        axes = [
            Axis("verb", limit=1, selected=("UPDATE", "bounce")),
            Axis("role", selected=("nobody", "mem*")),
            Axis("actor", limit=2, contains="ana", selected=("shop/user:7", "shop/user:nobody")),
            Axis("ip", limit=0, selected=("10.1.0.1", "192.0.2.1")),
            Axis("target", limit=0, selected=("note:nothing",)),
            Axis("workspace", limit=1, selected=("Workspace 3",)),
        ]
        check_facets(store, REAL, query, axes)
        values = {one.value: one.count for one in store.facets(query, axes[:1])[0].values}
        assert {"update", "bounce"} <= set(values)
        assert values["bounce"] == 0

    def test_an_axis_is_searched(self, open_on: StoreOn) -> None:
        few = REAL[:300]
        store = open_on([item(record) for record in few])
        for axis, text in SEARCHED:
            check_facets(store, few, ALL, [Axis(axis, 5, text)])
            assert bool(store.facets(ALL, [Axis(axis, 5, text)])[0].values) == (text != "nowhere"), axis

    def test_values_and_the_others_are_all(self, open_on: StoreOn) -> None:
        store = open_on([item(record) for record in REAL])
        for facet in store.facets(ALL, [Axis(name, limit=2) for name in ("action", "actor", "workspace", "ip")]):
            shown = sum(one.count for one in facet.values)
            field = field_of_axis(facet.axis)
            assert shown + facet.other == store.count(AuditQuery(terms=(Term(field, ("*",)),)))

    def test_an_empty_store_and_an_empty_range_have_empty_facets(self, open_on: StoreOn) -> None:
        store = open_on([])
        axes = [Axis(name) for name in EVERY]
        check_facets(store, [], ALL, axes)
        check_facets(store, [], AuditQuery(START, START + 1), axes)
        assert store.facets(ALL, []) == []

    def test_a_name_may_be_an_alias(self, open_on: StoreOn) -> None:
        store = open_on([item(record) for record in REAL[:20]])
        assert store.facets(ALL, [Axis("who")]) == store.facets(ALL, [Axis("actor")])

    @pytest.mark.parametrize("name", ["", "actr", "meta.", "id", "session", "q", "x" * 500, "'; --", "\0"])
    def test_an_axis_that_there_is_not_is_refused(self, open_on: StoreOn, name: str) -> None:
        with pytest.raises(BadQuery):
            open_on([]).facets(ALL, [Axis("verb"), Axis(name)])

    def test_a_bad_query_is_refused(self, open_on: StoreOn) -> None:
        store = open_on([])
        bad = AuditQuery(terms=(Term("verb", ("frobnicate",)),))
        with pytest.raises(BadQuery):
            store.facets(bad, [Axis("app")])
        with pytest.raises(BadQuery):
            store.facets(ALL, [Axis("verb", selected=("frobnicate",))])
        with pytest.raises(BadQuery):
            store.stats(bad, Measure(NOW))

    def test_hostile_values_are_values_and_what_cannot_be_asked_for_is_among_the_others(self, open_on: StoreOn) -> None:
        evil = [
            signed(
                number,
                datetime(2026, 11, 18, 8, 0, number, tzinfo=UTC),
                action=text,
                verb=text,
                kind=text,
                category=text,
                actor=Actor("user", text, text, text, text, text, key=f"shop/user:{text}"),
                workspace=Ref(text, text),
                target=Target(text, text, text),
                targets=[Target(text, text, text)],
                target_types=[text],
                client=Client(text, text, text),
                changed=[text],
                meta=[shadow(f"a={text}")],
                reason=text,
            )
            for number, text in enumerate([*HOSTILE.values(), "*", "a*b", "**", "x" * 3_000, "\u00e9" * 1_010, ""])
        ]
        store = open_on([item(record) for record in evil])
        check_facets(store, evil, ALL, [Axis(name, limit=50) for name in EVERY])
        check_stats(store, evil, ALL, Measure(NOW, actors=50))

    @pytest.mark.parametrize("interval", ["hour", "day", "week", None])
    def test_statistics_are_those_of_reading_every_record(self, open_on: StoreOn, interval: Interval | None) -> None:
        few = REAL[:400]
        store = open_on([item(record) for record in few])
        for query in QUESTIONS:
            check_stats(store, few, query, Measure(NOW, interval, "America/New_York", actors=3))

    def test_statistics_of_any_query_agree(self, open_on: StoreOn) -> None:
        store = open_on([item(record) for record in RECORDS])

        @settings(max_examples=self.examples, deadline=None, suppress_health_check=list(HealthCheck))
        @given(queries)
        def every(query: AuditQuery) -> None:
            check_stats(store, RECORDS, query, Measure(START + 1_000))

        every()

    @pytest.mark.parametrize(
        ("zone", "first", "hours", "days"),
        [
            ("Europe/Berlin", "2026-03-29", 23, [23]),
            ("Europe/Berlin", "2026-10-25", 25, [25]),
            ("Australia/Lord_Howe", "2026-10-04", 23, [23.5]),
            ("Australia/Lord_Howe", "2026-04-05", 24, [24.5]),
            ("Africa/Cairo", "2026-04-24", 23, [23]),
            ("Asia/Kathmandu", "2026-04-05", 24, [24]),
        ],
    )
    def test_days_on_which_the_clocks_change_have_the_hours_that_they_have(
        self, open_on: StoreOn, zone: str, first: str, hours: int, days: list[float]
    ) -> None:
        where = ZoneInfo(zone)
        midnight = datetime.fromisoformat(first).replace(tzinfo=where)
        begin, end = midnight.astimezone(UTC), (midnight + timedelta(days=1)).astimezone(UTC)
        among = [
            signed(number, begin + timedelta(minutes=10 * number), kind=("auth", "write", "read")[number % 3])
            for number in range(-30, 180)
        ]
        among = [msgspec.structs.replace(record, id=identifier(place)) for place, record in enumerate(among)]
        store = open_on([item(record) for record in among])
        query = AuditQuery(round(begin.timestamp() * 1_000_000), round(end.timestamp() * 1_000_000))
        hourly = check_stats(store, among, query, Measure(NOW, "hour", zone))
        assert len(hourly.series) == hours
        daily = check_stats(store, among, query, Measure(NOW, "day", zone))
        assert [(bucket.end - bucket.start) / 3_600_000_000 for bucket in daily.series] == days
        weekly = check_stats(store, among, query, Measure(NOW, "week", zone))
        assert [_weekday(bucket.start, where) for bucket in weekly.series] == [0]

    def test_intervals_without_records_are_there(self, open_on: StoreOn) -> None:
        among = [signed(number, datetime(2026, 11, 1 + 9 * number, 12, tzinfo=UTC)) for number in range(3)]
        found = check_stats(open_on([item(record) for record in among]), among, ALL, Measure(NOW, "day"))
        assert [bucket.other for bucket in found.series][:19] == [1, *[0] * 8, 1, *[0] * 8, 1]

    def test_a_range_without_an_end_ends_now_or_behind_its_last_record(self, open_on: StoreOn) -> None:
        among = [signed(1, datetime(2026, 11, 20, tzinfo=UTC))]
        last = counted.micros(among[0])
        store = open_on([item(record) for record in among])
        assert store.stats(ALL, Measure(last - 5)).until == last + 1
        assert store.stats(ALL, Measure(last + 5)).until == last + 5
        assert store.stats(ALL, Measure(last + 5)).since == last
        assert store.stats(AuditQuery(last - 10), Measure(last + 5)).previous_since == last - 25

    def test_an_empty_store_has_figures_of_nothing(self, open_on: StoreOn) -> None:
        store = open_on([])
        found = check_stats(store, [], ALL, Measure(NOW))
        assert (found.current, found.since, found.previous, found.actors) == (Totals(), None, None, ())
        ranged = check_stats(store, [], AuditQuery(NOW - 7 * 86_400_000_000), Measure(NOW, "day"))
        assert (ranged.previous, len(ranged.series)) == (Totals(), 7 if NOW % 86_400_000_000 == 0 else 8)
        assert check_stats(store, [], AuditQuery(NOW + 50), Measure(NOW)).series == ()

    def test_the_period_before_is_compared(self, open_on: StoreOn) -> None:
        store = open_on([item(record) for record in REAL])
        query = AuditQuery(START + 200_000_000_000, START + 300_000_000_000, (Term("kind", ("auth",)),))
        found = check_stats(store, REAL, query, Measure(NOW))
        assert found.previous is not None
        assert found.previous.total > 30

    @pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "/etc/localtime", "\0", "x" * 500])
    def test_a_zone_that_there_is_not_is_refused(self, open_on: StoreOn, zone: str) -> None:
        with pytest.raises(BadQuery, match="time zone"):
            open_on([]).stats(ALL, Measure(NOW, zone=zone))

    def test_a_series_of_too_many_buckets_is_refused(self, open_on: StoreOn) -> None:
        store = open_on([])
        with pytest.raises(BadQuery, match="10,000"):
            store.stats(AuditQuery(NOW - 10_002 * 3_600_000_000), Measure(NOW, "hour"))
        assert len(store.stats(AuditQuery(NOW - 9_990 * 3_600_000_000), Measure(NOW, "hour")).series) > 9_989

    def test_initials_and_names_come_with_top_actors(self, open_on: StoreOn) -> None:
        among = [
            signed(number, datetime(2026, 11, 20, 0, 0, number, tzinfo=UTC), actor=actor)
            for number, actor in enumerate(
                [
                    *[Actor(name="Ana Ruiz", key="a/user:1")] * 3,
                    *[Actor(email="dev.patel@example.com", key="a/user:2")] * 2,
                    Actor(id="root", key="a/user:3"),
                ]
            )
        ]
        found = check_stats(open_on([item(record) for record in among]), among, ALL, Measure(NOW))
        assert [(one.name, one.initials) for one in found.actors] == [
            ("Ana Ruiz", "AR"),
            ("dev.patel@example.com", "DP"),
            ("root", "RO"),
        ]


def _weekday(moment: int, zone: ZoneInfo) -> int:
    return (counted.EPOCH + timedelta(microseconds=moment)).astimezone(zone).weekday()
