"""What a page of another site can make a browser do that is signed in here: follow a link, and nothing else."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import Browser, expect

from support.visits import Gated


@contextmanager
def another_site(target: str) -> Iterator[str]:
    """A page under another name than 127.0.0.1, with a link to the server's list and a form that signs out."""
    page = (
        f'<!doctype html><title>elsewhere</title><a href="{target}/?q=verb:update&amp;last=30d">the list</a>'
        f'<form method="post" action="{target}/sign-out"><button>sign out</button></form>'
    ).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def test_a_link_from_another_site_leads_to_the_view_and_a_form_signs_nobody_out(browser: Browser, gated: Gated) -> None:
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"{gated.server.url}/sign-in")
        page.get_by_label("Token").fill(gated.secret)
        page.get_by_role("button", name="Sign in").click()
        with another_site(gated.server.url) as elsewhere:
            page.goto(elsewhere)
            page.get_by_role("link", name="the list").click()
            expect(page.locator(".pills li")).to_have_count(1)
            expect(page.locator(".tools")).to_contain_text("Ana Ruiz (admin)")
            page.goto(elsewhere)
            page.get_by_role("button", name="sign out").click()
            expect(page.locator("#fault")).to_contain_text("a page of another site")
        page.goto(gated.server.url)
        expect(page.locator(".tools")).to_contain_text("Ana Ruiz (admin)")
    finally:
        context.close()
