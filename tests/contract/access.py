"""What a server must hold to over every store: everybody is told of what they may see, and of nothing else."""

import json
import re
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import httpx
import msgspec
import pytest

from support.outside import HELD, HIDDEN, IDS, MARK, NUMBERS, SEEN
from support.serving import Server
from support.tokens import bearer
from whodid_indexer.query.axis import AXES
from whodid_indexer.query.model import AuditQuery, Group, Term
from whodid_schema import identity


class Stage(NamedTuple):
    """The server, and the secret of each who asks it."""

    server: Server
    secrets: dict[str, str]

    def ask(self, who: str, path: str, parameters: Any = None, method: str = "GET", **headers: str) -> httpx.Response:
        """Ask as somebody; nobody is "nobody"."""
        shown = bearer(self.secrets[who]) if who in self.secrets else {}
        url = self.server.url + path
        return self.server.client.request(method, url, params=parameters, headers=shown | headers, timeout=30)


def problem(response: httpx.Response) -> dict[str, Any]:
    """The problem document, which is one, without what is another each time."""
    assert response.headers["content-type"] == "application/problem+json"
    found = dict(response.json())
    assert found.pop("request_id")
    assert {"type", "title", "status", "detail", "code"} <= found.keys()
    assert found["status"] == response.status_code
    return found


QUESTIONS: list[Any] = [
    {},
    {"q": "id:*"},
    {"q": "workspace:acme OR id:*"},
    {"q": "-workspace.id:acme"},
    {"workspace": "acme"},
    {"workspace": "other"},
    {"workspace-id": "ACME"},
    {"project-id": "APOLLO"},
    {"actor-key": "shop/user:66"},
    {"actor": "shop/user:66", "type": "report"},
    {"ip": "198.51.100.66"},
    {"app": "SHOP 2"},
    {"id": HIDDEN},
    {"q": "zqsecre*"},
    {"query": msgspec.json.encode(AuditQuery(groups=(Group((Term("id", ("*",)),), any=True),))).decode()},
    {
        "query": msgspec.json.encode(
            AuditQuery(groups=(Group((Term("id", ("*",), negated=True),), negated=True),))
        ).decode()
    },
]
ASKED = ("/api/v1/events", "/api/v1/count", "/api/v1/export.ndjson", "/api/v1/export.jsonl", "/api/v1/export.csv")
COUNTED = ("/api/v1/facets", "/api/v1/stats")
AXES_ASKED = [*(("axis", name) for name in (*AXES, "meta.plan")), ("budget", "none"), ("limit", "100")]


def tells(response: httpx.Response, allowed: set[str]) -> str:
    """What an answer tells that it must not."""
    text = response.text
    if MARK in text.lower():
        return text[max(text.lower().index(MARK) - 80, 0) :][:200]
    asked = str(response.request.url)
    return next((one for one in IDS if one in text and one not in allowed and one not in asked), "")


def changed(stage: Stage, who: str, limit: int) -> set[str]:
    """What arrives, asked to the end in steps, without whodid's own events."""
    found: list[str] = []
    after: dict[str, str] = {}
    while page := (answer := stage.ask(who, "/api/v1/changes", {"limit": str(limit)} | after).json())["changes"]:
        found += [one["event"]["id"] for one in page if one["event"]["surface"] != "audit"]
        assert len(page) <= limit
        after = {"after": answer["cursor"]}
    assert len(found) == len(set(found))
    return set(found)


