"""Files of container runtimes: what is around a line is taken off, fragments are joined, positions stay the file's."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.inputs.file.tailing import Agent
from whodid_schema.identity import file_id, generation_of

Tail = Callable[..., Agent]
TIME = "2026-03-05T10:00:00.123456789Z"


def docker(text: str, stream: str = "stdout") -> bytes:
    return json.dumps({"log": text, "stream": stream, "time": TIME}, separators=(",", ":")).encode() + b"\n"


def cri(text: str, flag: str = "F", stream: str = "stdout") -> bytes:
    return f"{TIME} {stream} {flag} {text}\n".encode()


@pytest.mark.parametrize("wrap", [lambda text: docker(text + "\n"), cri])
def test_the_line_that_was_written_is_the_event_and_stands_where_the_file_has_it(
    tail: Tail, path: Path, wrap: Callable[[str], bytes]
) -> None:
    first, second = wrap('{"n":1}'), wrap('{"n":"ü \\" hunter2"}')
    path.write_bytes(first + second)
    agent = tail()
    assert agent.read() == [b'{"n":1}', '{"n":"ü \\" [FILTERED]"}'.encode()]
    generation = generation_of(first[:-1])
    assert agent.ids == [
        file_id(f"h:{path}", generation, 0, 0, b'{"n":1}'),
        file_id(f"h:{path}", generation, len(first), 0, '{"n":"ü \\" [FILTERED]"}'.encode()),
    ]


def test_fragments_are_joined_in_order_each_stream_for_itself(tail: Tail, path: Path) -> None:
    path.write_bytes(
        cri('{"a":', "P")
        + cri('{"e":1}', "F", "stderr")
        + cri('"long",', "P")
        + cri('"b":2}')
        + docker('{"c":"' + "x" * 16384)
        + docker('{"d":4}\n', "stderr")
        + docker('y"}\n')
    )
    agent = tail()
    assert agent.read() == [b'{"e":1}', b'{"a":"long","b":2}', b'{"d":4}', b'{"c":"' + b"x" * 16384 + b'y"}']


def test_an_unfinished_line_waits_for_its_end_and_nothing_is_read_twice(tail: Tail, path: Path) -> None:
    path.write_bytes(cri('{"n":1}') + cri('{"a":', "P"))
    agent = tail()
    assert agent.read() == [b'{"n":1}']
    assert agent.read() == []
    agent.restart()
    with path.open("ab") as file:
        file.write(cri("2}") + cri('{"n":3}'))
    assert agent.read() == [b'{"a":2}', b'{"n":3}']
    assert len(set(agent.ids)) == 3


def test_a_line_longer_than_a_read_is_joined_whatever_the_reads_are(tail: Tail, path: Path) -> None:
    long = '{"a":"' + "z" * 5000 + '"}'
    path.write_bytes(
        cri('{"n":1}') + b"".join(cri(long[at : at + 50], "P") for at in range(0, 5000, 50)) + cri(long[5000:])
    )
    assert tail(chunk=700).read() == [b'{"n":1}', long.encode()]


def test_a_process_that_died_in_the_middle_of_a_line_takes_no_other_with_it(tail: Tail, path: Path) -> None:
    path.write_bytes(docker('{"a":') + docker('{"n":2}\n') + docker('{"n":3}') + docker('{"n":4}\n'))
    assert tail().read() == [b'{"a":', b'{"n":2}', b'{"n":3}', b'{"n":4}']


def test_what_only_looks_wrapped_is_left_alone(tail: Tail, path: Path) -> None:
    event = b'{"log":"x","stream":"stdout","who":"ann"}\n'
    other = b'{"log":7,"stream":"stdout"}\n{"msg":" stdout F {}"}\n'
    path.write_bytes(event + other)
    assert tail().read() == (event + other).splitlines()


@pytest.mark.parametrize("mode", ["none", "cri"])
def test_the_setting_decides_what_is_taken_off(tail: Tail, path: Path, mode: str) -> None:
    path.write_bytes(docker('{"n":1}\n'))
    assert tail(unwrap=mode).read() == [docker('{"n":1}\n')[:-1]]


def test_lines_of_white_space_inside_of_a_wrapping_are_blank(tail: Tail, path: Path) -> None:
    path.write_bytes(docker("\n") + docker("  \r\n") + docker('{"n":1}\r\n'))
    assert tail().read() == [b'{"n":1}']


def test_a_newline_inside_cannot_make_two_events_of_one_line(tail: Tail, path: Path) -> None:
    path.write_bytes(docker('{"n":1}\n{"n":2}\n'))
    assert tail().read() == [b'{"n":1} {"n":2}']
