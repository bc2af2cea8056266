"""Which rows are shown, and the ways to the others; all of them pinned to the list as it was first seen."""

import msgspec
from msgspec import Struct

from whodid_dashboards.viewer.links import Links
from whodid_dashboards.viewer.question import DEEPEST_ROW, ROWS, Question, Snapshot
from whodid_indexer.export.snapshot import place_of
from whodid_indexer.store.base import Found
from whodid_indexer.store.places import format_key


class Paging(Struct, frozen=True):
    """`shown` in words; `pages` are number (0: a gap), address, whether it is this one."""

    shown: str
    pages: tuple[tuple[int, str, bool], ...]
    previous: str | None
    next: str | None


def paging(question: Question, found: Found, links: Links, counted: int | None = None) -> Paging:
    """The paging of a list; `counted` is the total of the figures beside it, None where there are none."""
    shown = _paging(question, found, links)
    if counted is None or counted == found.total:
        return shown
    return msgspec.structs.replace(shown, shown=f"{shown.shown} · events keep coming: the figures count {counted:,}")


def _paging(question: Question, found: Found, links: Links) -> Paging:
    snapshot = str(snapshot_of(question, found))
    if question.after is not None or question.before is not None:
        return _beyond(question, found, links, snapshot)
    number, total = question.page, found.total
    first = (number - 1) * ROWS + 1
    last = min(-(-total // ROWS), DEEPEST_ROW // ROWS)

    def to(page: int) -> str:
        return links.here(("page", str(page)), ("snapshot", snapshot))

    following = to(number + 1) if number < last else None
    if following is None and found.next is not None:
        following = links.here(("after", format_key(found.next)), ("snapshot", snapshot))
    shown = f"{first:,}–{first + len(found.records) - 1:,}" if found.records else "nothing"
    return Paging(
        f"Showing {shown} of {total:,}",
        tuple((page, to(page) if page else "", page == number) for page in _window(number, last)) if last > 1 else (),
        to(number - 1) if number > 1 else None,
        following,
    )


def _beyond(question: Question, found: Found, links: Links, snapshot: str) -> Paging:
    """Behind the numbered pages: next and previous."""
    previous = following = None
    if found.records:
        before = format_key(place_of(found.records[0]))
        previous = links.here(("before", before), ("snapshot", snapshot))
        if found.next is not None:
            following = links.here(("after", format_key(found.next)), ("snapshot", snapshot))
    if question.before is not None and len(found.records) < ROWS:
        previous = links.here(("snapshot", snapshot))
    return Paging(f"Showing {len(found.records):,} of {found.total:,}", (), previous, following)


def snapshot_of(question: Question, found: Found) -> Snapshot:
    """The list as it is now: its newest row (as of now, where another part of it is seen), and what `now` means."""
    if question.snapshot is not None:
        return question.snapshot
    first = question.page == 1 and question.after is None and question.before is None
    top = place_of(found.records[0]).micros if found.records and first else question.now_micros
    return Snapshot(question.now_micros, top, found.mark)


def _window(number: int, last: int) -> list[int]:
    """First, last, and those around this one; 0 where some are left out."""
    wanted = sorted({1, last, *(page for page in range(number - 2, number + 3) if 1 <= page <= last)})
    found: list[int] = []
    for page in wanted:
        if found and page > found[-1] + 1:
            found.append(0)
        found.append(page)
    return found