class AccessContract:
    """Over the records of `support.outside`; `stage` is a fixture of the subclass's module."""

    questions: ClassVar[Sequence[Any]] = QUESTIONS

    bo: ClassVar[Sequence[str]] = (f"{MARK} Bo",)
    """What he may be called to who sees everything: what he is called in the newest record."""

    remembers: ClassVar[bool] = True
    """Whether the store knows what somebody is called of whom it counted no record."""

    @pytest.mark.parametrize("who", [who for who in HELD if who != "limited"])  # who sees what admin sees
    def test_no_question_tells_of_what_is_outside(self, stage: Stage, who: str) -> None:
        allowed = {IDS[place] for place, number in enumerate(NUMBERS) if number in SEEN[who]}
        for question in self.questions:
            for path in (*ASKED, *COUNTED, *(() if "query" in question else ("/",))):
                html = {"Accept": "text/html"} if path == "/" else {}
                response = stage.ask(who, path, question, **html)
                assert response.status_code == 200, (path, question, response.text)
                assert not tells(response, allowed), (path, question)
            response = stage.ask(who, "/api/v1/facets", [*question.items(), *AXES_ASKED])
            assert response.status_code == 200, response.text
            assert not tells(response, allowed), question
        for contains in ("zqsecre", "bo"):
            assert not tells(stage.ask(who, "/api/v1/facets", [("contains", contains), *AXES_ASKED]), allowed), contains
        for path in (
            "/api/v1/changes",
            "/api/v1/projects/apollo/audit-log",
            "/api/v1/views",
            "/delivery",
            "/values/actor",
        ):
            response = stage.ask(who, path, Accept="text/html")
            assert response.status_code == 200, (path, response.text)
            assert not tells(response, allowed), path
        for identifier in allowed:
            for path in (
                f"/api/v1/events/{identifier}",
                f"/api/v1/events/{identifier}/context",
                f"/event/{identifier}",
            ):
                response = stage.ask(who, path, Accept="text/html")
                assert response.status_code == 200, (path, response.text)
                assert not tells(response, allowed), path

    def test_who_sees_everything_is_told_all_that_others_are_not(self, stage: Stage) -> None:
        asked: list[tuple[str, list[tuple[str, str]]]] = [
            *((path, []) for path in (*ASKED, *COUNTED, "/api/v1/changes", "/api/v1/projects/apollo/audit-log")),
            *(
                ("/api/v1/facets", [("axis", axis), ("actor-key", "shop/user:66")])
                for axis in ("actor", "type", "target")
            ),
            ("/api/v1/facets", [("axis", "actor"), ("contains", "zqsecre")]),
            (f"/api/v1/events/{HIDDEN}", []),
            (f"/api/v1/events/{HIDDEN}/context", []),
        ]
        for path, parameters in asked:
            assert path.endswith("/count") or tells(stage.ask("auditor", path, parameters), set(IDS)), (
                path,
                parameters,
            )

    def test_somebody_is_called_what_the_records_that_are_seen_call_them(self, stage: Stage) -> None:
        def called(who: str, *more: tuple[str, str]) -> dict[str, str]:
            facet = stage.ask(who, "/api/v1/facets", [("axis", "actor"), *more]).json()["facets"][0]
            return {value["value"]: value["label"] for value in facet["values"]}

        assert called("auditor")["shop/user:2"] in self.bo
        assert called("admin") == {"shop/user:1": "Ana", "shop/user:2": "Bo"}
        assert called("admin", ("contains", "zqsecre")) == {}
        assert called("admin", ("actor-key", "shop/user:66"))["shop/user:66"] == "shop/user:66"
        mallory = f"{MARK} Mal" if self.remembers else "shop/user:66"
        assert called("auditor", ("actor-key", "shop/user:66"), ("app", "none"))["shop/user:66"] == mallory

    @pytest.mark.parametrize("who", SEEN)
    def test_every_surface_has_the_same_records_exactly(self, stage: Stage, who: str) -> None:
        wanted = {IDS[place] for place, number in enumerate(NUMBERS) if number in SEEN[who]}
        applications = {"not-surface": "audit"}
        asked = applications | {"limit": "1000"}
        found = stage.ask(who, "/api/v1/events", asked).json()
        assert {event["id"] for event in found["events"]} == wanted
        assert found["total"] == len(wanted)
        assert stage.ask(who, "/api/v1/count", applications).json() == {"count": len(wanted)}
        lines = stage.ask(who, "/api/v1/export.ndjson", applications).text.splitlines()
        assert {json.loads(line)["id"] for line in lines} == wanted
        rows = stage.ask(who, "/api/v1/export.csv", applications | {"columns": "id"}).text.splitlines()[1:]
        assert set(rows) == wanted
        assert stage.ask(who, "/api/v1/stats", applications).json()["current"]["total"] == len(wanted)
        facet = stage.ask(who, "/api/v1/facets", applications | {"axis": "app"}).json()["facets"][0]
        assert sum(value["count"] for value in facet["values"]) == len(wanted)
        assert changed(stage, who, 1000) == changed(stage, who, 5) == wanted

    @pytest.mark.parametrize("who", HELD)
    @pytest.mark.parametrize("path", ["/api/v1/events/{}", "/api/v1/events/{}/context", "/event/{}"])
    def test_a_record_outside_is_as_one_that_there_is_not(self, stage: Stage, who: str, path: str) -> None:
        none = identity.file_id("matrix", "1", 999, 0, b"")
        for place, number in enumerate(NUMBERS):
            if number in SEEN[who]:
                continue
            answers = [stage.ask(who, path.format(identifier)) for identifier in (IDS[place], none)]
            assert [answer.status_code for answer in answers] == [404, 404]
            texts = [
                re.sub('request [0-9a-f]+|request_id":"[0-9a-f]+', "", answer.text.replace(identifier, "ID"))
                for answer, identifier in zip(answers, (IDS[place], none), strict=True)
            ]
            assert texts[0] == texts[1]

    def test_a_wrong_question_is_told_nothing_of_what_is_outside(self, stage: Stage) -> None:
        for who in HELD:
            for question in ({"q": "actr:66"}, {"verb": MARK[:-1]}, {"nothing": "1"}, {"cursor": "x"}, {"q": "("}):
                response = stage.ask(who, "/api/v1/events", question)
                assert response.status_code == 400
                assert problem(response) == problem(stage.ask("platform", "/api/v1/events", question))

    def test_me_is_whom_the_token_names(self, stage: Stage) -> None:
        assert stage.ask("self", "/api/v1/count", {"q": "actor:me"}).json() == {"count": len(SEEN["self"])}
        assert stage.ask("platform", "/api/v1/count", {"q": "actor:me"}).status_code == 400
