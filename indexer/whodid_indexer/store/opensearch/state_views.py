"""Shared views of a cluster: documents of `.whodid-state`, a kind for each space.

    kind "view:<hash of the space>"   name: the view's name   body: {"space": "…", "view": {…}}

Two who save one name at a time: the later word counts. Two who save the last two of `MOST`: there is one more.
"""

import hashlib

import msgspec
from msgspec import Struct

from whodid_indexer.store.opensearch.connect import Client
from whodid_indexer.store.opensearch.state import STATE, delete_state, make_state, put_state, read_state
from whodid_indexer.store.views import View, check_room
from whodid_schema.errors import StateError


class _Body(Struct, frozen=True):
    """The space stands there in full, so that whoever reads the index knows whose view it is."""

    space: str
    view: View


class ClusterViews:
    """The Views of one cluster, whose client somebody else closes."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def all(self, space: str) -> list[View]:
        """See Views. Raises what the cluster answers, as all three."""
        try:
            bodies = [msgspec.convert(kept.body, _Body) for kept in read_state(self._client, _kind(space))]
        except msgspec.ValidationError as error:
            raise StateError(f"{STATE}: a view cannot be read: {error}", "who changed it?") from error
        return sorted((body.view for body in bodies), key=lambda view: view.name)

    def save(self, space: str, view: View) -> bool:
        """See Views."""
        make_state(self._client)
        there = self.all(space)
        if all(one.name != view.name for one in there):
            check_room(len(there))
        return put_state(self._client, _kind(space), view.name, msgspec.to_builtins(_Body(space, view)))

    def delete(self, space: str, name: str) -> bool:
        """See Views."""
        return delete_state(self._client, _kind(space), name)


def _kind(space: str) -> str:
    return f"view:{hashlib.sha256(space.encode()).hexdigest()[:32]}"
