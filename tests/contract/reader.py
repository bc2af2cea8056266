"""What every Reader must answer. A subclass gives `open_on`: from items to a reader of a store that has them."""

from collections.abc import Callable, Sequence
from itertools import islice

import msgspec
import pytest

from support.records import item, records
from support.scenarios import Scenario, load_all
from whodid_indexer.query.model import ALL, AuditQuery, Group, Member, Term, Text
from whodid_indexer.store.base import Item, Page, Reader
from whodid_schema.errors import BadQuery, UsageError

OpenOn = Callable[[Sequence[Item]], Reader]

START = 1_795_000_000_000_000
MANY = [item(record) for record in records(3, 2_500, START, 1_000)]
CLOSE = [item(record) for record in records(5, 120, START, 3)]
"""All within half a millisecond, of several surfaces."""
SAME = [item(record) for record in records(4, 40, START, 1)]


def ids(bodies: Sequence[bytes]) -> list[str]:
    return [body.partition(b'"id":"')[2][:26].decode() for body in bodies]


def in_order(items: Sequence[Item]) -> list[str]:
    """The ids newest first, by time and then id, read from the records' own JSON."""
    times = {one.id: one.body.partition(b'"@timestamp":"')[2][:27] for one in items}
    return sorted(times, key=lambda identity: (times[identity], identity), reverse=True)


