"""The index template `whodid`: what every index of whodid's is made from, and where `_meta` is kept for everybody.

    PUT /_index_template/whodid
        {"index_patterns": ["whodid-*"], "priority": 200, "_meta": {…whodid_schema.meta.Meta…},
         "template": {"aliases": {"whodid": {}}, "settings": {…}, "mappings": {…}}}

An index is whodid's where its mapping says so (`_meta.whodid`), not where its name looks like it.
"""

from typing import Any

import msgspec

from whodid_indexer.store.opensearch.analysis import analysis
from whodid_indexer.store.opensearch.mapping import mapping
from whodid_schema.meta import Meta

NAME = "whodid"
ALIAS = "whodid"
PATTERN = "whodid-*"

_PRIORITY = 200
"""Above a catch-all template that somebody may have."""


def template(meta: Meta) -> dict[str, Any]:
    """The body of the template with this document."""
    return {
        "index_patterns": [PATTERN],
        "priority": _PRIORITY,
        "_meta": msgspec.to_builtins(meta),
        "template": {"aliases": {ALIAS: {}}, "settings": settings(), "mappings": mapping()},
    }


def settings() -> dict[str, Any]:
    """The settings that an index starts with; shards and replicas stay the cluster's own."""
    return {
        "index": {
            "codec": "best_compression",
            "query": {"default_field": ["search"]},
            "analysis": analysis(),
        }
    }
