"""How a cluster is reached: who asks, and whom it trusts; from the settings `store_…` of whodid.yaml."""

from typing import TYPE_CHECKING

from whodid_config.access import Access, read_access

if TYPE_CHECKING:
    from whodid_indexer.config import IndexerSettings

__all__ = ["Access", "access_of"]


def access_of(settings: "IndexerSettings") -> Access:
    """What the settings say. Raises ConfigError where they contradict each other or a file cannot be read."""
    return read_access(settings, "store", "store_token_file")
