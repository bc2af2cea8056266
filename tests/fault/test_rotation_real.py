"""Real logrotate, a real writer and a real clock: every line once, whatever is rotated under the reader."""

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from whodid_agent.inputs.contract import Block, StreamRow
from whodid_agent.inputs.file import FileSource
from whodid_agent.inputs.file.tracker import Timing
from whodid_agent.normalise.contract import Event
from whodid_schema.identity import file_id

LOGROTATE = shutil.which("logrotate") or shutil.which("logrotate", path="/usr/sbin:/sbin")
LINES = 20_000

pytestmark = pytest.mark.skipif(
    LOGROTATE is None and not os.environ.get("CI"), reason="NOT TESTED: install logrotate (package logrotate)"
)


class HandsOn:
    """A normaliser that masks nothing."""

    def redact(self, chunk: bytes) -> bytes:
        return chunk

    def events(self, *_: object) -> list[Event]:
        raise AssertionError("the input hands lines on, it does not normalise them")


class Writer(threading.Thread):
    """An application: opens its file anew when it has been renamed, appends, and never waits for the reader."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.done = 0

    def run(self) -> None:
        while self.done < LINES:
            with self.path.open("ab") as file:
                for _ in range(200):
                    file.write(b'{"n":%d,"pad":"%s"}\n' % (self.done, b"x" * (self.done % 90)))
                    self.done += 1
            time.sleep(0.01)


class Reader:
    """A runner that settles every block, and starts anew now and then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, StreamRow] = {}
        self.store: dict[str, bytes] = {}
        self.refused = 0
        self.missed = 0
        self.start()

    def start(self) -> None:
        timing = Timing(settle=0.2, grace=1.0)
        self.source = FileSource("in", [self.path], HandsOn(), host="h", timing=timing, chunk=50_000)
        self.source.open(self.rows)

    def take(self, block: Block) -> None:
        row = self.rows.setdefault(block.key, StreamRow(key=block.key, input="in"))
        assert block.start == row.position
        self.refused += len(block.refused)
        for line in block.lines:
            stream, offset = line.origin.stream, line.origin.offset
            name = file_id(stream.source, stream.generation, offset, 0, line.data, stream.first_receipt)
            self.store[name] = line.data
        row.position = block.end
        row.detail = self.source.detail(block.key, block.end)
        self.source.delivered(block.key, block.end)

    def round(self) -> None:
        self.source.poll()
        for _ in range(20):
            block = self.source.read(50_000)
            if block is None:
                break
            self.take(block)
        self.missed += sum(self.source.missed().values())


def configuration(folder: Path, *options: str) -> Path:
    path = folder / "logrotate.conf"
    words = "\n".join(["  rotate 1000", "  size 1", "  missingok", *(f"  {option}" for option in options)])
    path.write_text(f"{folder}/audit.jsonl {{\n{words}\n}}\n")
    path.chmod(0o600)
    return path


def rotate(folder: Path, config: Path) -> None:
    assert LOGROTATE is not None, "logrotate is not installed (Debian package logrotate)"
    command = [LOGROTATE, "-f", "-s", str(folder / "state"), str(config)]
    subprocess.run(command, check=True, capture_output=True, timeout=30)


@pytest.mark.parametrize(
    "options",
    [
        ("nocreate",),
        ("create", "compress"),
        ("create", "compress", "delaycompress"),
        ("nocreate", "dateext", "dateformat -%Y%m%d-%s"),
    ],
    ids=lambda options: "+".join(word.split()[0] for word in options),
)
def test_every_line_arrives_once_through_real_rotation(tmp_path: Path, options: tuple[str, ...]) -> None:
    folder = tmp_path / "log"
    folder.mkdir(mode=0o755)
    path = folder / "audit.jsonl"
    path.touch()
    config = configuration(folder, *options)
    writer, reader = Writer(path), Reader(path)
    writer.start()
    rounds = 0
    next_rotation = time.monotonic() + 0.2
    while writer.is_alive():
        reader.round()
        rounds += 1
        if time.monotonic() > next_rotation:
            rotate(folder, config)
            # names with seconds in them must not meet
            next_rotation = time.monotonic() + (1.1 if "dateext" in options else 0.25)
        if rounds % 7 == 0:
            reader.source.close()
            reader.start()
        time.sleep(0.01)
    writer.join()
    assert len(list(folder.glob("audit.jsonl[.-]*"))) >= 1 + ("dateext" not in options)
    finish(reader)
    check(reader)


def test_every_line_arrives_once_through_real_copytruncate(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir(mode=0o755)
    path = folder / "audit.jsonl"
    config = configuration(folder, "copytruncate", "compress", "delaycompress")
    reader = Reader(path)
    # copytruncate itself loses what is written between its copy and its truncation: the writer pauses meanwhile
    written = 0
    while written < LINES:
        with path.open("ab") as file:
            for _ in range(1000):
                file.write(b'{"n":%d,"pad":"%s"}\n' % (written, b"x" * (written % 90)))
                written += 1
        if written % 3000:
            reader.source.poll()
            block = reader.source.read(20_000)
            if block is not None:
                reader.take(block)
        rotate(folder, config)
        if written % 7000 == 0:
            reader.source.close()
            reader.start()
    assert len(list(folder.glob("audit.jsonl.*"))) == LINES // 1000
    finish(reader)
    check(reader)


def finish(reader: Reader) -> None:
    reader.source.finish()
    deadline = time.monotonic() + 20
    reader.round()
    while reader.source.pending() and time.monotonic() < deadline:
        reader.round()
        time.sleep(0.02)
    assert reader.source.pending() == 0
    reader.source.close()


def check(reader: Reader) -> None:
    numbers = sorted(int(line.split(b",")[0].removeprefix(b'{"n":')) for line in reader.store.values())
    assert numbers == list(range(LINES))
    assert reader.refused == 0
    assert reader.missed == 0
