"""compose.yaml, as far as it can be tested without Docker: its versions, ports, commands, volumes and variables."""

import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from support.opensearch.modules import SECURE_VERSION
from whodid_agent.cli.main import cli as agent
from whodid_indexer.cli.main import cli as indexer

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
IMAGE = (ROOT / "Dockerfile").read_text()
OURS = ("setup", "agent", "server", "ask")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["services"]
    return found


def test_it_runs_a_version_that_the_tests_run(services: dict[str, Any]) -> None:
    images = [service["image"] for service in services.values() if service["image"] != "whodid"]
    assert images == [
        f"opensearchproject/opensearch:{SECURE_VERSION}",
        f"opensearchproject/opensearch-dashboards:{SECURE_VERSION}",
    ]


def test_every_port_is_this_machines_alone(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert [name for name, service in services.items() if service.get("network_mode") == "host"] == ["server"]
    assert "127.0.0.1:8642" in services["server"]["command"]


@pytest.mark.parametrize(("service", "group"), [("setup", indexer), ("server", indexer), ("agent", agent)])
def test_its_commands_are_understood(services: dict[str, Any], service: str, group: click.Group) -> None:
    _, name, *arguments = services[service]["command"]
    command = group.get_command(click.Context(group), name)
    assert command is not None
    command.make_context(name, arguments, resilient_parsing=False).close()


def test_every_address_within_is_a_service_and_the_port_it_has(services: dict[str, Any]) -> None:
    inside = set(re.findall(r"http://([a-z]+):(\d+)", yaml.safe_dump(DOCUMENT)))
    assert inside == {("opensearch", "9200")}
    outside = {port.rpartition(":")[2] for port in services["opensearch"]["ports"]}
    assert set(re.findall(r"http://127\.0\.0\.1:(\d+)", " ".join(services["server"]["command"]))) == outside


def test_what_is_ours_may_write_its_volumes_alone(services: dict[str, Any]) -> None:
    in_image = set(re.findall(r'"(/var/lib/[\w-]+)"', re.findall(r"^VOLUME (.*)$", IMAGE, re.MULTILINE)[0]))
    for name in OURS:
        service = services[name]
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"]
        for volume in service.get("volumes", []):
            source, _, target = volume.rpartition(":") if volume.endswith(":ro") else volume.partition(":")
            assert target == "ro" or (source in DOCUMENT["volumes"] and target in in_image), volume
    named = {volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert set(DOCUMENT["volumes"]) <= named


def test_whoever_runs_on_is_asked_for_its_health_where_it_listens(services: dict[str, Any]) -> None:
    asked = services["agent"]["environment"]["HEALTH_URL"]
    assert asked == f"http://{services['agent']['command'][services['agent']['command'].index('--http') + 1]}/healthz"
    assert "HEALTH_URL=http://127.0.0.1:8642/healthz" in IMAGE
    assert all(services[name]["healthcheck"] == {"disable": True} for name in ("setup", "ask"))


def test_every_command_in_its_comments_is_one() -> None:
    text = (ROOT / "compose.yaml").read_text()
    commands = re.findall(r"docker compose run --rm ask (\w+)", text)
    assert commands
    assert all(indexer.get_command(click.Context(indexer), name) is not None for name in commands)
