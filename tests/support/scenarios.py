"""Scenario files: records, questions and the records that answer them, the same for every store.

records:                                  name → the record; `id` and `received_at` are filled in, `@timestamp` too
  ana-writes: {verb: create, actor: {name: Ana}}      where it is not given: a second after the one before
queries:
  - ask: {actor: [ana], not-verb: [read]}       the flags' names; q, since, until, last as well
    finds: [ana-writes]                         newest first
  - {ask: "actor:ana -verb:read", finds: [ana-writes]}      a text is a `q`; `identity` and `mine` as flags
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from support.records import stamp
from whodid_indexer.query.identity import parse_identities
from whodid_indexer.query.model import AuditQuery
from whodid_indexer.query.parse import Context, Filter, read_query
from whodid_indexer.store.base import Item
from whodid_schema.fields import FIELDS, META_PREFIX
from whodid_schema.identity import native_id

FOLDER = Path(__file__).parent.parent / "scenarios"
GUIDE = Path(__file__).parent.parent.parent / "docs" / "queries.md"
NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
_FIRST = 1_795_248_000_000_000 - 3_600_000_000
_FIELD_OF = {field.flag: name for name, field in FIELDS.items()}


class Question(NamedTuple):
    """One query of a scenario, with the names of the records that answer it, newest first."""

    title: str
    query: AuditQuery
    finds: list[str]


class Scenario(NamedTuple):
    """One file."""

    name: str
    items: dict[str, Item]
    questions: list[Question]

    def names(self, bodies: list[bytes]) -> list[str]:
        """The names of records."""
        by_id = {item.id: name for name, item in self.items.items()}
        return [by_id[msgspec.json.decode(body)["id"]] for body in bodies]


def load_all() -> list[Scenario]:
    """Every scenario there is."""
    paths = sorted(FOLDER.glob("*.yaml"))
    documents = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths} | {"guide": guide()}
    return [_scenario(name, document) for name, document in documents.items() if "queries" in document]


def guide() -> dict[str, Any]:
    """The records and questions of the query guide, in the form of a scenario file."""
    chapter = GUIDE.read_text(encoding="utf-8").partition("## The query language\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(.+)` \| .* \|(.*)\|$", chapter, re.MULTILINE)
    queries = [{"ask": ask, "finds": re.findall(r"[\w-]+", finds)} for ask, finds in rows]
    return {"records": yaml.safe_load(chapter.partition("```yaml\n")[2].partition("```")[0]), "queries": queries}


def _scenario(name: str, document: dict[str, Any]) -> Scenario:
    items = {
        title: _item(title, fields or {}, number) for number, (title, fields) in enumerate(document["records"].items())
    }
    questions = [Question(str(entry["ask"]), query_of(entry["ask"]), entry["finds"]) for entry in document["queries"]]
    return Scenario(name, items, questions)


def _item(title: str, fields: dict[str, Any], number: int) -> Item:
    identity = native_id("scenario", [title], b"")
    time = stamp(_FIRST + number * 1_000_000)
    record = {"@timestamp": time, "received_at": time, "id": identity, "surface": "activity"} | fields
    return Item(f"whodid-{record['surface']}", identity, msgspec.json.encode(record))


def query_of(ask: dict[str, Any] | str) -> AuditQuery:
    """The query that flags of these names ask for; a text alone is a `q`."""
    rest: dict[str, Any] = {"q": ask} if isinstance(ask, str) else dict(ask)
    texts = rest.pop("q", [])
    times = {name: rest.pop(name, None) for name in ("last", "since", "until")}
    mine, me = rest.pop("mine", False), parse_identities(rest.pop("identity", []))
    filters: list[Filter] = []
    for flag, values in rest.items():
        bare = flag.removeprefix("not-")
        field = bare if bare.startswith(META_PREFIX) else _FIELD_OF.get(bare, bare)
        filters += [(field, value, flag != bare) for value in values]
    said = [texts] if isinstance(texts, str) else texts
    return read_query(filters, said, **times, mine=mine, context=Context(NOW, me=me)).query
