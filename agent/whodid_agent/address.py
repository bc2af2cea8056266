"""Addresses that the agent listens on: HOST:PORT taken apart, and which are this machine's own."""

import ipaddress

from whodid_schema.errors import ConfigError


def parse_address(address: str, setting: str) -> tuple[str, int]:
    """Host (empty: every address) and port of host:port or [v6]:port. Raises ConfigError naming the setting."""
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or int(port) > 65535 or (":" in host and not host.startswith("[")):
        raise ConfigError(f"{setting}: {address!r} is not an address", "write host:port, such as 127.0.0.1:8686")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether a host name or address (without port) is this machine's own."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def name_in(host: str) -> str:
    """The name or address in a Host header, without its port."""
    return host[: host.rfind("]") + 1] if host.startswith("[") else host.partition(":")[0]


def spelt(host: str, port: int) -> str:
    """host:port as addresses are written."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
