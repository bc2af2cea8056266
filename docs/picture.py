"""Draws the README's picture: what `whodid demo --exit` prints, run now, as docs/demo.svg.

The drawing names no font or style sheet of another host.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 165
TEMPLATE = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


FOLDER = re.compile(r"((?:/[^\s/:]+)*/whodid-demo-\w+)(\S*)( {2,}(?=\d))?")
"""The demonstration's folder with what lies in it, and where it stands in a table what is left of its column."""


def _short(folder: re.Match[str]) -> str:
    shown = "/tmp/demo"  # noqa: S108  how the folder is shown, no file
    width = 0 if folder[3] is None else len(folder[0])
    return f"{shown}{folder[2]}".ljust(width)


def main() -> None:
    """Run the demonstration and draw what it said."""
    commands = Path(sys.executable).parent
    said = subprocess.run(
        [str(commands / "whodid"), "demo", "--exit"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": f"{commands}:{os.environ['PATH']}"},  # shown as who has installed it types it
    ).stdout
    console = Console(record=True, width=WIDTH, file=sys.stderr, color_system="truecolor", force_terminal=True)
    for line in said.splitlines():
        quiet = FOLDER.sub(_short, line)
        style = "bold green" if line.startswith("$ ") else "bold" if line.endswith(("?", ":")) else ""
        console.print(Text(quiet, style=style, no_wrap=True, overflow="crop"))
    drawn = console.export_svg(title="make demo", code_format=TEMPLATE)
    (Path(__file__).parent / "demo.svg").write_text(drawn)


if __name__ == "__main__":
    main()
