"""How a cluster is reached: who asks, and whom it trusts; from the settings `store_…` of whodid.yaml."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from whodid_schema.errors import ConfigError

if TYPE_CHECKING:
    from whodid_indexer.config import IndexerSettings


@dataclass(frozen=True)
class Access:
    """User and password, or a token, or a client certificate, or none of them; the CA that is trusted."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None


def access_of(settings: "IndexerSettings") -> Access:
    """What the settings say. Raises ConfigError where they contradict each other or a file cannot be read."""
    password = settings.store_password.get_secret_value() if settings.store_password is not None else None
    if password is not None and settings.store_password_file is not None:
        raise ConfigError("store_password and store_password_file are both given", "leave one of them out")
    if settings.store_password_file is not None:
        password = _secret(settings.store_password_file, "store_password_file")
    if (settings.store_user is None) != (password is None):
        raise ConfigError("a user and a password belong together", "store_user with store_password_file")
    token = None
    if settings.store_token_file is not None:
        if settings.store_user is not None:
            raise ConfigError("store_user and store_token_file are both given", "leave one of them out")
        token = _secret(settings.store_token_file, "store_token_file")
    if settings.store_key_file is not None and settings.store_certificate_file is None:
        raise ConfigError("store_key_file is the key of no certificate", "give store_certificate_file too")
    return Access(
        settings.store_user,
        password,
        token,
        settings.store_ca_file,
        settings.store_certificate_file,
        settings.store_key_file,
    )


def _secret(path: Path, key: str) -> str:
    """The secret in the file, its last newline left out. The messages never hold it."""
    try:
        secret = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{key}: {path} cannot be read: {error}", "give the user of whodid the right to") from error
    if not secret or not secret.isprintable():
        raise ConfigError(f"{key}: {path} does not hold one line", "write the secret into it, and nothing else")
    return secret
