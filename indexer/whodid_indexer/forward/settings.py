"""A consumer as whodid.yaml describes it, under `forward:`; checked, with its address taken apart and its secret read.

Addresses are never printed whole: the path of a webhook is often its secret.
"""

import os
import re
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

if TYPE_CHECKING:
    from whodid_config.access import Access

FORMS: dict[str, tuple[str, ...]] = {
    "webhook": ("json", "m", "ecs", "ocsf"),
    "syslog": ("json", "cef", "ecs", "ocsf"),
    "file": ("json", "m", "ecs", "ocsf", "cef"),
}
"""Kind → forms it can send."""

SCHEMES = {"webhook": ("https", "http"), "syslog": ("tls", "tcp")}
SYSLOG_PORTS = {"tls": 6514, "tcp": 601}

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SPAN = re.compile(r"([0-9]{1,6})([smhd])")
_STRUCTURE = re.compile(r"[A-Za-z0-9_.-]{1,20}@[0-9]{1,11}")


class Address(NamedTuple):
    """Where a consumer sends: scheme, host and port; `whole` as written, not to be printed."""

    scheme: str
    host: str
    port: int
    whole: str

    @property
    def shown(self) -> str:
        """What may be printed."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def _fault(message: str) -> PydanticCustomError:
    return PydanticCustomError("whodid", "{said}", {"said": message})  # the message may hold braces itself


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise _fault(f"{text!r} is no name: letters, digits, - _ and . ; at most 64")
    return text


def _span(text: str) -> str:
    if not _SPAN.fullmatch(text):
        raise _fault(f"{text!r} is no time: a number with s, m, h or d, as 24h")
    return text


def _structure(text: str) -> str:
    if not _STRUCTURE.fullmatch(text):
        raise _fault(f"{text!r} is no name for structured data: NAME@NUMBER, the number your enterprise's")
    return text


class ConsumerSettings(BaseModel):
    """One consumer of what arrives: what it is sent, in which form, and where."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, AfterValidator(_name)] = Field(
        description="What it is called; its bookmark goes by this name, so a new name begins anew."
    )
    kind: Literal["webhook", "syslog", "file"] = Field(description="How records leave.")
    address: str = Field(
        description="Of a webhook its URL, `https://…` (`http://` to this machine alone); of syslog `tls://host:6514` "
        "or `tcp://host:601`; of a file its path."
    )
    form: Literal["json", "m", "ecs", "ocsf", "cef"] = Field(
        default="json",
        description='`json` (the record), `ecs`, `ocsf`; `m` (`{"events":[…]}`) for webhooks and files, `cef` for '
        "syslog and files.",
    )
    query: str = Field(default="", description="Only what matches, in the query language.")
    begin: Literal["start", "now"] = Field(
        default="start", description="Where a new consumer begins: with all that the store holds, or with what is new."
    )
    secret_file: Path | None = Field(
        default=None,
        description="Webhook: a file with the secret that signs (`whsec_…` or any text); else the variable "
        "`WHODID_FORWARD_<NAME>_SECRET`; without either nothing is signed.",
    )
    token_file: Path | None = Field(
        default=None, description="Webhook: a file with a token, sent as `Authorization: Bearer`."
    )
    ca_file: Path | None = Field(default=None, description="PEM file of the CA that is trusted; else the system's.")
    certificate_file: Path | None = Field(default=None, description="PEM file of a certificate to show.")
    key_file: Path | None = Field(default=None, description="PEM file of its key.")
    plain: bool = Field(default=False, description="Webhook: `http://` to another machine is meant.")
    batch: int = Field(default=500, ge=1, le=1000, description="Most records sent at a time.")
    batch_bytes: int = Field(
        default=1_000_000, ge=10_000, le=100_000_000, description="Most bytes of records sent at a time."
    )
    timeout: Annotated[str, AfterValidator(_span)] = Field(
        default="30s", description="How long a receiver may take to answer, or to let itself be reached."
    )
    dead_after: Annotated[str, AfterValidator(_span)] = Field(
        default="24h",
        description="Webhook: a batch that is not taken for so long goes into the dead-letter file.",
    )
    facility: int = Field(default=13, ge=0, le=23, description="Syslog: the facility; 13 is `log audit`.")
    app_name: str = Field(
        default="whodid", pattern="^[!-~]{1,48}$", description="Syslog: APP-NAME, which receivers sort by."
    )
    message_bytes: int = Field(
        default=8192,
        ge=2048,
        le=10_000_000,
        description="Syslog: the longest message; of a longer one details are left out, and it says which.",
    )
    structured_data: Annotated[str, AfterValidator(_structure)] = Field(
        default="whodid@32473",
        description="Syslog: name of the structured data with the record's id; 32473 is the number for examples.",
    )
    settle: Annotated[str, AfterValidator(_span)] = Field(
        default="5s",
        description="Syslog: how long a message is kept to be sent again after the other machine has it: longer than "
        "the receiver keeps messages in memory.",
    )
    rotate_bytes: int = Field(
        default=100_000_000, ge=10_000, description="File: a file of this size gets another name, and a new one begins."
    )
    keep: int = Field(
        default=0, ge=0, le=10_000, description="File: how many rotated files are kept; 0: all, none is ever deleted."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        said = [*_faults(self)]
        if said:
            raise ValidationError.from_exception_data(
                "consumer", [InitErrorDetails(type=_fault(what), loc=(key,), input=None) for key, what in said]
            )
        return self

    def where(self) -> Address:
        """The address of a webhook or of syslog, taken apart."""
        return _address(self.kind, self.address)

    @property
    def shown(self) -> str:
        """The address as far as it may be printed."""
        return self.address if self.kind == "file" else self.where().shown

    def seconds(self, key: Literal["timeout", "dead_after", "settle"]) -> float:
        """A span of time in seconds."""
        return span(getattr(self, key))

    def access(self) -> "Access":
        """What TLS goes by, and the token. Raises ConfigError for files that cannot be read."""
        from whodid_config.access import Access, read_token  # noqa: PLC0415  ssl, which every command would load

        return Access(
            token=None if self.token_file is None else read_token(self.token_file, "token_file"),
            ca_file=self.ca_file,
            certificate_file=self.certificate_file,
            key_file=self.key_file,
            prefix=f"forward {self.name}",
        )

    def secret(self) -> str | None:
        """The secret that signs. Raises ConfigError for a file that cannot be read."""
        if self.secret_file is not None:
            from whodid_config.access import read_secret  # noqa: PLC0415  as above

            return read_secret(self.secret_file, "secret_file")
        return os.environ.get(variable(self.name)) or None


def variable(name: str) -> str:
    """The variable that may hold a consumer's secret."""
    return f"WHODID_FORWARD_{re.sub('[^A-Z0-9]', '_', name.upper())}_SECRET"


def span(text: str) -> float:
    """Seconds of a checked span."""
    return float(text[:-1]) * _UNITS[text[-1]]


def twice(consumers: Sequence[ConsumerSettings]) -> list[tuple[int, str]]:
    """Position and fault of each consumer that has the name, or the file, of one before it."""
    seen: set[tuple[str, str]] = set()
    found = []
    for number, one in enumerate(consumers):
        keys = [("name", one.name)] + ([("address", one.address)] if one.kind == "file" else [])
        found += [(number, f"two consumers have the {key} {value!r}") for key, value in keys if (key, value) in seen]
        seen.update(keys)
    return found


def _faults(given: ConsumerSettings) -> list[tuple[str, str]]:
    """Key and fault of what does not go together."""
    said = []
    if given.form not in FORMS[given.kind]:
        said.append(("form", f"a {given.kind} is not sent {given.form}; it can be {', '.join(FORMS[given.kind])}"))
    if given.kind == "file":
        if not Path(given.address).is_absolute() or given.address.endswith("/"):
            said.append(
                ("address", f"{given.address!r} is not the whole path of a file, as /var/log/whodid/audit.jsonl")
            )
    else:
        try:
            said += [("address", what) for what in _doubts(given, _address(given.kind, given.address))]
        except ValueError as error:
            said.append(("address", str(error)))
    if given.key_file is not None and given.certificate_file is None:
        said.append(("key_file", "the key of no certificate; give certificate_file too"))
    return said


def _address(kind: str, text: str) -> Address:
    """Raises ValueError, never with the path of what was written."""
    schemes = SCHEMES[kind]
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"not a URL: write {schemes[0]}://host") from error
    if parts.scheme not in schemes or not parts.hostname or not text.isprintable() or " " in text:
        raise ValueError(f"not an address of {kind}: write {' or '.join(f'{each}://host' for each in schemes)}")
    if parts.username or parts.password:
        raise ValueError("an address holds no credentials: use token_file or secret_file")
    if parts.fragment or (kind == "syslog" and (parts.path.strip("/") or parts.query)):
        raise ValueError(f"nothing stands behind {parts.scheme}://{parts.hostname}:PORT")
    known = {"https": 443, "http": 80, **SYSLOG_PORTS}
    return Address(parts.scheme, parts.hostname, port or known[parts.scheme], text)


def _doubts(given: ConsumerSettings, address: Address) -> list[str]:
    if address.scheme == "http" and not given.plain and not _loopback(address.host):
        return [f"http to {address.host} can be read and changed on its way; use https, or say `plain: true`"]
    literal = _literal(address.host)
    if literal is not None and (literal.is_multicast or literal.is_unspecified or literal.is_link_local):
        return [f"{address.host} is nobody's address"]
    return []


def _loopback(host: str) -> bool:
    literal = _literal(host)
    return host == "localhost" or (literal is not None and literal.is_loopback)


def _literal(host: str) -> Any:
    try:
        return ip_address(host)
    except ValueError:
        return None
