"""What a manifest says of its store: where it is, and nothing that lets anybody in."""

import pytest

from whodid_indexer.export.manifest import without_credentials


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///var/lib/whodid/audit.db", "sqlite:///var/lib/whodid/audit.db"),
        ("sqlite:audit.db", "sqlite:audit.db"),
        ("https://ana:secret@search.example:9200/x", "https://search.example:9200/x"),
        ("http://127.0.0.1:8642?token=secret", "http://127.0.0.1:8642"),
    ],
)
def test_a_store_is_named_with_all_its_slashes_and_without_credentials(url: str, said: str) -> None:
    assert without_credentials(url) == said
