"""The query language: the text of a search box, of `-q` and of `q=` becomes members of a query.

    query := or      or := and ("OR" and)*      and := unary (["AND"] unary)*
    unary := ("-" | "NOT") unary | "(" query ")" | term
    term  := field ":" value ("," value)* | word | "phrase"          value := bare | "quoted" | "quoted"*

Side by side is AND, a comma or the same field again OR; an AND that is written between two terms of one field means
both. Parentheses are a group. `since:`, `until:` and `on:` stand outside of them, and narrow the whole query.
What is not understood raises BadQuery, marked in the text.
"""

from collections.abc import Iterable

from whodid_indexer.query.check import DEEPEST, check_query, check_text, check_value, field_of
from whodid_indexer.query.identity import ME
from whodid_indexer.query.model import Group, Member, Term, Text
from whodid_indexer.query.normal import alternatives, conjunction, group_of, opposite, side_by_side, term_of
from whodid_indexer.query.scanner import QUOTE, Scanner
from whodid_indexer.query.times import parse_day, parse_time
from whodid_indexer.query.typed import Context, Hint, Typed, earliest, latest, me_values
from whodid_indexer.query.values import MARKS, Value, read_quoted
from whodid_indexer.query.words import NAME, OPERATORS, VALUE
from whodid_schema.errors import BadQuery
from whodid_schema.fields import META_PREFIX
from whodid_schema.folding import tokens

LONGEST_TEXT = 1_000
"""Characters of one text."""

RANGES = ("since", "until", "on")


def read_text(text: str, context: Context) -> Typed:
    """What the text says; nothing where it is blank. Raises BadQuery, marked in the text."""
    if len(text) > LONGEST_TEXT:
        raise BadQuery(
            f"the query is longer than {LONGEST_TEXT:,} characters",
            "ask for less at once",
            LONGEST_TEXT,
            len(text) - LONGEST_TEXT,
            text=text,
        )
    reader = _Reader(text, context)
    members = reader.read()
    try:
        check_query(conjunction(members, reader.since, reader.until))
    except BadQuery as error:
        raise error.at(text, 0, len(text)) from error
    return Typed(tuple(members), reader.since, reader.until, tuple(reader.hints))


