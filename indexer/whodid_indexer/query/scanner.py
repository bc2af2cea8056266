"""A place in a text of the query language: what stands there, and going past it."""

from whodid_indexer.query.values import MARKS, Value, read_quoted
from whodid_indexer.query.words import WORD
from whodid_schema.errors import BadQuery

QUOTE = 'parentheses and quotation marks that belong to a word or a value are quoted with it: "f(x)"'


class Scanner:
    """`place` is the next character of `text`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def marks(self) -> bool:
        """Whether a quotation mark stands here."""
        return self.place < len(self.text) and self.text[self.place] in MARKS

    def quoted(self) -> Value:
        """What stands in quotation marks here, which is passed."""
        value = read_quoted(self.text, self.place)
        self.place = value.end
        return value

    def more(self) -> bool:
        """Whether anything follows before a parenthesis closes."""
        while self.place < len(self.text) and self.text[self.place].isspace():
            self.place += 1
        return self.place < len(self.text) and self.text[self.place] != ")"

    def match_word(self) -> str:
        """The word or the operator that stands here; empty for none."""
        found = WORD.match(self.text, self.place)
        return found[0] if found else ""

    def at(self, operator: str) -> bool:
        """Whether the operator stands here."""
        return self.match_word() == operator

    def take(self, operator: str) -> int | None:
        """The place of the operator, which is passed, or None."""
        if not self.more() or not self.at(operator):
            return None
        self.place += len(operator)
        return self.place - len(operator)

    def is_dash(self) -> bool:
        """Whether what begins with a minus is nothing but a dash."""
        word = self.match_word()
        behind = self.text[self.place + len(word) : self.place + len(word) + 1]
        return not word.strip("-") and (behind in ("", ")") or behind.isspace())

    def ends(self, allowed: str) -> None:
        """Raises BadQuery where what was read does not end here: at the end, a space, or a character of these."""
        following = self.text[self.place : self.place + 1]
        if following and not following.isspace() and following not in allowed:
            what = "a quotation mark" if following in MARKS else "a parenthesis" if following in "()" else "something"
            raise self.bad(f"{what} stands directly behind a word or a value", QUOTE, self.place, 1)

    def lonely(self, operator: str, place: int) -> BadQuery:
        """What to raise for an operator that lacks a side."""
        side = "something behind it" if operator == "NOT" else "something on both sides"
        return self.bad(f"{operator} needs {side}", f'as a word it is written "{operator}"', place, len(operator))

    def bad(self, message: str, hint: str, position: int, length: int) -> BadQuery:
        """What to raise, marked in the text."""
        return BadQuery(message, hint, position, length, text=self.text)
