"""A whodid server from outside: what it says of itself. Its file, or its cluster, is looked over where that is."""

from collections.abc import Iterator

from whodid_indexer.doctor.finding import Budget, Check, Finding, ok, skipped, warn
from whodid_indexer.store.opensearch.connect import Client
from whodid_schema import __version__


class Served:
    """The checks of the server that `client` reaches."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def checks(self) -> list[tuple[str, Check]]:
        """In the order of their cost."""
        return [("server", self.server)]

    def server(self, _: Budget) -> Iterator[Finding]:
        """Whether it is ready, and of this version."""
        version = self._client.root().get("version", {}).get("number")
        self._client.ask("GET", "/readyz")
        if version == __version__:
            yield ok(f"whodid {version}, ready")
        else:
            yield warn(f"whodid {version}, ready; this is {__version__}", "run one version on both sides")
        yield skipped("its store is not seen from here", "whodid doctor --store sqlite:///… where the file is")
