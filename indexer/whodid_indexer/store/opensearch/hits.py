"""Reading what `_search` answers: the records as bytes, their places in the order, the total.

`_source` is taken as it stands in the answer, without making values of it.
"""

from typing import Any, TypeVar

import msgspec

from whodid_indexer.store.base import Key
from whodid_schema.document import body_of
from whodid_schema.errors import StoreUnreachable

Sorted = tuple[Any, ...]
Kind = TypeVar("Kind")


class TooMuch(StoreUnreachable):
    """The cluster has no memory or no time for so much at once; less may pass."""


class Hit(msgspec.Struct, gc=False):
    """One record: `sort` are the values that the list is ordered by."""

    record: msgspec.Raw = msgspec.field(name="_source", default_factory=msgspec.Raw)
    sort: Sorted = ()

    @property
    def body(self) -> bytes:
        """The record's JSON. Raises StoreUnreachable where the store does not keep it."""
        body = bytes(self.record)
        if not body:
            raise StoreUnreachable("the store keeps no records, only their index (_source)", "run whodid setup --diff")
        return body_of(body)


class _Total(msgspec.Struct):
    value: int


class _Hits(msgspec.Struct):
    hits: list[Hit]
    total: _Total | None = None


class Answer(msgspec.Struct):
    """An answer of `_search`."""

    hits: _Hits
    aggregations: dict[str, Any] = {}

    @property
    def total(self) -> int:
        """How many match, where it was asked for."""
        return 0 if self.hits.total is None else self.hits.total.value


class _Part(msgspec.Struct):
    """One answer among several: what was found, or why not."""

    hits: _Hits | None = None
    error: Any = None
    status: int = 200


class _Parts(msgspec.Struct):
    responses: list[_Part]


NONE = Answer(_Hits([]))
"""What a store without any index answers."""


def read_answer(body: bytes) -> Answer:
    """Raises StoreUnreachable where the body is no answer of `_search`."""
    return _read(body, Answer)


def read_parts(body: bytes) -> list[list[Hit]]:
    """The hits of each search of a `_msearch`. Raises StoreUnreachable where one of them was not answered."""
    found: list[list[Hit]] = []
    for part in _read(body, _Parts).responses:
        if part.hits is None:
            reason = part.error.get("reason") if isinstance(part.error, dict) else part.error
            kind = TooMuch if part.status == 429 else StoreUnreachable
            raise kind(f"a part of the cluster did not answer: {reason}", "ask again")
        found.append(part.hits.hits)
    return found


def _read(body: bytes, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreUnreachable(f"the cluster answered what no OpenSearch does: {error}") from error


def key_of(hit: Hit) -> Key:
    """The hit's place, where the list was ordered by `order`."""
    nanos, identifier = hit.sort
    return Key(int(nanos) // 1_000, str(identifier))


def order(*, ascending: bool) -> list[dict[str, str]]:
    """`sort` for the time order, the id deciding between records of one moment."""
    way = "asc" if ascending else "desc"
    return [{"@timestamp": way}, {"id": way}]


def behind(key: Key) -> list[Any]:
    """`search_after` for a place; `date_nanos` is sorted, and given, as nanoseconds."""
    return [key.micros * 1_000, key.id]
