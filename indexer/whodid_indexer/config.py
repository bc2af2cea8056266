"""The settings of whodid.yaml: what `serve`, `setup` and every question read."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from whodid_indexer.cli.places import DEFAULT_LISTEN


class IndexerSettings(BaseSettings):
    """The settings of the store's side. `WHODID_STORE` and `WHODID_LISTEN` win over the file, flags over both."""

    model_config = SettingsConfigDict(env_prefix="WHODID_", extra="forbid", frozen=True)

    store: str | None = Field(
        default=None,
        description="The store: `sqlite:///var/lib/whodid/audit.db`, or the URL of a whodid server "
        "(questions only) or of OpenSearch. Without it: `/var/lib/whodid/audit.db` for root, else "
        "`~/.local/state/whodid/audit.db`.",
    )
    listen: str = Field(
        default=DEFAULT_LISTEN,
        description="Where `whodid serve` listens: HOST:PORT on this machine; port 0 takes a free one.",
    )
    retention: dict[str, str] = Field(
        default={},
        description="How long records are kept, by class (`activity: 365d`); for ever where nothing is said. "
        "For a store on OpenSearch: `whodid setup` tells agents, and ISM where it is.",
    )
    store_user: str | None = Field(default=None, description="Who asks OpenSearch, with a password.")
    store_password: SecretStr | None = Field(
        default=None, description="The user's password; a file, or the variable, is better kept than this file."
    )
    store_password_file: Path | None = Field(default=None, description="A file that holds the user's password.")
    store_token_file: Path | None = Field(
        default=None, description="A file that holds a token, sent as `Authorization: Bearer`."
    )
    store_ca_file: Path | None = Field(
        default=None,
        description="PEM file of the CA that signed the cluster's certificate; the system's CAs without it.",
    )
    store_certificate_file: Path | None = Field(
        default=None, description="PEM file of a certificate to show (the security plugin's admin has one)."
    )
    store_key_file: Path | None = Field(default=None, description="PEM file of its key.")
