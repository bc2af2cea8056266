"""Syslog over TCP and TLS: what a receiver may not have read is sent again, to receivers that close, break and stop."""

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest

from support.forwarding import NOT_OWN, add, drained, eventually, ids_of, made, order_of, running, store_in
from support.running import free_port
from support.syslogs import Certificates
from whodid_indexer.forward import syslog
from whodid_indexer.forward.settings import ConsumerSettings
from whodid_schema.errors import Incomplete

pytestmark = pytest.mark.usefixtures("hasty")

Behaviour = Callable[[socket.socket], bytes]
"""What a receiver does with a connection; what it has read of it and kept."""


def read_all(connection: socket.socket) -> bytes:
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def reset(connection: socket.socket) -> None:
    """End it as a killed process does that has not read everything."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Listener:
    """A receiver whose connections behave in turn, the last way for ever; `kept` is what each kept."""

    def __init__(self, *behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self._behaviours = [*behaviours]
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.kept: list[bytes] = []

    @property
    def address(self) -> str:
        return f"{'tls' if self._tls else 'tcp'}://localhost:{self._socket.getsockname()[1]}"

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                behaviour = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
                with contextlib.suppress(OSError), self._wrapped(connection) as wrapped:
                    self.kept.append(behaviour(wrapped))

    def _wrapped(self, connection: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection

    def ids(self) -> list[str]:
        """Of the whole messages that were kept, in order."""
        return [
            found.decode()
            for data in self.kept
            for message in framed(data)
            for found in re.findall(rb' id="(\w+)"', message)
        ]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(timeout=5)


def framed(data: bytes) -> list[bytes]:
    """The whole messages in a stream of counted octets; raises AssertionError where the counts are wrong."""
    messages = []
    while data:
        count, space, rest = data.partition(b" ")
        if not space:
            break
        assert count.isdigit()
        if len(rest) < int(count):
            break
        messages.append(rest[: int(count)])
        data = rest[int(count) :]
    return messages


def siem(address: str, **given: Any) -> ConsumerSettings:
    base = {"name": "siem", "kind": "syslog", "address": address, "query": NOT_OWN, "settle": "1s", "timeout": "2s"}
    return ConsumerSettings.model_validate(base | given)


def test_messages_are_counted_octets_in_the_order_of_arrival(tmp_path: Path) -> None:
    records = made(0, 50, description="Zoë did\nit")
    with Listener(read_all) as listener:
        (consumer,) = drained(tmp_path, store_in(tmp_path, records), siem(listener.address, form="cef", batch=20))
    assert listener.ids() == ids_of(records)
    assert all(message.startswith(b"<1") for message in framed(listener.kept[0]))
    assert (consumer.now.counts.sent, consumer.now.counts.in_flight) == (50, 0)


def test_a_receiver_that_ends_within_a_message_gets_everything_again(tmp_path: Path) -> None:
    def half(connection: socket.socket) -> bytes:
        data = connection.recv(3_000)
        reset(connection)
        return data

    def closed(connection: socket.socket) -> bytes:
        return connection.recv(2_500)

    records = made(0, 40)
    with Listener(half, closed, read_all) as listener:
        drained(tmp_path, store_in(tmp_path, records), siem(listener.address, batch=10))
    assert list(dict.fromkeys(listener.ids())) == ids_of(records)[:1] + ids_of(records)[1:]
    assert sorted(set(listener.ids())) == sorted(ids_of(records))


def test_what_a_killed_receiver_had_not_read_is_sent_again_though_its_machine_had_taken_it(tmp_path: Path) -> None:
    arrived, kill = threading.Event(), threading.Event()

    def killed(connection: socket.socket) -> bytes:
        arrived.set()
        kill.wait(20)
        reset(connection)
        return b""

    records = made(0, 30)
    store = store_in(tmp_path, records)
    with Listener(killed, read_all) as listener:
        with running(order_of(tmp_path, store, siem(listener.address, settle="60s"), once=False)) as (consumer,):
            assert arrived.wait(20)
            assert eventually(lambda: consumer.now.counts.in_flight == 30)
            kill.set()
            add(store, made(30, 35))
            assert eventually(lambda: consumer.now.counts.in_flight == 35)
        assert eventually(lambda: len(listener.kept) == 2)
    assert listener.ids() == ids_of(made(0, 35))


def test_what_was_not_acknowledged_when_we_end_goes_again_the_next_time(tmp_path: Path) -> None:
    records = made(0, 10)
    store = store_in(tmp_path, records)
    port = free_port()
    with pytest.raises(Incomplete, match=r"siem \(tcp://localhost:\d+: Connection refused\)"):
        drained(tmp_path, store, siem(f"tcp://localhost:{port}"), timeout=0.2)
    with Listener(read_all) as listener:
        (consumer,) = drained(tmp_path, store, siem(listener.address))
    assert listener.ids() == ids_of(records)
    assert consumer.now.counts.sent == 10


def test_a_receiver_that_reads_nothing_stalls_itself_and_can_be_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syslog, "_LAST_WORD", 0.1)
    end = threading.Event()

    def stalls(connection: socket.socket) -> bytes:
        end.wait(20)
        return b""

    store = store_in(tmp_path, made(0, 2_000, raw="x" * 5_000))
    with Listener(stalls) as listener:
        with running(order_of(tmp_path, store, siem(listener.address), once=False)) as (consumer,):
            assert eventually(lambda: consumer.now.counts.in_flight > 0)
        counts = consumer.now.counts
        assert counts.sent == 0
        assert counts.balanced
        end.set()


def test_a_message_leaves_the_window_when_the_receiver_had_time_to_write_it(tmp_path: Path) -> None:
    store = store_in(tmp_path, made(0, 5))
    with (
        Listener(read_all) as listener,
        running(order_of(tmp_path, store, siem(listener.address), once=False)) as (consumer,),
    ):
        assert eventually(lambda: consumer.now.counts.in_flight == 5)
        assert eventually(lambda: consumer.now.counts.sent == 5)
        assert not listener.kept  # over the connection that still is open


def test_tls_is_verified_and_carries_the_same(tmp_path: Path, certificates: Certificates) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    records = made(0, 30)
    store = store_in(tmp_path, records)
    with Listener(read_all, tls=context) as listener:
        with pytest.raises(Incomplete, match="certificate verify failed"):
            drained(tmp_path, store, siem(listener.address), timeout=0.3)
        other = listener.address.replace("localhost", "127.0.0.1")
        with pytest.raises(Incomplete, match="certificate is not valid for"):
            drained(tmp_path, store, siem(other, ca_file=str(certificates.ca)), timeout=0.3)
        drained(tmp_path, store, siem(listener.address, ca_file=str(certificates.ca)))
    assert listener.ids() == ids_of(records)


def test_a_certificate_that_is_valid_no_more_is_said_and_nothing_is_sent(
    tmp_path: Path, certificates: Certificates
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.expired, certificates.key)
    store = store_in(tmp_path, made(0, 3))
    with (
        Listener(read_all, tls=context) as listener,
        pytest.raises(Incomplete, match=r"by siem \(.*certificate has expired"),
    ):
        drained(tmp_path, store, siem(listener.address, ca_file=str(certificates.ca)), timeout=0.3)
    assert b"".join(listener.kept) == b""
