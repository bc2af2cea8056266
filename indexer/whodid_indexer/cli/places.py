"""Where the store is: from a flag, the environment, whodid.yaml, or the place that it has when nobody says.

pydantic takes 150 ms to import, so it is asked only where there is a file to read.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from whodid_indexer.config import IndexerSettings

CONFIG_FILE = Path("/etc/whodid/whodid.yaml")
"""Read where it is there and `--config` names no other."""

DEFAULT_LISTEN = "127.0.0.1:8642"

FORWARDING = "forward"
"""The folder of `whodid forward`, see `own_place`."""

DEFAULT_RATE = 200
"""Requests a second of one token or address."""


class Place(NamedTuple):
    """The store's URL, and in words who said so."""

    url: str
    said_by: str


def own_place(name: str) -> Path:
    """Where a file or folder of this name is kept where nobody says: the machine's for root, a person's otherwise."""
    if os.geteuid() == 0:
        return Path("/var/lib/whodid") / name
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "whodid" / name


def default_store() -> str:
    """The store's URL where nothing is configured."""
    return f"sqlite://{own_place('audit.db')}"


def find_store(flag: str | None, config: Path | None) -> Place:
    """The store that is meant. Raises ConfigError where the configuration file is wrong."""
    if flag:
        return Place(flag, "--store")
    if named := os.environ.get("WHODID_STORE"):
        return Place(named, "WHODID_STORE")
    file = _config_file(config)
    if file is not None and (store := _settings(file).store):
        return Place(store, str(file))
    return Place(default_store(), "the default place: no --store, no WHODID_STORE, no store: in a configuration file")


def find_listen(flag: str | None, config: Path | None) -> str:
    """The address to listen on. Raises ConfigError where the configuration file is wrong."""
    file = _config_file(config)
    return flag or os.environ.get("WHODID_LISTEN") or (_settings(file).listen if file else DEFAULT_LISTEN)


def find_settings(config: Path | None) -> "IndexerSettings":
    """All settings, of the file that is read and of the environment. Raises ConfigError where they are wrong."""
    return _settings(_config_file(config))


def configured(config: Path | None) -> "IndexerSettings | None":
    """All settings where a file says them; None where there is none, and so nobody has said anything."""
    file = _config_file(config)
    return None if file is None else _settings(file)


def _config_file(config: Path | None) -> Path | None:
    if config is not None:
        return config
    return CONFIG_FILE if CONFIG_FILE.exists() else None


def _settings(file: Path | None) -> "IndexerSettings":
    from whodid_config.settings import load  # noqa: PLC0415  pydantic, see above
    from whodid_indexer.config import IndexerSettings  # noqa: PLC0415  as above

    return load(IndexerSettings, file)
