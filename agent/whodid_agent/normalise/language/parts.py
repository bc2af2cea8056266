"""The parts of a profile's document beside its slots: shapes, splits, drop rules, names, categories, tests."""

from collections.abc import Iterator
from typing import Any

from whodid_agent.normalise.draft import GROUPS, SLOTS
from whodid_agent.normalise.language.profile import Case, Drop, Shape, Split
from whodid_agent.normalise.language.reading import Location, Reading
from whodid_agent.normalise.language.slots import SHORT
from whodid_schema.meta import compile_when

SHAPE_KEYS = ("has", "any", "only", "objects", "words", "prefix", "one_of")
DROP_KEYS = ("name", "when", "same")
CASE_KEYS = ("name", "event", "expect", "drop")


def shapes(reading: Reading) -> Iterator[Shape]:
    """What `recognise:` says."""
    for location, shape in reading.listed("recognise"):
        yield _shape(reading, shape, location)


def _shape(reading: Reading, source: Any, location: Location) -> Shape:
    shape = reading.table(source, f"`recognise:` needs some of {', '.join(SHAPE_KEYS)}", *location)
    reading.only(shape, SHAPE_KEYS, *location)
    has, any_of, objects, words = (
        reading.paths(shape.get(key, []), *location, key) for key in ("has", "any", "objects", "words")
    )
    tables: dict[str, dict[str, Any]] = {
        key: reading.table(shape.get(key) or {}, f"`{key}:` maps paths to text", *location, key)
        for key in ("prefix", "one_of")
    }
    if not has:
        raise reading.fault("`recognise:` needs `has:`, the paths that every such event has", *location)
    only = shape.get("only", [])
    if not isinstance(only, list):
        raise reading.fault("`only:` is a list of keys", *location, "only")
    for path, text in tables["prefix"].items():
        if text is None or isinstance(text, dict | list):
            raise reading.fault("`prefix:` maps a path to the text that it begins with", *location, "prefix", path)
    for path, wanted in tables["one_of"].items():
        if not isinstance(wanted, list):
            raise reading.fault("`one_of:` maps a path to a list of words", *location, "one_of", path)
    return Shape(
        has=has,
        any_of=any_of,
        only=frozenset(map(str, only)) if "only" in shape else None,
        objects=objects,
        words=words,
        prefix=tuple(
            (reading.paths(path, *location, "prefix")[0], str(text)) for path, text in tables["prefix"].items()
        ),
        one_of=tuple(
            (reading.paths(path, *location, "one_of")[0], frozenset(str(word).casefold() for word in wanted))
            for path, wanted in tables["one_of"].items()
        ),
    )


def split(reading: Reading) -> Split | None:
    """What `split:` says."""
    source = reading.source.get("split")
    if source is None:
        return None
    if isinstance(source, dict):
        reading.only(source, ("path", "beside"), "split")
    path = source.get("path") if isinstance(source, dict) else source
    beside = source.get("beside", []) if isinstance(source, dict) else []
    if not isinstance(path, str) or not path:
        raise reading.fault("`split:` names the key under which a body holds its events", "split")
    if not isinstance(beside, list):
        raise reading.fault("`beside:` is a list of keys", "split", "beside")
    return Split(path, frozenset(map(str, beside)))


def categories(reading: Reading) -> dict[str, str]:
    """Action (casefolded) → category."""
    source = reading.table(
        reading.source.get("categories", {}), "`categories:` maps a category to its actions", "categories"
    )
    for slug, actions in source.items():
        if not all(isinstance(one, str | int) for one in (actions if isinstance(actions, list) else [actions])):
            raise reading.fault(f"{slug}: expected an action or a list of them", "categories", slug)
    return {
        str(action).casefold(): str(slug)
        for slug, actions in source.items()
        for action in (actions if isinstance(actions, list) else [actions])
    }


def names(reading: Reading) -> dict[str, tuple[str, ...]]:
    """`names:` of a profile that searches: slot → plain key names, the best first."""
    source = reading.table(reading.source.get("names", {}), "`names:` maps what is looked for to key names", "names")
    words = {f"{group}.{how}" for group in (*GROUPS, "other") for how in ("within", "perhaps", "through")}
    reading.only(source, (*SHORT, *SLOTS, *sorted(words), "outcome.error"), "names")
    for slot, found in source.items():
        if not isinstance(found, list) or not all(isinstance(name, str) and name.isalnum() for name in found):
            raise reading.fault(f"{slot}: expected a list of key names in plain letters and digits", "names", slot)
    return {slot: tuple(found) for slot, found in source.items()}


def drops(reading: Reading) -> Iterator[Drop]:
    """The rules of `drop:`."""
    for location, source in reading.listed("drop"):
        rule = reading.table(source, "a drop rule needs a `name:`", *location)
        reading.only(rule, DROP_KEYS, *location)
        if not isinstance(rule.get("name"), str):
            raise reading.fault("a drop rule needs a `name:`", *location)
        when = reading.table(rule.get("when", {}), "`when:` maps fields to values", *location, "when")
        for field, wanted in when.items():
            if not all(isinstance(one, str) for one in (wanted if isinstance(wanted, list) else [wanted])):
                raise reading.fault(f"{field}: expected a text or a list of texts", *location, "when", field)
        drop = Drop(rule["name"], when, reading.paths(rule.get("same", []), *location, "same"))
        if not drop.when and len(drop.same) < 2:
            raise reading.fault("a drop rule needs `when:`, or `same:` with two paths", *location)
        compile_when(drop.when, f"{reading.document.path}:{reading.document.line_of(location)}: {drop.name}")
        yield drop


def cases(reading: Reading) -> Iterator[Case]:
    """The `tests:` of the file."""
    for location, source in reading.listed("tests"):
        case = reading.table(source, "a test needs an `event:` and what to `expect:` of its record", *location)
        reading.only(case, CASE_KEYS, *location)
        if "event" not in case or not isinstance(case.get("expect", {}), dict):
            raise reading.fault("a test needs an `event:` and what to `expect:` of its record", *location)
        yield Case(
            name=str(case.get("name", f"test {location[-1]}")),
            line=reading.document.line_of(location),
            event=case["event"],
            expect=case.get("expect", {}),
            drop=case.get("drop"),
        )
