"""Wake-ups from the operating system when something happens in a folder; polling always backs them.

A wake-up only shortens the wait for the next poll. Nothing depends on it: where the system has no watches left, a
network file system reports nothing, or the queue overflows, the input is a little slower and says so.
"""

from collections.abc import Callable, Iterable

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirModifiedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

# not: opened, closed without a write; reading the files would wake the reader
_EVENTS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirModifiedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]


class Watch:
    """Calls `wake`, from a thread of its own, after something changed in one of the folders."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._observer = Observer()
        self._handler = _Waker(wake)
        self._watched: set[str] = set()
        self._started = False
        self.problem = ""

    def follow(self, folders: Iterable[str]) -> None:
        """Watch these folders too; one that cannot be watched is left to polling, `problem` says why."""
        for folder in folders:
            if folder in self._watched:
                continue
            self._watched.add(folder)
            try:
                self._observer.schedule(self._handler, folder, event_filter=_EVENTS)
                if not self._started:
                    self._observer.start()
                    self._started = True
            except (OSError, RuntimeError) as error:
                self.problem = f"{folder}: no wake-ups ({error}); it is looked at every poll instead"

    def close(self) -> None:
        """End the thread."""
        if self._started:
            self._observer.stop()
            self._observer.join()
            self._started = False


class _Waker(FileSystemEventHandler):
    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:  # noqa: ARG002 - what happened does not matter
        self._wake()
