"""The query language: what a text means, and where a text that cannot be read is marked."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from whodid_indexer.query.model import AuditQuery, Group, Term, Text
from whodid_indexer.query.parse import Context, build_query, read_query
from whodid_schema.errors import BadQuery

NOW = datetime(2026, 11, 21, 12, 30, 15, tzinfo=UTC)


def read(text: str) -> AuditQuery:
    return build_query(texts=[text], now=NOW)


def pill(field: str, *values: str) -> Term:
    return Term(field, values)


def no(field: str, *values: str) -> Term:
    return Term(field, values, negated=True)


A, B, C = Text("aa"), Text("bb"), Text("cc")


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("actor:ana", AuditQuery(terms=(pill("actor", "ana"),))),
        ("actor:ana,bob", AuditQuery(terms=(pill("actor", "ana", "bob"),))),
        ("actor:ana who:bob user:ana", AuditQuery(terms=(pill("actor", "ana", "bob"),))),
        ("actor:ana -actor:bob -actor:eva", AuditQuery(terms=(pill("actor", "ana"), no("actor", "bob", "eva")))),
        ("actor:ana OR actor:bob", AuditQuery(terms=(pill("actor", "ana", "bob"),))),
        (
            "actor:ana AND actor:bob",
            AuditQuery(terms=(pill("actor", "ana"),), groups=(Group((pill("actor", "bob"),)),)),
        ),
        (
            "-actor:ana OR -actor:bob",
            AuditQuery(groups=(Group((no("actor", "ana"), no("actor", "bob")), any=True),)),
        ),
        ("NOT actor:ana", AuditQuery(terms=(no("actor", "ana"),))),
        ("NOT -actor:ana", AuditQuery(terms=(pill("actor", "ana"),))),
        ('actor:"Ana Ruiz","Doe, J"*', AuditQuery(terms=(pill("actor", "Ana Ruiz", "Doe, J*"),))),
        ("actor:“Ana Ruiz”", AuditQuery(terms=(pill("actor", "Ana Ruiz"),))),
        ('actor:"say ""hi"""', AuditQuery(terms=(pill("actor", 'say "hi"'),))),
        ("target:user:42", AuditQuery(terms=(pill("target", "user:42"),))),
        ("target:http://x.test/a?b=$c", AuditQuery(terms=(pill("target", "http://x.test/a?b=$c"),))),
        ("action:-1,_a-b.c/d@e", AuditQuery(terms=(pill("action", "-1", "_a-b.c/d@e"),))),
        ("actor-type:admin", AuditQuery(terms=(pill("actor.type", "admin"),))),
        ("ip:203.0.113.0/24,2001:db8::1", AuditQuery(terms=(pill("ip", "203.0.113.0/24", "2001:db8::1"),))),
        ("role:* -email:*", AuditQuery(terms=(pill("role", "*"), no("email", "*")))),
        ("meta.plan.name:pro", AuditQuery(terms=(pill("meta.plan.name", "pro"),))),
        ('meta."a b:c":x', AuditQuery(terms=(pill("meta.a b:c", "x"),))),
        ("aa bb", AuditQuery(texts=(Text("aa bb"),))),
        ('aa "b b" cc -dd -"e e"', AuditQuery(texts=(
            Text("aa cc"), Text("b b", phrase=True), Text("dd", negated=True), Text("e e", True, True),
        ))),
        ('“api key”* pre*', AuditQuery(texts=(Text("api key*", phrase=True), Text("pre*")))),
        ("https://x.test/y 12:30 a@b.c don't - –", AuditQuery(texts=(Text("https://x.test/y 12:30 a@b.c don't"),))),
        ('"OR" "-x" "a:b"', AuditQuery(texts=(Text("OR", phrase=True), Text("-x", phrase=True), Text("a:b", True)))),
        ("aa OR bb", AuditQuery(groups=(Group((A, B), any=True),))),
        ("(aa OR bb)", AuditQuery(groups=(Group((A, B), any=True),))),
        ("aa bb OR cc", AuditQuery(groups=(Group((Text("aa bb"), C), any=True),))),
        ("aa (bb OR cc)", AuditQuery(texts=(A,), groups=(Group((B, C), any=True),))),
        ("aa AND (bb OR NOT cc)", AuditQuery(texts=(A,), groups=(Group((B, Text("cc", negated=True)), any=True),))),
        ("(aa)", AuditQuery(groups=(Group((A,)),))),
        ("((aa))", AuditQuery(groups=(Group((A,)),))),
        ("-(aa verb:view)", AuditQuery(groups=(Group((A, pill("verb", "view")), negated=True),))),
        ("-(-(aa))", AuditQuery(groups=(Group((A,)),))),
        ("(aa)(bb)", AuditQuery(groups=(Group((A,)), Group((B,))))),
        ("NOT(aa)OR(bb)", AuditQuery(groups=(Group((Group((A,), negated=True), Group((B,))), any=True),))),
        (
            "(kind:write app:a OR (aa OR bb)) -cc",
            AuditQuery(
                texts=(Text("cc", negated=True),),
                groups=(
                    Group((Group((pill("kind", "write"), pill("app", "a"))), Group((A, B), any=True)), any=True),
                ),
            ),
        ),
    ],
)  # fmt: skip
def test_a_text_means_what_it_says(text: str, query: AuditQuery) -> None:
    assert read(text) == query


def test_a_time_range_narrows_the_whole_query() -> None:
    day = 86_400_000_000
    query = read("on:2026-11-20 verb:view")
    assert query.since is not None
    assert query.until == query.since + day
    assert query.terms == (pill("verb", "view"),)
    assert read('until:"2026-11-21 06:33" since:2w') == build_query(since="2w", until="2026-11-21T06:33", now=NOW)
    paris = read_query(texts=["on:2026-10-25"], context=Context(NOW, ZoneInfo("Europe/Paris"))).query
    assert paris.until is not None
    assert paris.since is not None
    assert paris.until - paris.since == 25 * day // 24


