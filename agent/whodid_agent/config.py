"""The settings of agent.yaml: where events come from, where they go, and what is left out on the way."""

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from whodid_agent.filename import told
from whodid_config.access import Access, read_access

DEFAULT_TARGET = "http://127.0.0.1:8642"


class SenderSettings(BaseModel):
    """One sender that may post to an HTTP input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="Names the sender; its events' source is `http/NAME`.")
    token_file: Path = Field(description="A file that holds the sender's token, or the key of its signatures.")
    kind: Literal["bearer", "standard", "body"] = Field(
        default="bearer",
        description="How it proves itself: `bearer` token, `standard` webhook signature (`webhook-signature`), or a "
        "signature over the `body` in a header of its own.",
    )
    header: str = Field(default="X-Hub-Signature-256", description="The header that carries a `body` signature.")


class InputSettings(BaseModel):
    """One input: a file, or an address that takes posts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str | None = Field(
        default=None,
        description="Path or glob of JSONL files; rotated and compressed siblings belong to them.",
    )
    http: str | None = Field(default=None, description="HOST:PORT that takes posts; port 0 takes a free one.")
    app: str | None = Field(default=None, description="Name of the application, instead of the profile's.")
    profile: str | None = Field(default=None, description="The profile of the events; without it they are recognised.")
    workspace: str | None = Field(default=None, description="Workspace id that every event gets, whatever it says.")
    workspace_default: str | None = Field(default=None, description="Workspace id of events that name none.")
    project: str | None = Field(default=None, description="Project id of events that name none.")
    source: str | None = Field(
        default=None,
        description="What ids of events without a name of their own go by, instead of host and path; agents that "
        "share one file set the same.",
    )
    redact: list[str] = Field(default=[], description="Keys to mask in this input besides the built-in ones.")
    drop: list[Any] = Field(
        default=[], description="Rules that leave events of this input out: `reads`, or `{name, when: {field: value}}`."
    )
    retry: Literal["body", "none"] | None = Field(
        default=None, description="`body`: a keyless post repeated word for word is the same post (HTTP only)."
    )
    raw: bool = Field(default=True, description="Keep each event's original beside the record.")
    text: Literal["quarantine", "drop"] = Field(
        default="quarantine",
        description="What becomes of lines that are plain text and no JSON (what a container says at its start): "
        "laid aside, or left out and counted as dropped by the rule `text`.",
    )
    unwrap: Literal["auto", "none", "docker", "cri"] = Field(
        default="auto",
        description="What a container's runtime put around each line is taken off: `docker` (json-file), `cri`, each "
        "line as it shows (`auto`), or nothing (files only).",
    )
    senders: list[SenderSettings] = Field(
        default=[], description="Who may post (HTTP only); none: loopback addresses only."
    )
    key_headers: list[str] = Field(
        default=[], description="Headers that name a delivery, asked after `Idempotency-Key` (HTTP only)."
    )
    hosts: list[str] = Field(default=[], description="Names a loopback receiver may be called by (HTTP only).")

    @model_validator(mode="after")
    def _one_place(self) -> "InputSettings":
        if (self.file is None) == (self.http is None) or not (self.file or self.http):
            raise ValueError("an input has either `file` or `http`")
        if "\0" in (self.file or ""):
            raise ValueError("no file has such a name")
        for name in ("retry", "senders", "key_headers", "hosts"):
            if self.file is not None and getattr(self, name):
                raise ValueError(f"`{name}` is for http inputs only")
        if self.http is not None and self.source is not None:
            raise ValueError("`source` is for file inputs only; a post's source is its sender's name")
        return self

    @property
    def name(self) -> str:
        """What the input is called in the checkpoint, in metrics and messages."""
        return f"file:{told(self.file)}" if self.file is not None else f"http:{self.http}"


class AgentSettings(BaseSettings):
    """The agent's settings. `WHODID_TARGET`, `WHODID_STATE_DIR` … win over the file, flags over both."""

    model_config = SettingsConfigDict(env_prefix="WHODID_", extra="forbid", frozen=True)

    target: Annotated[list[str], NoDecode] = Field(
        default=[DEFAULT_TARGET],
        description="The store that events go to: a whodid server, or OpenSearch (2.19 and later). A list names "
        "several addresses of one cluster; the first that is well is used. In the variable, spaces part them.",
    )
    token_file: Path | None = Field(
        default=None,
        description="A file that holds the agent's token for the target, sent as `Authorization: Bearer`.",
    )
    target_user: str | None = Field(default=None, description="Who writes to OpenSearch, with a password.")
    target_password: SecretStr | None = Field(
        default=None, description="The user's password; a file, or the variable, is better kept than this file."
    )
    target_password_file: Path | None = Field(default=None, description="A file that holds the user's password.")
    target_ca_file: Path | None = Field(
        default=None,
        description="PEM file of the CA that signed the target's certificate; the system's CAs without it.",
    )
    target_certificate_file: Path | None = Field(
        default=None, description="PEM file of a certificate to show to the target."
    )
    target_key_file: Path | None = Field(default=None, description="PEM file of its key.")
    state_dir: Path | None = Field(
        default=None,
        description="Where positions, journal, spool and quarantine are kept. Without it: `/var/lib/whodid-agent` for "
        "root, else `~/.local/state/whodid-agent`.",
    )
    inputs: list[InputSettings] = Field(default=[], description="Where events come from.")
    redact: list[str] = Field(default=[], description="Keys to mask in every input, besides the built-in ones.")
    drop: Annotated[list[Any], NoDecode] = Field(
        default=[], description="Rules that leave events out: `reads`, or `{name, when: {field: value}}`."
    )
    import_old: bool = Field(
        default=False,
        description="Whether events that are older than their retention are stored nevertheless, in the class "
        "`imported`, where they age from their import; else they are counted as expired.",
    )
    metrics: str | None = Field(
        default=None,
        description="HOST:PORT of this machine (127.0.0.1) that shows the agent's metrics at `/metrics`, and "
        "`/healthz`: for agents without an `http:` input, which shows them too. Not with `--once`.",
    )
    profiles: Path | None = Field(default=None, description="A folder of profiles of your own (`*.yaml`).")

    @field_validator("target", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        """One address, several parted by spaces or commas (a variable has no lists), or a list."""
        if isinstance(value, str):
            return json.loads(value) if value.startswith("[") else value.replace(",", " ").split() or [""]
        return value

    def state_path(self) -> Path:
        """The state directory that these settings mean."""
        if self.state_dir is not None:
            return self.state_dir
        if os.geteuid() == 0:
            return Path("/var/lib/whodid-agent")
        base = os.environ.get("XDG_STATE_HOME")
        return (Path(base) if base else Path.home() / ".local" / "state") / "whodid-agent"

    def access(self) -> Access:
        """How the target is reached. Raises ConfigError: settings contradict each other, a file cannot be read."""
        return read_access(self, "target", "token_file")
