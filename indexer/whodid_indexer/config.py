"""The settings of whodid.yaml: what `serve`, `setup` and every question read."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from whodid_indexer.cli.places import DEFAULT_LISTEN


class IndexerSettings(BaseSettings):
    """The settings of the store's side. `WHODID_STORE` and `WHODID_LISTEN` win over the file, flags over both."""

    model_config = SettingsConfigDict(env_prefix="WHODID_", extra="forbid", frozen=True)

    store: str | None = Field(
        default=None,
        description="The store: `sqlite:///var/lib/whodid/audit.db`, or the URL of a whodid server "
        "(questions only). Without it: `/var/lib/whodid/audit.db` for root, else "
        "`~/.local/state/whodid/audit.db`.",
    )
    listen: str = Field(
        default=DEFAULT_LISTEN,
        description="Where `whodid serve` listens: HOST:PORT on this machine; port 0 takes a free one.",
    )
