r"""Places in an event: how they are spelt, what stands there, and how it is taken away.

    a.b.0                  keys; `\.` is a dot in a key, a number also indexes an array (an object that stands for one
                           is its only member)
    a[name=email].value    the first member of the array `a` whose `name` is `email` (letter case ignored)
    a[type=x|y].id         the first whose `type` is one of these
    arn[last /]            of a text what stands behind its last `/`; also `[upto /]` (before the last), `[after :]` and
                           `[before :]` (the first)
    user[like *@*|root]    the text where it has one of these forms (letter case ignored), else nothing
    user[unlike unknown]   the text where it has none of them

A step can also lead into JSON that was written into a text; the language spells it `{json: path, then: path}`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from whodid_agent.normalise.remembered import Remembered

MOST_MEMBERS = 100
"""Members of an array that are looked through; what lies behind them stays where it is.

Each costs some microseconds, and a sender writes thousands of them for a few kilobytes.
"""

LONGEST_JSON = 65_536
"""Characters; longer texts are not looked into."""


class Pick(Struct, frozen=True):
    """A step to the first object of an array of which `key` is one of `values` (casefolded)."""

    key: "Steps"
    values: tuple[str, ...]


class Inside(Struct, frozen=True):
    """A step into the JSON of a text; an object or array that stands there already is taken as it is."""


INSIDE = Inside()


class Cut(Struct, frozen=True, dict=True):
    """A step to a part of a text: see `_CUTS`. Nothing where the mark is not in it, or the part is empty."""

    how: str
    mark: str

    @cached_property
    def read(self) -> Callable[[Any], Any]:
        """The part of what stands there."""
        cut, mark = _CUTS[self.how], self.mark
        return lambda value: cut(value, mark) or None if type(value) is str and mark in value else None


class Like(Struct, frozen=True, dict=True):
    """A step that only texts of one of these forms pass (casefolded; a star stands for any text), or `but` these."""

    forms: tuple[str, ...]
    but: bool = False

    @cached_property
    def passes(self) -> Remembered:
        """Of a text whether it passes."""
        # A form with a star at an end is asked without a pattern, in a tenth of the time.
        split = [form.split("*") for form in self.forms]
        whole = frozenset(parts[0] for parts in split if len(parts) == 1)
        begins = tuple(parts[0] for parts in split if len(parts) == 2 and not parts[1])
        ends = tuple(parts[1] for parts in split if len(parts) == 2 and parts[1] and not parts[0])
        within = tuple(parts[1] for parts in split if len(parts) == 3 and not parts[0] and not parts[2])
        others = [
            parts
            for parts in split
            if (len(parts) == 2 and all(parts)) or len(parts) > 3 or (len(parts) == 3 and (parts[0] or parts[2]))
        ]
        fullmatch = re.compile("|".join(f"(?:{'.*'.join(map(re.escape, one))})" for one in others), re.DOTALL).fullmatch
        but = self.but

        def passes(text: str) -> bool:
            text = text[:LONGEST_FORM].casefold()
            return but is not (
                text in whole
                or text.startswith(begins)
                or text.endswith(ends)
                or (within != () and any(part in text for part in within))
                or (others != [] and fullmatch(text) is not None)
            )

        return Remembered(passes)

    @cached_property
    def read(self) -> Callable[[Any], Any]:
        """What stands there, where it passes."""
        passes = self.passes

        def read(value: Any) -> Any:
            text = str(value) if type(value) is int and abs(value) < MOST else value
            return value if type(text) is str and passes[text] else None

        return read


Step = str | Pick | Inside | Cut | Like
Steps = tuple[Step, ...]


class Path(Struct, frozen=True):
    """A place in the event."""

    steps: Steps

    @property
    def top(self) -> str:
        """The key at the event's top that the place lies under."""
        return str(self.steps[0])

    @property
    def indexed(self) -> bool:
        """Whether a step may lead into an array or a text: such places are looked up step by step."""
        return any(type(step) is not str or (step.isascii() and step.isdigit()) for step in self.steps)

    @property
    def outer(self) -> Steps:
        """The objects on the way to what stands there, as steps; a text of which a part is read is no object."""
        cut = next((number for number, step in enumerate(self.steps) if type(step) in (Cut, Like)), len(self.steps))
        return self.steps[: cut - 1]

    @property
    def text(self) -> "Path | None":
        """The place of the text that is looked into, or of which a part or the form is asked; None for others."""
        for number, step in enumerate(self.steps):
            if type(step) in (Inside, Cut, Like):
                return Path(self.steps[:number])
        return None


class BadPathError(ValueError):
    """A text that spells no path."""


_TOKEN = re.compile(
    r"""(?P<step>(?:[^.\\\[]|\\.)+)
    |\[(?P<how>after|before|last|upto|like|unlike)[ ](?P<mark>(?:[^\[\]\\]|\\.)+)\]
    |\[(?P<key>[^\[\]=]+)=(?P<values>[^\[\]]*)\]
    |(?P<dot>\.)|(?P<bad>.)""",
    re.VERBOSE,
)