class ReaderContract:
    def queues(self, items: Sequence[Item]) -> list[list[Item]]:
        """The items as the store keeps them: within each list in order of arrival."""
        return [list(items)]

    @pytest.mark.parametrize("scenario", load_all(), ids=lambda scenario: scenario.name)
    def test_every_question_of_a_scenario_finds_its_records_newest_first(
        self, open_on: OpenOn, scenario: Scenario
    ) -> None:
        reader = open_on(list(scenario.items.values()))
        wrong = {}
        for question in scenario.questions:
            found = reader.search(question.query, Page(limit=100))
            names = scenario.names(found.records)
            if names != question.finds or found.total != len(question.finds):
                wrong[question.title] = (names, found.total)
        assert not wrong

    @pytest.mark.parametrize("scenario", load_all(), ids=lambda scenario: scenario.name)
    def test_count_and_scan_agree_with_search(self, open_on: OpenOn, scenario: Scenario) -> None:
        reader = open_on(list(scenario.items.values()))
        for question in scenario.questions:
            assert reader.count(question.query) == len(question.finds), question.title
        for question in scenario.questions[:: 1 + len(scenario.questions) // 40]:  # of many a sample: scans are dear
            assert scenario.names(list(reader.scan(question.query))) == question.finds, question.title
            upwards = list(reader.scan(question.query, ascending=True))
            assert scenario.names(upwards) == question.finds[::-1], question.title

    @pytest.mark.parametrize("scenario", load_all(), ids=lambda scenario: scenario.name)
    def test_a_question_and_its_negation_divide_the_store(self, open_on: OpenOn, scenario: Scenario) -> None:
        reader = open_on(list(scenario.items.values()))
        for question in scenario.questions:
            for one in question.query.terms:
                pair = (Term(one.field, one.values), Term(one.field, one.values, negated=True))
                counts = [reader.count(AuditQuery(terms=(term,))) for term in pair]
                assert sum(counts) == len(scenario.items), one
            for text in question.query.texts:
                both = (Text(text.words, text.phrase), Text(text.words, text.phrase, negated=True))
                counts = [reader.count(AuditQuery(texts=(each,))) for each in both]
                assert sum(counts) == len(scenario.items), text
            members: tuple[Member, ...] = (*question.query.terms, *question.query.texts, *question.query.groups)
            if members:
                every = (Group(members), Group(members, negated=True))
                counts = [reader.count(AuditQuery(groups=(each,))) for each in every]
                assert sum(counts) == len(scenario.items), question.title

    @pytest.mark.parametrize("scenario", load_all(), ids=lambda scenario: scenario.name)
    def test_every_question_is_explained_in_lines(self, open_on: OpenOn, scenario: Scenario) -> None:
        reader = open_on(list(scenario.items.values()))
        for question in scenario.questions:
            lines = reader.explain(question.query)
            assert lines[0].startswith(("SELECT", "GET")), question.title
            assert not any("\n" in line for line in lines), question.title

    def test_an_empty_store_answers_every_question(self, open_on: OpenOn) -> None:
        reader = open_on([])
        assert reader.search(ALL, Page())[:3] == ([], 0, None)
        assert reader.count(ALL) == 0
        assert reader.get("0" * 26) is None
        assert list(reader.scan(ALL)) == []
        assert reader.changes(None).records == []

    def test_records_come_back_byte_for_byte(self, open_on: OpenOn) -> None:
        reader = open_on(MANY)
        sent = {one.id: one.body for one in MANY}
        assert all(sent[ids([body])[0]] == body for body in reader.scan(ALL))
        assert reader.get(MANY[17].id) == MANY[17].body

    @pytest.mark.parametrize("identifier", ["", "7" * 26, "x", "i'; --", 'a" OR "b', "\0", "é" * 26])
    def test_an_id_that_no_record_has_is_not_found(self, open_on: OpenOn, identifier: str) -> None:
        assert open_on(MANY[:5]).get(identifier) is None

    @pytest.mark.parametrize("ascending", [False, True])
    @pytest.mark.parametrize("query", [ALL, AuditQuery(texts=(Text("session"),))], ids=["all", "words"])
    def test_pages_put_together_are_the_whole_list(self, open_on: OpenOn, query: AuditQuery, ascending: bool) -> None:
        reader = open_on(MANY[:300])
        whole = ids(list(reader.scan(query, ascending=ascending)))
        page: Page | None = Page(limit=37, ascending=ascending)
        seen: list[str] = []
        while page is not None:
            found = reader.search(query, page)
            assert found.total == len(whole)
            uncounted = reader.search(query, msgspec.structs.replace(page, counted=False))
            assert (uncounted.records, uncounted.next) == (found.records, found.next)
            seen += ids(found.records)
            page = None if found.next is None else Page(limit=37, after=found.next, ascending=ascending)
        assert seen == whole

    def test_records_of_one_moment_are_paged_by_id(self, open_on: OpenOn) -> None:
        reader = open_on(SAME)
        first = reader.search(ALL, Page(limit=15))
        second = reader.search(ALL, Page(limit=100, after=first.next))
        assert ids(first.records) + ids(second.records) == in_order(SAME)

    @pytest.mark.parametrize("ascending", [False, True])
    def test_records_of_one_millisecond_are_in_order_wherever_they_are_kept(
        self, open_on: OpenOn, ascending: bool
    ) -> None:
        wanted = in_order(CLOSE)[:: -1 if ascending else 1][:20]
        reader = open_on(CLOSE)
        for _ in range(8):  # what is left out where a store has several places depends on which answers first
            assert ids(reader.search(ALL, Page(limit=20, ascending=ascending)).records) == wanted

    def test_an_offset_skips_records_behind_the_place(self, open_on: OpenOn) -> None:
        reader = open_on(MANY[:100])
        whole = in_order(MANY[:100])
        first = reader.search(ALL, Page(limit=10))
        assert ids(reader.search(ALL, Page(limit=10, offset=30)).records) == whole[30:40]
        assert ids(reader.search(ALL, Page(limit=10, after=first.next, offset=5)).records) == whole[15:25]
        assert reader.search(ALL, Page(limit=10, offset=500))[:3] == ([], 100, None)

    def test_a_page_of_none_still_counts(self, open_on: OpenOn) -> None:
        found = open_on(MANY[:30]).search(ALL, Page(limit=0))
        assert (found.records, found.total) == ([], 30)

    def test_a_scan_of_more_than_a_slice_is_complete_and_in_order(self, open_on: OpenOn) -> None:
        assert ids(list(open_on(MANY).scan(ALL))) == in_order(MANY)

    def test_a_scan_may_be_left_in_the_middle(self, open_on: OpenOn) -> None:
        reader = open_on(MANY)
        assert len(list(islice(reader.scan(ALL), 10))) == 10
        assert reader.count(ALL) == len(MANY)

    def test_changes_come_in_order_of_arrival_and_end(self, open_on: OpenOn) -> None:
        reader = open_on(MANY[:250])
        seen: list[str] = []
        cursor: str | None = None
        while True:
            changes = reader.changes(cursor, 100)
            seen += ids([record.body for record in changes.records])
            if not changes.records:
                break
            assert changes.cursor == changes.records[-1].cursor
            cursor = changes.cursor
        assert len(seen) == 250
        for queue in self.queues(MANY[:250]):
            among = {one.id for one in queue}
            assert [identity for identity in seen if identity in among] == [one.id for one in queue]
        assert cursor == reader.now()

    def test_each_change_carries_the_cursor_behind_it(self, open_on: OpenOn) -> None:
        reader = open_on(MANY[:10])
        all_of_them = reader.changes(None).records
        for number, record in enumerate(all_of_them):
            assert reader.changes(record.cursor).records == all_of_them[number + 1 :]

    @pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "99999999999999999999", "999999", "1-0123456789abcdef"])
    def test_a_cursor_of_another_store_is_refused(self, open_on: OpenOn, cursor: str) -> None:
        with pytest.raises(UsageError):
            open_on(MANY[:3]).changes(cursor)

    def test_an_unknown_field_is_refused_with_the_nearest(self, open_on: OpenOn) -> None:
        with pytest.raises(BadQuery, match="actor"):
            open_on([]).count(AuditQuery(terms=(Term("acter", ("ana",)),)))

    def test_the_store_has_its_document(self, open_on: OpenOn) -> None:
        assert open_on([]).meta().schema == 1