class _Reader(Scanner):
    """One pass over one text."""

    def __init__(self, text: str, context: Context) -> None:
        super().__init__(text)
        self.since: int | None = None
        self.until: int | None = None
        self.hints: list[Hint] = []
        self._context = context
        self._ranges: list[tuple[int, int]] = []
        self._silent: list[tuple[int, int]] = []

    def read(self) -> list[Member]:
        members = self._either(0)
        if self.place < len(self.text):
            raise self.bad("this parenthesis closes nothing", QUOTE, self.place, 1)
        if self._silent and not members and not self._ranges:
            start, end = self._silent[0]
            word = self.text[start:end]
            raise self.bad(f"there is no word in {word[:40]!r}", "words are letters and digits", start, len(word))
        return members

    def _either(self, depth: int) -> list[Member]:
        """Members that all must hold; several alternatives are one of them."""
        choices = [self._chain(depth)]
        while (place := self.take("OR")) is not None:
            choices.append(self._chain(depth))
            if self._ranges and not depth:
                raise self.bad(_RANGE, "like since:7d (a OR b)", *self._ranges[0])
            if not all(choices[-2:]):
                raise self.lonely("OR", place)
        if len(choices) == 1:
            return choices[0]
        either = alternatives(chain[0] if len(chain) == 1 else Group(tuple(chain)) for chain in choices)
        return either if len(either) == 1 else [Group(tuple(either), any=True)]

    def _chain(self, depth: int) -> list[Member]:
        """What stands side by side, up to an OR, a closing parenthesis or the end."""
        members: list[Member] = []
        began, lonely = False, None
        while self.more() and not self.at("OR"):
            place = self.take("AND")
            if place is not None:
                if not began or lonely is not None:
                    raise self.lonely("AND", place)
                lonely = place
                continue
            member = self._unary(depth, began)
            if member is not None:
                members.append(_apart(member, members) if lonely is not None else member)
            began, lonely = True, None
        if lonely is not None:
            raise self.lonely("AND", lonely)
        return side_by_side(members, either=True)

    def _unary(self, depth: int, began: bool) -> Member | None:
        """One member; None for what asks for nothing by itself: a range, a dash."""
        negated, start = False, self.place
        while True:
            if self.text[self.place] == "-" and not self.is_dash():
                self.place += 1
            elif (place := self.take("NOT")) is not None:
                if not self.more():
                    raise self.lonely("NOT", place)
            else:
                break
            negated = not negated
        for operator in ("OR", "AND"):
            if self.at(operator):
                raise self.lonely(operator, self.place)
        if self.text[self.place] == "(":
            member: Member | None = self._group(depth)
        elif self.text[self.place] in MARKS:
            member = self._phrase()
        elif (name := NAME.match(self.text, self.place)) is not None:
            self.place = name.end()
            member = self._term(_unquoted(name["name"]), name.start(), depth, start if negated else None)
        else:
            member = self._word(began)
        return opposite(member) if member is not None and negated else member

    def _group(self, depth: int) -> Group:
        start = self.place
        if depth == DEEPEST:
            raise self.bad(f"more than {DEEPEST} parentheses within each other", "take some away", start, 1)
        self.place += 1
        members = self._either(depth + 1)
        if self.place == len(self.text):
            raise self.bad("this parenthesis is not closed", QUOTE, start, 1)
        self.place += 1
        if not members:
            raise self.bad("there is nothing between the parentheses", "", start, self.place - start)
        return group_of(members)

    def _phrase(self) -> Text:
        value = self.quoted()
        text = Text(value.text, phrase=True)
        try:
            check_text(text)
        except BadQuery as error:
            raise error.at(self.text, value.start, value.end - value.start) from error
        self.ends(" )")
        return text

    def _word(self, began: bool) -> Text | None:
        start = self.place
        word = self.match_word()
        self.place += len(word)
        self.ends(" )")
        if not tokens(word):
            self._silent.append((start, self.place))
            if word.strip("-–—"):
                self._hint("there is no letter and no digit in it: it asks for nothing", start, len(word))
            return None
        text = Text(word)
        try:
            check_text(text)
        except BadQuery as error:
            raise error.at(self.text, start, len(word)) from error
        if word.upper() in OPERATORS and word.islower() and (began or word == "not") and self.more():
            self._hint(f"{word} is a word here; {word.upper()} in capitals is the operator", start, len(word))
        elif "*" in word[:-1]:
            self._hint("* stands for more only at the end of a word", start + word.index("*"), 1)
        return text

    def _term(self, name: str, start: int, depth: int, denied: int | None) -> Term | None:
        """A term; None for a range, which is remembered. `denied` is the place of the minus in front of it."""
        if name in RANGES:
            if depth or denied is not None:
                begin = start if denied is None else denied
                raise self.bad(_RANGE, "like since:7d (a OR b)", begin, self.place - begin)
            self._range(name, start)
            return None
        known = name if name.startswith(META_PREFIX) else self._known(name, start)
        values = [text for value in self._values(name, start) for text in self._checked(known, value)]
        return term_of(known, values)

    def _known(self, name: str, start: int) -> str:
        try:
            return field_of(name).name
        except BadQuery as error:
            more = f'quote it to look for the words: "{name[:40]}: …"'
            hint = "since:7d asks for the last seven days" if name == "last" else f"{error.hint}; {more}"
            said = BadQuery(error.message, hint, suggestion=error.suggestion)
            raise said.at(self.text, start, len(name)) from error

    def _checked(self, field: str, value: Value) -> Iterable[str]:
        """The value, or those that `me` stands for; each one that the field can have."""
        try:
            if field == "actor" and value.text == ME and not value.quoted:
                return me_values(self._context.me)
            for text in term_of(field, [value.text]).values:
                check_value(field, text)
        except BadQuery as error:
            raise error.at(self.text, value.start, value.end - value.start) from error
        return (value.text,)

    def _values(self, name: str, start: int) -> list[Value]:
        found = [self._value(name, start)]
        while self.text[self.place : self.place + 1] == ",":
            self.place += 1
            found.append(self._value(name, self.place - 1))
        self.ends(" )")
        return found

    def _value(self, name: str, start: int) -> Value:
        if self.marks():
            value = self.quoted()
            self.ends(" ),")
            return value
        found = VALUE.match(self.text, self.place)
        if found is None:
            grouped = self.text[self.place : self.place + 1] == "("
            hint = (
                f"write {name[:40]}:a,b" if grouped else f"no space behind : and , — {name[:40]}:* asks for any value"
            )
            raise self.bad(f"{name[:40]}: a value is missing", hint, start, self.place - start)
        self.place = found.end()
        self.ends(" ),")
        return Value(found[0], found.start(), found.end())

    def _range(self, name: str, start: int) -> None:
        """Narrows the time range; two of them must both hold."""
        value = self._value(name, start)
        self.ends(" )")
        now, zone = self._context.now, self._context.zone
        try:
            if name == "on":
                since, until = parse_day(value.text, now, zone)
                self.since, self.until = latest(self.since, since), earliest(self.until, until)
            elif name == "since":
                self.since = latest(self.since, parse_time(value.text, now, zone))
            else:
                self.until = earliest(self.until, parse_time(value.text, now, zone))
        except BadQuery as error:
            raise error.at(self.text, value.start, value.end - value.start) from error
        self._ranges.append((start, self.place - start))

    def _hint(self, message: str, position: int, length: int) -> None:
        self.hints.append(Hint(message, position, length, self.text))


_RANGE = "a time range holds for the whole query: it stands outside of OR, NOT and parentheses"


def _apart(member: Member, others: list[Member]) -> Member:
    """A term behind an AND that is written, in a group of its own where its field was asked for already."""
    if not isinstance(member, Term) or member.negated:
        return member
    again = any(isinstance(one, Term) and not one.negated and one.field == member.field for one in others)
    return Group((member,)) if again else member


def _unquoted(name: str) -> str:
    """The name; a path of metadata may stand in quotation marks."""
    path = name.removeprefix(META_PREFIX)
    return META_PREFIX + read_quoted(path, 0).text if path != name and path.startswith('"') else name