@pytest.mark.parametrize(
    ("text", "marked", "says"),
    [
        ("aa actr:ana", "actr", "did you mean actor"),
        ("actor:ana error: timeout", "error", 'quote it to look for the words: "error: …"'),
        ("last:7d", "last", "since:7d"),
        ("aa actor:", "actor:", "a value is missing"),
        ("actor: ana", "actor:", "no space behind"),
        ("actor:ana, bob", ",", "a value is missing"),
        ("actor:,ana", "actor:", "a value is missing"),
        ("aa actor:(x OR y)", "actor:", "write actor:a,b"),
        ('app:x actor:""', '""', "empty"),
        ("meta.:x", "x", "meta. needs a path"),
        ("verb:view,obliterate", "obliterate", "verb is never"),
        ("é surface:deliver", "deliver", "did you mean delivery"),
        ("outcome:“good”", "“good”", "success, warning, failure, unknown"),
        ("ip:10.0.0.1,10.0.0.300", "10.0.0.300", "not an address"),
        ("session:ab*", "ab*", "no wildcard"),
        ("actor:a*b*c*d*e*", "a*b*c*d*e*", "more than 4 wildcards"),
        ('aa "bb cc', '"', "no other half"),
        ('actor:"bb cc', '"', "no other half"),
        ('say"aa"', '"', "quotation mark stands directly behind"),
        ('actor:x"y"', '"', "quotation mark stands directly behind"),
        ('"aa"bb', "b", "stands directly behind"),
        ("near(aa)", "(", "parenthesis stands directly behind"),
        ("action:f(x)", "(", "parenthesis stands directly behind"),
        ("aa ()", "()", "nothing between"),
        ("aa (bb", "(", "not closed"),
        ("aa ((bb) cc", "(", "not closed"),
        ("aa bb)", ")", "closes nothing"),
        ("((aa)))", ")", "closes nothing"),
        ("OR", "OR", "both sides"),
        ("aa OR", "OR", "both sides"),
        ("OR aa", "OR", "both sides"),
        ("aa OR OR bb", "OR", "both sides"),
        ("(aa AND)", "AND", "both sides"),
        ("AND aa", "AND", "both sides"),
        ("aa AND AND bb", "AND", "both sides"),
        ("aa NOT", "NOT", "something behind"),
        ("(NOT)", "NOT", "something behind"),
        ("-OR aa", "OR", "both sides"),
        ("aa OR - OR bb", "OR", "both sides"),
        ("(" * 11 + "aa" + ")" * 11, "(", "more than 10 parentheses"),
        ("aa (since:7d)", "since:", "whole query"),
        ("aa -since:7d", "-since:", "whole query"),
        ("aa OR since:7d", "since:7d", "whole query"),
        ("on:2026-11-20 OR aa", "on:2026-11-20", "whole query"),
        ("since:soon", "soon", "not a time"),
        ("since:today,now", ",", "stands directly behind"),
        ("on:7d", "7d", "not a day"),
        ("since:today until:yesterday", "since:today until:yesterday", "range is empty"),
        ("aa u*", "u*", "too short"),
        ("!!!", "!!!", "no word"),
        ("-", "-", "no word"),
        ('aa "…"', '"…"', "no word"),
        ("aa\ud800", "aa\ud800", "half a character"),
        ("aa " * 333 + "bb", "b", "longer than 1,000"),
        (" OR ".join(f"w{number}" for number in range(51)), None, "more than 50 terms"),
        ("app:" + ",".join(f"v{number}" for number in range(201)), None, "more than 200 values"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_marked_where_it_stands(text: str, marked: str | None, says: str) -> None:
    with pytest.raises(BadQuery) as refused:
        read(text)
    error = refused.value
    assert says in str(error)
    assert error.text == text
    assert text[error.position : error.position + error.length] == (text if marked is None else marked)


def test_the_marked_one_of_several_is_the_one_at_fault() -> None:
    for text, position in (("aa OR OR bb", 3), ("aa bb)", 5), ("((aa) (bb)", 0), ("aa AND AND bb", 7), ('"a" "b', 4)):
        with pytest.raises(BadQuery) as refused:
            read(text)
        assert refused.value.position == position, text


@pytest.mark.parametrize(
    ("text", "suggestion"), [("actr:ana", "actor"), ("verb:creat", "create"), ("outcome:failur", "failure")]
)
def test_what_was_probably_meant_is_told_to_programs_too(text: str, suggestion: str) -> None:
    with pytest.raises(BadQuery) as refused:
        read(text)
    assert refused.value.suggestion == suggestion


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("aa or bb", ["or"]),
        ("aa and bb or cc", ["and", "or"]),
        ("not aa", ["not"]),
        ("(aa or bb)", ["or"]),
        ("or", []),
        ("aa or", []),
        ("or aa", []),
        ("(aa or)", []),
        ('aa "or" bb', []),
        ("aa OR bb", []),
        ("a*b", ["*"]),
        ("*ab", ["*"]),
        ("ab*", []),
        ("aa ??? bb", ["???"]),
        ("aa - bb", []),
    ],
)
def test_what_may_have_been_meant_otherwise_is_hinted_at_and_asked_as_typed(text: str, marked: list[str]) -> None:
    parsed = read_query(texts=[text], context=Context(NOW))
    assert [hint.text[hint.position : hint.position + hint.length] for hint in parsed.hints] == marked
