"""The JSON Schema (2020-12) of a profile's file, made of the tables that the reader goes by.

`whodid-agent profile schema` prints it; editors complete and check profiles with it.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from whodid_agent.normalise.draft import SLOTS
from whodid_agent.normalise.language.expression import MEMBERS
from whodid_agent.normalise.language.parts import CASE_KEYS, DROP_KEYS, SHAPE_KEYS
from whodid_agent.normalise.language.slots import SHORT, WORDS
from whodid_schema import taxonomy
from whodid_schema.jsonschema import DIALECT

Form = dict[str, Any]

_TEXT: Form = {"type": "string", "minLength": 1}
_TEXTS: Form = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_SCALAR: Form = {"type": ["string", "number", "boolean"]}


def _ref(name: str) -> Form:
    return {"$ref": f"#/$defs/{name}"}


def _closed(properties: Mapping[str, Form], *required: str) -> Form:
    form: Form = {"type": "object", "additionalProperties": False, "properties": dict(properties)}
    return form | ({"required": list(required)} if required else {})


def _one_or_many(form: Form) -> Form:
    return {"anyOf": [form, {"type": "array", "items": form}]}


def _words(*words: str) -> Form:
    return {"enum": list(words)}


_PATHS = _one_or_many({"anyOf": [_ref("path"), _ref("json")]})
_TABLE: Form = {"type": "object", "minProperties": 1}

_SHAPE = _closed(
    dict.fromkeys(("has", "any", "objects", "words"), _TEXTS)
    | {"only": {"type": "array", "items": _SCALAR}, "prefix": {"type": "object", "additionalProperties": _SCALAR}}
    | {"one_of": {"type": "object", "additionalProperties": {"type": "array", "items": _SCALAR}}},
    "has",
)
_DROP = _closed(
    {"name": _TEXT, "when": {"type": "object", "additionalProperties": _TEXTS}, "same": _TEXTS},
    "name",
)
_CASE = _closed(
    {"name": _SCALAR, "event": {"type": ["object", "string"]}, "expect": {"type": "object"}, "drop": _TEXT}, "event"
)

PARTS: Mapping[str, tuple[str, Form]] = MappingProxyType(
    {
        "profile": ("its name", {"type": "string", "pattern": "^[A-Za-z0-9-]*[A-Za-z0-9][A-Za-z0-9-]*$"}),
        "title": ("one line for `profile list`", _TEXT),
        "source": ("where the format is documented", _TEXT),
        "proven": ("whether events that the format's maker published are behind the tests", {"type": "boolean"}),
        "extends": ("the profile that it takes over", _TEXT),
        "app": ("the application, where neither event nor input says it", _TEXT),
        "recognise": ("the shapes that tell its events", _one_or_many(_SHAPE)),
        "split": (
            "the key under which a body holds many events",
            {"anyOf": [_TEXT, _closed({"path": _TEXT, "beside": {"type": "array", "items": _SCALAR}}, "path")]},
        ),
        "unfold": ("the key under which an event may hold several things, each of which is an event", _TEXT),
        "native_id": ("the application's own ids, which name the event together", _TEXTS),
        "nobody": ("who acted where no actor is named", _words("system", "anonymous")),
        "assume": ("the outcome where nothing says one", _words("success", "failure", "warning")),
        "names": (
            "of a profile that searches: slot → key names",
            {"type": "object", "additionalProperties": {"type": "array", "items": _TEXT}},
        ),
        "metadata": ("what no other line reads is kept: always `rest`", _words("rest")),
        "lift": ("objects whose members stand at the top of the metadata", _TEXTS),
        "ignore": ("places that are made anew from the others and need not be kept", _TEXTS),
        "mask": ("places whose values are masked", _TEXTS),
        "allow": ("key names that redaction leaves alone, for inputs that name this profile", _TEXTS),
        "categories": ("category → its actions", {"type": "object", "additionalProperties": _one_or_many(_SCALAR)}),
        "actions": (
            "names or patterns of actions → the slots that differ",
            {"type": "object", "additionalProperties": _ref("override")},
        ),
        "drop": ("rules for noise", _one_or_many(_DROP)),
        "tests": ("events, and what their records must hold", {"type": "array", "items": _CASE}),
    }
)
"""Every key of the file that is no slot: what it says, and its form."""

for _known, _form in ((SHAPE_KEYS, _SHAPE), (DROP_KEYS, _DROP), (CASE_KEYS, _CASE)):
    assert set(_known) == _form["properties"].keys()  # noqa: S101  # the reader and the schema know the same keys


def profile_schema() -> Form:
    """The schema of a whole file."""
    parts = {key: form | {"description": says} for key, (says, form) in PARTS.items()}
    return {
        "$schema": DIALECT,
        "$id": "urn:whodid:profile",
        "title": "whodid profile",
        **_closed(parts | _slots({}), "profile"),
        "$defs": {
            "path": _TEXT | {"description": r"a.b, a.0.b, a[key=value].b; `\.` is a dot in a key"},
            "telling": _expression(
                "telling", _TEXT | {"description": "text with {places} and {@target} {@name} {@words} {@changes}"}
            ),
            "value": _expression("value", _ref("path")),
            **{kind: _expression(kind, _ref("path"), *_gathered(members)) for kind, members in MEMBERS.items()},
            "json": _closed({"json": _PATHS, "then": _PATHS}, "json"),
            "override": _closed(_slots({slot: _SCALAR | _verbs(slot) for slot in WORDS})),
        },
    }


def document() -> str:
    """The schema as text, indented, with a newline at its end."""
    return json.dumps(profile_schema(), indent=1, ensure_ascii=False) + "\n"


def _verbs(slot: str) -> Form:
    return {"enum": sorted(taxonomy.VERBS)} if slot == "verb" else {}


def _expression(kind: str, bare: Form, *more: Form) -> Form:
    """What gives a slot of this kind its value; `bare` is what a text there means."""
    again = _ref(kind)
    forms = (
        _closed({"const": {}}, "const"),
        _closed({"map": _PATHS, "table": _TABLE, "else": again}, "map", "table"),
        _closed({"template": {"type": "string", "pattern": r"\{[^{}]+\}"}}, "template"),
        _closed({"if_present": {"anyOf": [_ref("path"), _ref("json")]}, "then": again, "else": again}, "if_present"),
        _ref("json"),
        {"type": "array", "items": again},
        {"type": "null"},
    )
    return {"anyOf": [bare, *forms, *more]}


def _gathered(members: Mapping[str, str]) -> tuple[Form, ...]:
    """One object for each of an array, and several of such."""
    made = {"each": _PATHS, **{name: _ref("value") for name in members}}
    listed: Form = {"type": "array", "minItems": 1, "items": _closed(made)}
    return _closed(made, "each"), *(_closed({key: listed}, key) for key in ("of", "first_of"))


def _slots(words: Mapping[str, Form]) -> dict[str, Form]:
    """The slots as they are nested in a file; those of `words` may be given as the value itself."""
    found: dict[str, Form] = {}
    for slot, kind in SLOTS.items():
        form = _ref(kind if kind in ("telling", *MEMBERS) else "value")
        if slot in words:
            form = {"anyOf": [words[slot], {"allOf": [_ref("value"), {"not": {"type": "string"}}]}]}
        *groups, name = slot.split(".")
        inside = found
        for group in groups:
            inside = inside.setdefault(group, {"anyOf": [_closed({}), {"type": "null"}]})["anyOf"][0]["properties"]
        if name in PARTS:
            continue
        inside[name] = form
    return found | {name: _ref("value") for name in SHORT}
