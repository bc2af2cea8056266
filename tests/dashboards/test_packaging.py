"""What the pages need is in the wheel; the page about them says their addresses and keys."""

import re
import subprocess
import sys
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from starlette.routing import Route

from whodid_dashboards.viewer.routes import pages
from whodid_indexer.api.pages import GROUP
from whodid_indexer.api.readers import Readers
from whodid_indexer.store.base import Reader

ROOT = Path(__file__).parents[2]
VIEWER = ROOT / "dashboards/whodid_dashboards/viewer"
PAGE = (ROOT / "docs/viewer.md").read_text()


def no_reader() -> Reader:
    raise AssertionError("nothing is asked")


def test_the_server_finds_the_pages_by_their_entry_point() -> None:
    assert pages in [each.load() for each in entry_points(group=GROUP)]


@pytest.mark.slow
def test_the_wheel_has_every_template_and_asset(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    needed = [path for folder in ("templates", "assets") for path in (VIEWER / folder).iterdir() if path.is_file()]
    assert len(needed) >= 10
    for path in needed:
        assert f"whodid_dashboards/viewer/{path.parent.name}/{path.name}" in names, path
    assert "whodid_dashboards/opensearch/whodid.ndjson" in names


def test_the_page_about_the_viewer_names_every_address() -> None:
    routes = [route.path for route in pages(Readers(no_reader)) if isinstance(route, Route)]
    for path in routes:
        shown = path.replace("{ref:path}", "{type:id}")
        assert f"`{shown}`" in PAGE or path.startswith(("/preferences", "/assets")), path


def test_the_page_about_the_viewer_names_every_key() -> None:
    script = (VIEWER / "assets/whodid.js").read_text()
    listed = re.search(r"const KEYS = \[(.*?)\];", script, re.DOTALL)
    assert listed is not None
    for keys in re.findall(r'\["([^"]+)", "', listed[1]):
        for key in keys.split():
            assert f"`{key}`" in PAGE, key
