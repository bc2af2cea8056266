"""Archive before delete where nobody but the admin certificate may delete, and where a record is none of whodid's."""

from pathlib import Path

import msgspec
import pytest

from support.opensearch.secure import SecureNode
from support.opensearch.server import Server
from support.records import identifier
from support.running import whodid
from whodid_indexer.archive.reader import verify
from whodid_schema.document import document
from whodid_schema.record import Record, encode

DAY = "whodid-delivery-2026-10-01"
AT = ("--at", "2026-12-22T00:00:00Z")


def store(server: Server, number: int) -> int:
    stamp = "2026-10-01T08:00:00.000000Z"
    one = Record(timestamp=stamp, received_at=stamp, id=identifier(number), app="shop", surface="delivery")
    action = msgspec.json.encode({"create": {"_index": DAY, "_id": one.id}})
    answer = server.request("POST", "/_bulk", action + b"\n" + document(one, encode(one)) + b"\n")
    return int(answer["items"][0]["create"]["status"])


@pytest.mark.slow
def test_an_immutable_index_is_archived_and_goes_by_the_admin_certificate_alone(
    secure: SecureNode, tmp_path: Path
) -> None:
    folder, keys = tmp_path / "archive", secure.client
    folder.mkdir()
    config = tmp_path / "whodid.yaml"
    said = (
        f"store: {secure.url}\nstore_ca_file: {keys}/ca.pem\nretention: {{delivery: 30d}}\nlifecycle: apply\n"
        f"archive: {{directory: {folder}}}\n"
    )
    certificate = f"store_certificate_file: {keys}/admin.pem\nstore_key_file: {keys}/admin.key\n"
    config.write_text(said + certificate)
    whodid("setup", "--config", str(config))
    agent, boss = secure.add_user("agent", "whodid_ingest"), secure.add_user("boss", "whodid_admin")
    assert store(agent, 1) == 201

    password = tmp_path / "password"
    password.write_text(boss.password)
    password.chmod(0o600)
    config.write_text(f"{said}store_user: {boss.name}\nstore_password_file: {password}\n")
    refused = whodid("retention", "apply", "--config", str(config), *AT, check=False)
    assert refused.returncode == 3, refused.stderr
    assert store(agent, 2) == 201, "what could not be deleted takes records again"

    config.write_text(said + certificate)
    done = whodid("retention", "apply", "--config", str(config), *AT)
    assert f"deleted 2 records of delivery: {DAY}" in done.stdout
    newest = max(folder.glob("*.gz"), key=lambda file: verify(file).records)
    assert verify(newest).records == 2
    assert DAY not in secure.request("GET", "/_cat/indices?format=json&h=index").__repr__()


def test_a_record_that_nobody_can_read_keeps_its_index(opensearch: Server, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    config = tmp_path / "whodid.yaml"
    config.write_text(f"store: {opensearch.url}\nretention: {{delivery: 7d}}\narchive: {{directory: {folder}}}\n")
    whodid("setup", "--config", str(config))
    opensearch.request("PUT", f"/{DAY}/_doc/foreign?refresh=true", {"app": "by hand"})
    done = whodid("retention", "apply", "--config", str(config), *AT, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "cannot be archived" in done.stderr
    assert opensearch.request("GET", f"/{DAY}/_count")["count"] == 1
