"""compose.yaml, as far as it can be tested without Docker: its versions, its ports, its commands."""

from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from support.opensearch.modules import SECURE_VERSION
from whodid_agent.cli.main import cli as agent
from whodid_indexer.cli.main import cli as indexer

FILE = Path(__file__).parents[3] / "compose.yaml"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
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


@pytest.mark.parametrize(("service", "group"), [("setup", indexer), ("agent", agent)])
def test_its_commands_are_understood(services: dict[str, Any], service: str, group: click.Group) -> None:
    _, name, *arguments = services[service]["command"]
    command = group.get_command(click.Context(group), name)
    assert command is not None
    command.make_context(name, arguments, resilient_parsing=False).close()
