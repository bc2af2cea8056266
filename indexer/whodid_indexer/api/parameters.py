"""A request's parameters as values: filters by the command line's names, `query` for programs, and the rest.

    actor=ana&actor=bob&not-verb=read&meta.plan=pro&q="api key"&last=7d        as on the command line
    query={"since":…,"terms":[…],"texts":[…]}                               an AuditQuery as JSON, in their place

A name may be written as a query has it (`actor.type`) or as a flag has it (`actor-type`).
"""

import difflib
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, tzinfo

import msgspec

from whodid_indexer.api.problem import UnknownParameter
from whodid_indexer.query.access import EVERYTHING, Access, restrict
from whodid_indexer.query.check import check_query
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.query.own import without_own
from whodid_indexer.query.parse import Context, Filter, Hint, read_query
from whodid_indexer.store.base import Key
from whodid_indexer.store.places import parse_key
from whodid_schema.errors import UsageError
from whodid_schema.fields import ALIASES, FIELDS, META_PREFIX

_FIELD_OF = {name.replace(".", "-"): name for name in FIELDS} | {name: name for name in FIELDS} | dict(ALIASES)
FILTERS = frozenset({*_FIELD_OF, *(f"not-{name}" for name in _FIELD_OF), "q", "since", "until", "last", "query"})
"""The parameters that say which records are meant; beside them `meta.<path>` and `not-meta.<path>`."""

_decode_query = msgspec.json.Decoder(AuditQuery, strict=True).decode


class Parameters:
    """The parameters of one request, all known. Raises UnknownParameter, naming the nearest known one."""

    def __init__(self, given: Iterable[tuple[str, str]], known: Collection[str]) -> None:
        self._given = list(given)
        self.hints: tuple[Hint, ...] = ()
        """What in `q` may have been meant otherwise; known when `query` was called."""
        for name, _ in self._given:
            if name not in known and not ("query" in known and _is_meta(name)):
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known)) or 'none'}"
                raise UnknownParameter(f"there is no parameter {name!r} here", hint)

    def query(self, access: Access = EVERYTHING, now: datetime | None = None, zone: tzinfo = UTC) -> AuditQuery:
        """What the filters ask for, of what the access allows; `now` and `zone` are what their times mean.

        Raises BadQuery or UsageError.
        """
        whole = self.one("query")
        context = Context(now or datetime.now(UTC), zone, access.me)
        asked = self._said(context) if whole is None else self._whole_query(whole)
        return restrict(asked, access)

    def _said(self, context: Context) -> AuditQuery:
        parsed = read_query(
            self._filters(),
            self.all("q"),
            last=self.one("last"),
            since=self.one("since"),
            until=self.one("until"),
            context=context,
        )
        self.hints = parsed.hints
        return without_own(parsed.query)

    def _filters(self) -> Iterator[Filter]:
        for name, value in self._given:
            field = name.removeprefix("not-")
            if field in _FIELD_OF or _is_meta(name):
                yield _FIELD_OF.get(field, field), value, name.startswith("not-")

    def _whole_query(self, text: str) -> AuditQuery:
        if beside := sorted({name for name, _ in self._given if name in FILTERS or _is_meta(name)} - {"query"}):
            raise UsageError(
                f"query= is the whole question; beside it stands {', '.join(beside)}", "give one or the other"
            )
        try:
            query = _decode_query(text)
        except (msgspec.DecodeError, RecursionError) as error:
            raise UsageError(f"query= is not an AuditQuery as JSON: {error}") from error
        check_query(query)
        return query

    def all(self, name: str) -> list[str]:
        """Every value of a parameter, in order."""
        return [value for given, value in self._given if given == name]

    def one(self, name: str) -> str | None:
        """The value of a parameter that may stand once. Raises UsageError where it stands twice."""
        values = self.all(name)
        if len(values) > 1:
            raise UsageError(f"the parameter {name!r} stands {len(values)} times", "give it once")
        return values[0] if values else None

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number within bounds. Raises UsageError."""
        text = self.one(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
            raise UsageError(f"{name}={text}: not a whole number from {least} to {most}")
        return int(text)

    def ascending(self) -> bool:
        """Whether `order=asc` was asked for; `desc` is the default. Raises UsageError."""
        order = self.one("order")
        if order not in (None, "asc", "desc"):
            raise UsageError(f"order={order}: not an order", "asc or desc")
        return order == "asc"

    def key(self, name: str) -> Key | None:
        """A place that a page named. Raises UsageError."""
        text = self.one(name)
        return None if text is None else parse_key(text, name)


def _is_meta(name: str) -> bool:
    return name.removeprefix("not-").startswith(META_PREFIX)
