"""Signing in to the viewer: the cookie, what ends it, forms of other sites, and the way that a refusal leads."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from support.running import wait_until
from support.serving import Server, make
from support.tokens import bearer, end_token, make_named, make_token
from whodid_indexer.access.roles import Grant
from whodid_schema.record import Ref

ADMIN = Grant("admin", workspaces=("acme",))
HTML = {"Accept": "text/html"}


class Site(NamedTuple):
    """A server with tokens: of an admin (with its id), and of an agent."""

    server: Server
    identifier: str
    admin: str
    ingest: str

    def visit(self) -> httpx.Client:
        """A browser that has been nowhere yet; it follows no redirect by itself."""
        return httpx.Client(base_url=self.server.url, headers=HTML, timeout=30)

    @property
    def own(self) -> dict[str, str]:
        """What a browser sends with a form of our own."""
        return {"Origin": self.server.url}

    @contextlib.contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        """A browser that is signed in as the admin."""
        with self.visit() as browser:
            assert browser.post("/sign-in", data={"token": self.admin}, headers=self.own).status_code == 303
            yield browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Server(tmp_path_factory.mktemp("site")) as server:
        server.create(make(number, workspace=Ref("acme", "Acme")) for number in range(3))
        server.create([make(9, workspace=Ref("other", "Other"), description="zqsecret")])
        identifier, admin = make_named(server.file, ADMIN, "Ana <b>")
        yield Site(server, identifier, admin, make_token(server.file, Grant("ingest")))
    assert "Traceback" not in server.log.read_text()


def test_who_is_not_signed_in_is_led_to_the_form_and_back_to_where_they_went(site: Site) -> None:
    with site.visit() as browser:
        asked = "/?q=actor:ana%20b&last=30d"
        sent = browser.get(asked)
        assert sent.status_code == 303
        form = browser.get(sent.headers["location"])
        assert form.status_code == 200
        assert 'name="next" value="/?q=actor:ana%20b&amp;last=30d"' in form.text
        done = browser.post("/sign-in", data={"token": site.admin, "next": asked}, headers=site.own)
        assert (done.status_code, done.headers["location"]) == (303, asked)
        page = browser.get("/?last=3650d")
        assert page.status_code == 200
        assert "Ana &lt;b&gt; (admin)" in page.text
        assert "zqsecret" not in page.text


def test_the_cookie_is_of_no_use_to_scripts_and_to_other_sites(site: Site) -> None:
    with site.visit() as browser:
        done = browser.post("/sign-in", data={"token": site.admin}, headers=site.own)
        (cookie,) = done.headers.get_list("set-cookie")
        value, *flags = (part.strip().lower() for part in cookie.split(";"))
        assert value.startswith("whodid=")
        assert len(value) > 40
        assert site.admin not in cookie
        assert set(flags) == {"httponly", "samesite=strict", "path=/"}
        assert "cache-control: no-store" in str(done.headers).lower().replace("': '", ": ")


def test_every_sign_in_has_another_cookie_and_ends_the_one_before(site: Site) -> None:
    with site.visit() as browser:
        browser.cookies.set("whodid", "chosen-by-somebody-else")
        seen = []
        for _ in range(3):
            browser.post("/sign-in", data={"token": site.admin}, headers=site.own)
            seen.append(browser.cookies.get("whodid", domain="127.0.0.1"))
        assert len(set(seen)) == 3
        assert "chosen-by-somebody-else" not in seen
        for old in seen[:-1]:
            assert httpx.get(f"{site.server.url}/api/v1/count", headers={"Cookie": f"whodid={old}"}).status_code == 401
        assert browser.get("/api/v1/count").status_code == 200


def test_signing_out_ends_the_session_and_not_only_the_cookie(site: Site) -> None:
    with site.signed_in() as browser:
        kept = browser.cookies.get("whodid")
        done = browser.post("/sign-out", headers=site.own)
        assert (done.status_code, done.headers["location"]) == (303, "/sign-in")
        assert browser.cookies.get("whodid") is None
        browser.cookies.set("whodid", str(kept))
        assert browser.get("/api/v1/count").status_code == 401


def test_a_session_ends_when_its_token_is_revoked(site: Site) -> None:
    identifier, secret = make_named(site.server.file, ADMIN)
    with site.visit() as browser:
        browser.post("/sign-in", data={"token": secret}, headers=site.own)
        assert browser.get("/").status_code == 200
        end_token(site.server.file, identifier)
        assert browser.get("/").status_code == 303
        assert browser.get("/api/v1/count").status_code == 401


@pytest.mark.parametrize(
    "following",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/a\r\nSet-Cookie: x=y", ""],
)
def test_a_sign_in_leads_to_no_other_site(site: Site, following: str) -> None:
    with site.visit() as browser:
        done = browser.post("/sign-in", data={"token": site.admin, "next": following}, headers=site.own)
        assert (done.status_code, done.headers["location"]) == (303, "/")
        assert len(done.headers.get_list("set-cookie")) == 1


FOREIGN: list[dict[str, str]] = [
    {},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "http://127.0.0.1.evil.example:80"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_form_of_another_site_changes_nothing(site: Site, headers: dict[str, str]) -> None:
    with site.signed_in() as browser:
        for method, path in (("POST", "/sign-out"), ("PUT", "/api/v1/views/x"), ("DELETE", "/api/v1/views/x")):
            refused = browser.request(method, path, headers=headers, json={"texts": ["id:*"]})
            assert refused.status_code == 403, (method, path)
            assert "another site" in refused.text
        assert browser.get("/").status_code == 200
        assert browser.get("/api/v1/views").json() == {"views": []}
    with site.visit() as browser:
        assert browser.post("/sign-in", data={"token": site.admin}, headers=headers).status_code == 403
        assert not browser.cookies


def test_a_form_of_our_own_is_taken_by_what_browsers_say_of_it(site: Site) -> None:
    for headers in (site.own, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "same-origin", "Origin": "null"}):
        with site.signed_in() as browser:
            assert browser.post("/sign-out", headers=headers).status_code == 303


def test_a_session_stores_no_records_and_a_foreign_page_posts_none_where_there_are_no_tokens(
    site: Site, tmp_path: Path
) -> None:
    with site.signed_in() as browser:
        assert browser.post("/_bulk", headers=site.own, json={}).status_code == 403
    with Server(tmp_path) as server:
        for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            refused = server.post(b"{}\n{}\n", **headers)
            assert refused.status_code == 403
            assert refused.json()["code"] == "cross_site"
        assert {result.outcome for result in server.create([make(1)])} == {"indexed"}


@pytest.mark.parametrize("token", ["", "x", "whodid_", "' OR 1=1 --", "\x00", "é", "x" * 10_000, "<script>"])
def test_a_wrong_token_is_told_so_and_typed_again(site: Site, token: str) -> None:
    with site.visit() as browser:
        refused = browser.post("/sign-in", data={"token": token, "next": "/x"}, headers=site.own)
        assert refused.status_code == 401
        assert "not known here" in refused.text
        assert 'name="next" value="/x"' in refused.text
        assert "<script>" not in refused.text
        assert not browser.cookies
        assert browser.post("/sign-in", data={"token": site.admin}, headers=site.own).status_code == 303


def test_a_token_that_reads_nothing_signs_nobody_in(site: Site) -> None:
    with site.visit() as browser:
        refused = browser.post("/sign-in", data={"token": site.ingest}, headers=site.own)
        assert refused.status_code == 403
        assert "takes self, admin, owner, auditor or platform" in refused.text
        assert not browser.cookies


@pytest.mark.parametrize("body", [b"x" * 20_000, b"\xff", b"&".join([b"a=1"] * 50), b"token=%ff"])
def test_what_is_not_the_form_is_no_fault_of_the_servers(site: Site, body: bytes) -> None:
    with site.visit() as browser:
        refused = browser.post("/sign-in", content=body, headers=site.own)
        assert refused.status_code in (400, 401)


def test_who_may_not_go_somewhere_is_told_what_it_takes_and_led_away(site: Site) -> None:
    with site.signed_in() as browser:
        refused = browser.get("/metrics")
        assert refused.status_code == 403
        assert "needs the role auditor or platform" in refused.text
        assert '<a href="/">' in refused.text
        wrong = browser.get("/", headers=bearer(site.ingest))
        assert wrong.status_code == 403
        assert '<a href="/sign-in">' in wrong.text


def test_a_link_from_another_site_is_asked_for_again_by_our_own_page(site: Site) -> None:
    with site.visit() as browser:
        first = browser.get("/?q=a%22b", headers={"Sec-Fetch-Site": "cross-site"})
        assert first.status_code == 401
        assert '<meta http-equiv="refresh" content="0; url=/?q=a%22b">' in first.text
        assert browser.get("/?q=a%22b", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303


def test_without_tokens_there_is_nothing_to_sign_in_to(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        sent = server.get("/sign-in?next=/delivery", headers=HTML)
        assert (sent.status_code, sent.headers["location"]) == (303, "/delivery")


def test_signing_in_and_out_is_recorded(site: Site) -> None:
    platform = make_token(site.server.file, Grant("platform"))
    with site.signed_in() as browser:
        browser.post("/sign-out", headers=site.own)

    def verbs() -> set[str]:
        asked = {"surface": "audit", "q": f"actor:{site.identifier}", "limit": "100"}
        found = site.server.get("/api/v1/events", asked, headers=bearer(platform)).json()["events"]
        assert {one["actor"]["type"] for one in found} <= {"user", "api_token"}
        return {one["verb"] for one in found}

    wait_until(lambda: {"sign_in", "sign_out"} <= verbs(), "the events")
