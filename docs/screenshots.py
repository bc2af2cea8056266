"""Takes the README's pictures of the viewer, as docs/screenshots/*.webp: `make pictures`.

The demonstration's product lives two weeks up to a fixed moment with a fixed seed; a real agent ships them into a real
server, and the system's Chromium looks at its pages as they were at that moment. Only what the product does, and the
pages themselves, change the pictures.
"""

import base64
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

from support import chromium
from support.serving import Server
from support.week import live_a_week

NOW = datetime(2026, 11, 21, 14, 40, tzinfo=UTC)
SEED = 1
SIZE: ViewportSize = {"width": 1280, "height": 960}
LARGEST = 150_000
"""Bytes of a picture: a README is no place for more."""

TO_WEBP = """async (png) => {
  const picture = new Image();
  picture.src = png;
  await picture.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.width, picture.height];
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas.toDataURL("image/webp", 0.9);
}"""
"""The browser packs its own pictures: a third of what they are as PNG."""

FOLDER = Path(__file__).parent / "screenshots"


def main() -> None:
    """Make the data, take the pictures. Exits with 1 where a picture is too large."""
    path = chromium.find()
    if path is None:
        sys.exit("no Chromium: make system")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright, Server(Path(name)) as server:
        live_a_week(Path(name), server.url, NOW, SEED, days=14)
        browser = playwright.chromium.launch(executable_path=path, args=list(chromium.ARGUMENTS))
        page = browser.new_context(viewport=SIZE, color_scheme="light").new_page()
        micros = int(NOW.timestamp() * 1_000_000)
        page.goto(f"{server.url}/?last=7d&snapshot={micros}.{micros}")
        _take(page, "list")
        page.goto(f"{server.url}/?q=%22hourly+limit%22&since={NOW - timedelta(days=7):%Y-%m-%dT%H:%M:%SZ}")
        page.locator(".events a.event").first.click()
        page.emulate_media(color_scheme="dark")
        _take(page, "detail")
        browser.close()


def _take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    drawn = base64.b64encode(page.screenshot()).decode()
    blank = page.context.new_page()
    packed: str = blank.evaluate(TO_WEBP, f"data:image/png;base64,{drawn}")
    blank.close()
    target = FOLDER / f"{name}.webp"
    target.write_bytes(base64.b64decode(packed.partition(",")[2]))
    if (size := target.stat().st_size) > LARGEST:
        sys.exit(f"{target} has {size:,} bytes, {LARGEST:,} at most")


if __name__ == "__main__":
    main()
