"""The tokens of a cluster: documents of `.whodid-state`, of which a server keeps a copy that is never older than `AGE`.

    kind "token"   name: the token's id   body: {"token": {…}, "hash": "…"}      SHA-256 of the secret, in hex

A token works, and stops working, within `AGE` seconds of being written, in every server over the cluster: the copy is
as old as the question that brought it, and whoever comes later waits for the next one. What cannot be read is never
taken for "there are none": a cluster that does not answer, and one whose index of state is gone, let nobody in. That
there was a token says the index template `whodid-state` too, so that an empty index in the lost one's place opens no
server, whoever made it.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime

import msgspec
from msgspec import Struct

from whodid_indexer.access.token import Token
from whodid_indexer.access.tokens import ended_at, in_order, unknown
from whodid_indexer.store.opensearch.connect import Client
from whodid_indexer.store.opensearch.state import (
    STATE,
    Kept,
    has_state,
    make_state,
    read_state,
    state_index,
    state_version,
    write_state,
)
from whodid_schema.errors import NotAllowed, StateError, StoreUnreachable, UsageError, WhodidError

AGE = 1.0
"""Seconds that a copy is used for, counted from before it was asked for; also how long a failure is not tried again."""

MOST = 5_000
"""Tokens of a cluster, those that have ended counted."""

_KIND = "token"
_MARK = "/_index_template/whodid-state"
_HAD = {"index_patterns": [STATE], "priority": 500, "_meta": {"tokens": True}}


class _Body(Struct, frozen=True):
    token: Token
    hash: str


class ClusterTokens:
    """The Tokens of one cluster, whose client it closes; safe to use from several threads."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises StoreUnreachable and StateError where they cannot be read."""
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._by_hash: dict[str, Token] = {}
        self._by_id: dict[str, Token] = {}
        self._version: tuple[object, ...] = ()
        self._ends = self._failed_until = float("-inf")
        self._failure: StoreUnreachable | StateError = StoreUnreachable("")
        self.refresh()

    def any(self) -> bool:
        """See Tokens."""
        self.refresh()
        return bool(self._by_id)

    def find(self, digest: bytes) -> Token | None:
        """See Tokens."""
        self.refresh()
        return self._by_hash.get(digest.hex())

    def get(self, identifier: str) -> Token | None:
        """See Tokens."""
        self.refresh()
        return self._by_id.get(identifier)

    def fresh(self) -> bool:
        """See Tokens."""
        return self._clock() < self._ends

    def refresh(self) -> None:
        """See Tokens. Of many that ask at a time one asks the cluster."""
        if self.fresh():
            return
        with self._lock:
            if self.fresh():
                return
            if self._clock() < self._failed_until:
                raise type(self._failure)(self._failure.message, self._failure.hint)
            began = self._clock()
            try:
                self._read()
            except (StoreUnreachable, StateError) as error:
                self._failure, self._failed_until = error, self._clock() + AGE
                raise
            self._ends = began + AGE

    def close(self) -> None:
        """Close the way to the cluster."""
        self._client.close()

    def _read(self) -> None:
        """Take in what there is, where it is not what there was. Raises StoreUnreachable and StateError."""
        try:
            version = state_version(self._client, _KIND)
            if version and version == self._version:
                return
            kept = read_state(self._client, _KIND, refresh=False)
            lost = not kept and (not has_state(self._client) or self._client.find(_MARK) is not None)
        except NotAllowed as error:  # it is the server that may not, and not whoever asks it
            raise StoreUnreachable(f"whether there are tokens cannot be told: {error.message}", _ROLE) from error
        if lost:
            raise StateError(
                f"{self._client.url}: the index {STATE}, which has the tokens, is not there, or has lost them: "
                "nobody is let in",
                "restore it from a snapshot; else run whodid setup, and where there were tokens make new ones",
            )
        bodies = [_body_of(one) for one in kept]
        self._by_hash = {body.hash: body.token for body in bodies}
        self._by_id = {body.token.id: body.token for body in bodies}
        self._version = version


_ROLE = "give the server's user the role whodid_server, which whodid setup makes"


class ClusterRegister:
    """The Register of one cluster, whose client somebody else closes."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def all(self) -> list[Token]:
        """See Register. Raises what the cluster answers, as all four."""
        return in_order(_body_of(kept).token for kept in read_state(self._client, _KIND))

    def known(self, identifier: str) -> Token:
        """See Register."""
        return _body_of(self._kept(identifier)).token

    def add(self, token: Token, digest: bytes) -> None:
        """See Register. Raises UsageError for one too many."""
        make_state(self._client)
        if self._client.find(_MARK) is None:
            self._client.json("PUT", _MARK, {**_HAD, "template": state_index()})
        if len(read_state(self._client, _KIND)) >= MOST:
            raise UsageError(f"there are {MOST:,} tokens already", "give a token to several, or use another store")
        write_state(self._client, _KIND, token.id, msgspec.to_builtins(_Body(token, digest.hex())))

    def revoke(self, identifier: str, now: datetime) -> tuple[Token, bool]:
        """See Register. Raises StateError where somebody else ended it in the same moment."""
        kept = self._kept(identifier)
        body = _body_of(kept)
        if body.token.revoked is not None:
            return body.token, False
        ended = msgspec.structs.replace(body, token=ended_at(body.token, now))
        write_state(self._client, _KIND, identifier, msgspec.to_builtins(ended), kept)
        return ended.token, True

    def _kept(self, identifier: str) -> Kept:
        found = next((kept for kept in read_state(self._client, _KIND) if kept.name == identifier), None)
        if found is None:
            raise unknown(identifier)
        return found


def _body_of(kept: Kept) -> _Body:
    """Raises StateError for what no whodid wrote: of a token that cannot be read nobody knows whether it has ended."""
    try:
        return msgspec.convert(kept.body, _Body)
    except (msgspec.ValidationError, WhodidError) as error:
        raise StateError(f"{STATE}: the token {kept.name[:40]!r} cannot be read: {error}", "who changed it?") from error
