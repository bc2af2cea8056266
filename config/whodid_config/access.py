"""How a store across the network is reached: who asks, and whom it trusts; from settings of either program.

    store_user  store_password | store_password_file  store_token_file    who asks: one of the two, or
    store_certificate_file  store_key_file                                a certificate, or nobody
    store_ca_file                                                         whom we trust

The agent's begin with `target_`, and its token is in `token_file`. Secrets are read from files once, at the start.
"""

import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from whodid_schema.errors import ConfigError


@dataclass(frozen=True)
class Access:
    """User and password, or a token, or a client certificate, or none of them; the CA that is trusted.

    `prefix` and `token_key` are what the settings are called, for messages.
    """

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    prefix: str = "store"
    token_key: str = "store_token_file"  # noqa: S105  the setting's name

    def authorization(self) -> str | None:
        """The `Authorization` header; None where nobody is named."""
        if self.token:
            return f"Bearer {self.token}"
        if self.user:
            pair = f"{self.user}:{self.password or ''}"
            return f"Basic {b64encode(pair.encode()).decode()}"
        return None

    def trust(self) -> ssl.SSLContext:
        """What TLS goes by. Raises ConfigError for files that cannot be used."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"{self.prefix}_ca_file: {self.ca_file} cannot be used: {error}", "a PEM file with the CA"
            ) from error
        if self.certificate_file is not None:
            try:
                context.load_cert_chain(self.certificate_file, self.key_file)
            except (OSError, ssl.SSLError) as error:
                raise ConfigError(
                    f"{self.prefix}_certificate_file: {self.certificate_file} with {self.key_file} cannot be used: "
                    f"{error}",
                    "PEM files of the certificate and its key, the key without a passphrase",
                ) from error
        return context


def read_access(settings: Any, prefix: str, token_key: str) -> Access:
    """What the settings named `<prefix>_…` say.

    Raises ConfigError where they contradict each other or a file cannot be read.
    """
    names = ("user", "password", "password_file", "ca_file", "certificate_file", "key_file")
    given = {name: getattr(settings, f"{prefix}_{name}") for name in names}
    token_file: Path | None = getattr(settings, token_key)
    password = given["password"].get_secret_value() if given["password"] is not None else None
    if password is not None and given["password_file"] is not None:
        raise ConfigError(f"{prefix}_password and {prefix}_password_file are both given", "leave one of them out")
    if given["password_file"] is not None:
        password = read_secret(given["password_file"], f"{prefix}_password_file")
    if (given["user"] is None) != (password is None):
        raise ConfigError("a user and a password belong together", f"{prefix}_user with {prefix}_password_file")
    if token_file is not None and given["user"] is not None:
        raise ConfigError(f"{prefix}_user and {token_key} are both given", "leave one of them out")
    if given["key_file"] is not None and given["certificate_file"] is None:
        raise ConfigError(f"{prefix}_key_file is the key of no certificate", f"give {prefix}_certificate_file too")
    return Access(
        given["user"],
        password,
        None if token_file is None else read_token(token_file, token_key),
        given["ca_file"],
        given["certificate_file"],
        given["key_file"],
        prefix,
        token_key,
    )


def read_secret(path: Path, key: str) -> str:
    """The one line in a secret's file, without its newline. Raises ConfigError; the message never holds the secret."""
    try:
        secret = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{key}: {path} cannot be read: {error}", "give the user of whodid the right to") from error
    if not secret or not secret.isprintable():
        raise ConfigError(f"{key}: {path} does not hold one line", "write the secret into it, and nothing else")
    return secret


def read_token(path: Path, key: str) -> str:
    """As read_secret, of what is sent in a header as one word."""
    return checked_token(read_secret(path, key), f"{key}: {path}")


def checked_token(text: str, where: str) -> str:
    """A token as it may be sent, without the spaces around it. Raises ConfigError that never holds the token."""
    token = text.strip()
    if not token.isascii() or not token.isprintable() or not token or " " in token:
        raise ConfigError(f"{where} does not hold one word", "write the token into it, and nothing else")
    return token


def checked_url(url: str, prefix: str, what: str, example: str) -> str:
    """The URL without a last slash. Raises ConfigError where it is none of `what`, or holds credentials."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{url.rpartition('@')[2]!r} is not a URL: {error}", f"write it like {example}") from error
    if parts.username or parts.password:
        host = f"{parts.hostname}:{port}" if port else f"{parts.hostname}"
        variable = f"WHODID_{prefix.upper()}"
        raise ConfigError(
            f"the URL of {host} holds credentials, and URLs are printed",
            f"give them with {prefix}_user and {prefix}_password_file, or {variable}_USER and {variable}_PASSWORD",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable() or parts.query:
        raise ConfigError(f"{url!r} is not the URL of {what}", f"write it like {example}")
    return url.rstrip("/")