def parse_path(source: Any) -> Path:
    """The path that `source` spells. Raises BadPathError."""
    if not isinstance(source, str) or not source:
        raise BadPathError(f"a path must be text like `actor.name`, not {'null' if source is None else repr(source)}")
    steps: list[Step] = []
    between = True
    for token in _TOKEN.finditer(source):
        if token["bad"]:
            raise BadPathError(f"{source!r} is not a path: a bracket is written [key=value]; `\\[` is one in a key")
        if (token["step"] is None) == between:
            raise BadPathError(f"{source!r} is not a path: a step is empty")
        between = token["dot"] is not None
        if token["step"]:
            steps.append(re.sub(r"\\(.)", r"\1", token["step"]))
        elif token["key"]:
            values = tuple(table_key(value.strip()) for value in token["values"].split("|"))
            steps.append(Pick(parse_path(token["key"]).steps, values))
        elif token["how"]:
            mark = re.sub(r"\\(.)", r"\1", token["mark"])
            forms = tuple(form.strip().casefold() for form in mark.split("|"))
            how = token["how"]
            steps.append(Like(forms, how == "unlike") if how.endswith("like") else Cut(how, mark))
    if between:
        raise BadPathError(f"{source!r} is not a path: a step is empty")
    return Path(tuple(steps))


def spelt(steps: Steps) -> str:
    """The steps as they are written, for people and for a stable order."""
    text = ""
    for step in steps:
        if type(step) is Pick:
            text += f"[{spelt(step.key)}={'|'.join(step.values)}]"
        elif type(step) is Cut:
            text += f"[{step.how} {_escaped(step.mark)}]"
        elif type(step) is Like:
            text += f"[{'unlike' if step.but else 'like'} {_escaped('|'.join(step.forms))}]"
        else:
            text += f"{'.' if text else ''}{step if type(step) is str else '(json)'}"
    return text


def _escaped(mark: str) -> str:
    return re.sub(r"([\[\]\\])", r"\\\1", mark)


def table_key(value: Any) -> str:
    """How values are compared: letter case ignored, true and false by name; "" for what is no scalar."""
    if type(value) is str:
        return value.casefold()
    if type(value) is bool:
        return "true" if value else "false"
    return str(value) if type(value) in (int, float) else ""


def at(value: Any, steps: Sequence[Step]) -> Any:
    """What stands at the end of these steps, None where they lead nowhere."""
    for step in steps:
        if type(step) is not str:
            value = _WAYS[type(step)](value, step)
        elif type(value) is dict:
            found = value.get(step)
            value = value if found is None and step == "0" else found
        elif type(value) is list and step.isascii() and step.isdigit() and len(step) < 10 and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _member(value: Any, pick: Any) -> Any:
    if type(value) is not list:
        return None
    for member in value[:MOST_MEMBERS]:
        if type(member) is dict and table_key(at(member, pick.key)) in pick.values:
            return member
    return None


def by_key(value: Any, key: Steps) -> Mapping[str, dict[str, Any]]:
    """The members of an array by what stands in each at `key`: what a `Pick` of that key finds, for many of them."""
    found: dict[str, dict[str, Any]] = {}
    if type(value) is list:
        for member in value[:MOST_MEMBERS]:
            if type(member) is dict:
                found.setdefault(table_key(at(member, key)), member)
    return found


def _inside(value: Any, _: Step) -> Any:
    if type(value) is str:
        return _decoded(value) if len(value) <= LONGEST_JSON and value[:1] in _OPENINGS else None
    return value if type(value) in (dict, list) else None


_OPENINGS = ("{", "[", " ", "\n")


_CUTS: Mapping[str, Callable[[str, str], str]] = {
    "after": lambda text, mark: text.partition(mark)[2],
    "before": lambda text, mark: text.partition(mark)[0],
    "last": lambda text, mark: text.rpartition(mark)[2],
    "upto": lambda text, mark: text.rpartition(mark)[0],
}


def _read(value: Any, part: Any) -> Any:
    return part.read(value)


LONGEST_FORM = 512
"""Characters of a text that are compared with a form."""
MOST = 10**18
"""A whole number below is compared as its digits."""


_WAYS: Mapping[type, Callable[[Any, Any], Any]] = {Pick: _member, Inside: _inside, Cut: _read, Like: _read}


@lru_cache(maxsize=16)
def _decoded(text: str) -> Any:
    """What the text says, None where it is no JSON. Several slots read one text: it is decoded once, never changed."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
    return value if type(value) in (dict, list) else None


def is_key(step: Step) -> bool:
    """Whether a step is the key of an object and nothing else."""
    return type(step) is str and not (step.isascii() and step.isdigit())


def removable(steps: Steps) -> Steps | None:
    """What goes where this place is taken: of a text that was looked into, or read in part, only the whole can go."""
    while steps and (steps[-1] is INSIDE or type(steps[-1]) is Like):
        steps = steps[:-1]
    return None if any(step is INSIDE or type(step) in (Cut, Like) for step in steps) else steps


def remove(event: dict[str, Any], steps: Steps) -> None:
    """Take away what stands at the end of these steps; members of arrays stay, or the others would move."""
    take_away(event, (steps,))


def take_away(event: dict[str, Any], places: Iterable[Steps]) -> None:
    """Take away what stands in these places: all are found before the first goes, since one may tell another."""
    left = [steps for place in places if (steps := removable(place))]
    for parent, step in [(at(event, steps[:-1]), steps[-1]) for steps in left]:
        if type(parent) is dict and type(step) is str:
            parent.pop(step, None)
