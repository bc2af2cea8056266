"""The agent is light: what it never needs is never loaded."""

import subprocess
import sys

import click

from whodid_agent.cli.main import SAYS, cli

HEAVY = (
    *("rich", "pygments", "jinja2", "numpy", "apsw", "opensearchpy", "starlette", "uvicorn"),
    *("hyperscan", "ua_parser", "watchdog"),
)
"""Of the store side, of people's side, and what is loaded at the first event or input that needs it."""


def printed(program: str) -> str:
    """What a process of its own prints that runs this program."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_run_of_the_agent_loads_nothing_that_only_the_store_or_people_need() -> None:
    program = (
        "import sys, whodid_agent.cli.run, whodid_agent.process\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    assert printed(program) == "[]"


def test_help_loads_neither_the_agent_nor_its_settings() -> None:
    program = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from whodid_agent.cli.main import cli\n"
        "for arguments in (['--help'], ['run', '--help']):\n"
        "    assert CliRunner().invoke(cli, arguments).exit_code == 0\n"
        "print([name for name in ('pydantic', 'httpx', 'yaml', 'whodid_agent.runner') if name in sys.modules])\n"
    )
    assert printed(program) == "[]"


def test_to_normalise_no_settings_and_no_network_are_loaded() -> None:
    program = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from whodid_agent.cli.main import cli\n"
        'done = CliRunner().invoke(cli, [\'normalise\', \'-\'], input=\'{"action": "a.b", "actor": "ann"}\')\n'
        "assert done.exit_code == 0, done.output\n"
        "print([name for name in ('pydantic', 'httpx', 'prometheus_client') if name in sys.modules])\n"
    )
    assert printed(program) == "[]"


def test_the_help_says_of_each_command_what_the_command_says_itself() -> None:
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        assert click.Command(name, help=SAYS[name]).get_short_help_str(1000) == command.get_short_help_str(1000)


def test_without_its_command_line_httpx_is_whole() -> None:
    program = "import whodid_agent, httpx; httpx.Client(trust_env=False).close(); print(httpx.main.__module__)"
    assert printed(program) == "httpx"


def test_of_profiles_that_no_event_has_only_the_head_is_read() -> None:
    program = (
        "import pathlib, sys\n"
        "from whodid_agent.normalise.language.load import builtin_profile\n"
        "from whodid_agent.normalise.profiles import ProfileSet\n"
        "profiles = ProfileSet.load()\n"
        "assert profiles.knows({'kind': 'Event', 'auditID': 'a', 'stage': 's', 'apiVersion': 'audit.k8s.io/v1'})\n"
        "before = builtin_profile.cache_info().currsize\n"
        "profiles.get('vault-audit').profile\n"
        "print(before, builtin_profile.cache_info().currsize)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "1"]
