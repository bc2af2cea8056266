"""Frames of the spool cut into blocks of lines, from any position and up to any.

A frame's first line takes the frame's head with it: line ends lie without a hole one behind the other, and a block may
begin and end between any two lines. An empty line (a refused event's place) counts one blank byte.
"""

from collections import deque

from whodid_agent.inputs.contract import Block, Line
from whodid_agent.normalise.contract import Origin, Stream
from whodid_agent.spool.frame import Frame
from whodid_agent.spool.reader import Gap, Reader
from whodid_agent.spool.spool import Spool


class LineReader:
    """A place in the spool of one input; `position` is behind the last line that was handed out."""

    def __init__(self, key: str, spool: Spool, agent: str, host: str, position: int) -> None:
        self._key = key
        self._agent = agent
        self._host = host
        self._reader = Reader(spool)
        self._streams: dict[str, Stream] = {}
        self._ahead: deque[tuple[int, Line | None]] = deque()
        self.position = 0
        self.seek(position)

    def seek(self, position: int) -> None:
        """Go on from this position."""
        self._reader.seek(position)
        self._ahead.clear()
        self.position = position

    def block(self, limit: int, until: int | None = None) -> Block | None:
        """The next lines, about `limit` bytes, none behind `until`; None: nothing is there.

        A gap makes a block of its own, without lines, `skipped_bytes` long.
        """
        start, lines, blank = self.position, list[Line](), 0
        stop = start + limit if until is None else min(start + limit, until)
        while self.position < stop:
            if not self._ahead:
                item = self._reader.next()
                if item is None:
                    break
                if isinstance(item, Gap):
                    if self.position == start:
                        return self._skip(item.end if until is None else min(item.end, until))
                    self._reader.position = item.start
                    break
                self._unfold(item)
                continue
            self.position, line = self._ahead.popleft()
            if line is None:
                blank += 1
            else:
                lines.append(line)
        return Block(self._key, start, self.position, lines, blank) if self.position > start else None

    def close(self) -> None:
        """Give back the open file."""
        self._reader.close()

    def _skip(self, end: int) -> Block:
        start, self.position = self.position, end
        return Block(self._key, start, end, [], skipped_bytes=end - start)

    def _unfold(self, frame: Frame) -> None:
        """The frame's lines that lie behind the position; None stands for an empty one."""
        post = frame.post
        stream = self._streams.get(post.source)
        if stream is None:
            stream = Stream(kind="http", source=post.source, agent=self._agent, host=self._host)
            self._streams[post.source] = stream
        end = frame.lines_start
        for item, data in enumerate(post.lines.split(b"\n")[:-1], post.first_item):
            end += len(data) + 1
            if end > self.position:
                origin = Origin(stream, frame.number, post.received_at, post.key, item)
                self._ahead.append((end, Line(origin, data, end) if data else None))
