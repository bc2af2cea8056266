"""A TCP or TLS connection that knows what the other machine has taken over, and whether the other side has gone."""

import contextlib
import fcntl
import os
import select
import socket
import ssl
import struct
import termios
import threading
import time

from whodid_indexer.forward.settings import Address

_STEP = 0.25
"""Seconds after which a send that hangs looks whether it shall end."""

_DEAD_AFTER_MS = 120_000
"""For how long a machine may leave what we sent unconfirmed before the connection counts as broken."""

_AT_ONCE = 1 << 18


class Stopped(OSError):
    """The wait was ended because this process shall end."""


class Wire:
    """An open connection. Raises OSError (ssl.SSLError is one) from everything that finds it broken."""

    def __init__(self, address: Address, trust: ssl.SSLContext | None, timeout: float, stop: threading.Event) -> None:
        self._stop = stop
        plain = socket.create_connection((address.host, address.port), timeout)
        try:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _DEAD_AFTER_MS)
            self._socket = plain if trust is None else trust.wrap_socket(plain, server_hostname=address.host)
            self._socket.settimeout(0)
        except BaseException:
            plain.close()
            raise

    def send(self, data: bytes) -> None:
        """Hand it all to the operating system, however long that takes. Raises Stopped."""
        view = memoryview(data)
        while view:
            try:
                view = view[self._socket.send(view[:_AT_ONCE]) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wait(reading=False)
            except ssl.SSLWantReadError:
                self._wait(reading=True)

    def waiting(self) -> int:
        """Bytes that the other machine has not taken over yet; those taken over nobody there need have read."""
        (number,) = struct.unpack("i", fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))
        return int(number)

    def gone(self) -> bool:
        """Whether the other side has ended the connection. What it says meanwhile is of no interest."""
        try:
            while self._socket.recv(4096):
                pass
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            return True
        return True

    def finish(self, patience: float) -> bool:
        """End our side, and wait for the other to end its: it has then read everything. False: it did not in time.

        Its end alone does not say so: it may have ended before our last bytes arrived, which its machine then refuses.
        What was taken over, though, and not refused behind it, has been read. Raises OSError where it was refused.
        """
        deadline = time.monotonic() + patience
        if isinstance(self._socket, ssl.SSLSocket):
            with contextlib.suppress(ssl.SSLError):  # few receivers answer as TLS asks; how TCP ends is what counts
                self._socket.unwrap()
            self._socket = self._plain()
        with contextlib.suppress(OSError):  # it may have ended already
            self._socket.shutdown(socket.SHUT_WR)
        ended = False
        while time.monotonic() < deadline:
            try:
                ended = ended or not self._socket.recv(4096)
            except BlockingIOError:
                select.select([self._socket], [], [], _STEP)
            if refused := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(refused, os.strerror(refused))
            if ended and self.waiting() == 0:
                return True
            if ended:
                time.sleep(0.01)
        return False

    def close(self) -> None:
        """At once."""
        self._socket.close()

    def _plain(self) -> socket.socket:
        """The connection below TLS, where what it says last is seen as bytes and its end as the end."""
        below = socket.socket(fileno=self._socket.detach())
        below.settimeout(0)
        return below

    def _wait(self, *, reading: bool) -> None:
        if self._stop.is_set():
            raise Stopped("ended while the receiver took nothing")
        wanted = [self._socket]
        select.select(wanted if reading else [], [] if reading else wanted, [], _STEP)
