"""The settings of whodid.yaml: what `serve`, `setup` and every question read."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from whodid_indexer.cli.places import DEFAULT_LISTEN, DEFAULT_RATE
from whodid_indexer.forward.settings import ConsumerSettings, twice
from whodid_indexer.retention.document import MOST_CLASSES, Wanted, is_class_name, known_classes, near, read_days
from whodid_schema.errors import ConfigError
from whodid_schema.meta import RULE_FIELDS, Rule, compile_when

_is_repository = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}").fullmatch


def _class_name(text: str) -> str:
    if not is_class_name(text):
        raise _said(f"{text!r} is no name of a class: lower-case letters, digits and _, at most 40")
    return text


def _repository(text: str | None) -> str | None:
    if text is not None and not _is_repository(text):
        raise _said(f"{text!r} is no name of a snapshot repository: letters, digits, - and _, at most 128")
    return text


def _said(message: str) -> PydanticCustomError:
    """An error in our own words alone."""
    return PydanticCustomError("whodid", message)


class ClassRule(BaseModel):
    """A rule that gives what it matches a class of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = Field(description="What the rule is called in messages.")
    when: dict[str, str | list[str]] = Field(
        description=f"Field to value, to a list of values, or to a `prefix*`; all must match. Fields: "
        f"{', '.join(RULE_FIELDS)}."
    )
    class_: Annotated[str, AfterValidator(_class_name)] = Field(
        alias="class", description="The class: lower-case letters, digits and `_`."
    )


class GrantSettings(BaseModel):
    """What a group of people may do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Literal["self", "admin", "owner", "auditor", "platform"] = Field(description="The role of its members.")
    workspaces: list[str] = Field(default=[], description="Ids of the workspaces it is for.")
    projects: list[str] = Field(default=[], description="Ids of the projects it is for.")
    apps: list[str] = Field(default=[], description="Applications whose records without a workspace it sees too.")


class ArchiveSettings(BaseModel):
    """Where records go before retention deletes them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    directory: Path = Field(description="The folder; it must be there. Nothing in it is ever deleted or replaced.")
    classes: Literal["all"] | list[str] = Field(
        default="all", description="The classes that are archived, or `all`; the others are deleted without."
    )

    def chosen(self) -> frozenset[str] | None:
        """The classes; None for all."""
        return None if isinstance(self.classes, str) else frozenset(self.classes)


class SignOnSettings(BaseModel):
    """How a proxy that signs people on tells who they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user_header: str = Field(
        default="X-Forwarded-User", description="The header with the person's name; without it nobody is signed on."
    )
    email_header: str = Field(
        default="X-Forwarded-Email", description="The header with their e-mail address: that is who `me` is."
    )
    groups_header: str = Field(
        default="X-Forwarded-Groups", description="The header with their groups, separated by commas."
    )
    groups: dict[str, GrantSettings] = Field(
        default={},
        description="Group to what its members may do; of several the first in this order counts. Who is in none of "
        "them sees what they did themselves.",
    )


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
        description="Where `whodid serve` listens: HOST:PORT; port 0 takes a free one. Another address than this "
        "machine's own (127.0.0.1) needs tokens, and TLS or a proxy.",
    )
    tls_certificate_file: Path | None = Field(
        default=None, description="PEM file of the certificate that `whodid serve` shows: it then speaks https alone."
    )
    tls_key_file: Path | None = Field(default=None, description="PEM file of its key, without a passphrase.")
    behind_proxy: bool = Field(
        default=False,
        description="Browsers and agents reach `whodid serve` through a proxy that speaks TLS with them, and only so.",
    )
    hosts: list[str] = Field(
        default=[],
        description="Names that `whodid serve` answers to beside its own address, such as `audit.example.com`. Without "
        "any a server on this machine's own address answers to that alone, one with tokens elsewhere to all.",
    )
    trusted_proxies: list[str] = Field(
        default=[],
        description="Addresses or networks of proxies whose X-Forwarded-For is believed, and who may sign people on.",
    )
    sign_on: SignOnSettings | None = Field(
        default=None, description="The headers in which a trusted proxy says who is signed on."
    )
    retention: dict[str, str] = Field(
        default={},
        description="How long records are kept, by class (`activity: 365d`, `delivery: 30d`, `audit: forever`); for "
        "ever where nothing is said. Classes are the surfaces, `imported`, and those that class rules make. "
        "`whodid setup` and `whodid serve` tell the store, which tells the agents.",
    )
    class_rules: list[ClassRule] = Field(
        default=[],
        description="Rules that give records another class than their surface, the first that matches; changed ones "
        f"hold for records from the next day on. At most {MOST_CLASSES} classes in all.",
    )
    categories: dict[str, str] = Field(
        default={}, description="Labels of categories by their short name, beside the built-in ones or in their place."
    )
    lifecycle: Literal["ism", "apply"] = Field(
        default="ism",
        description="Who deletes on OpenSearch: `ism` (Index State Management, and `whodid retention apply`), or "
        "`apply` (`whodid retention apply` alone, with the admin certificate: for immutable indices).",
    )
    archive: ArchiveSettings | None = Field(
        default=None,
        description="Records are archived before they are deleted, and only what was read back from there is deleted. "
        "On OpenSearch ISM then deletes nothing: `whodid retention apply` does.",
    )
    snapshot_repository: Annotated[str | None, AfterValidator(_repository)] = Field(
        default=None,
        description="On OpenSearch: the snapshot repository (one that the cluster knows) into which each index goes "
        "before it is deleted; what is not whole there is not deleted.",
    )
    serve_retention: bool = Field(
        default=True,
        description="Whether `whodid serve` deletes once a day what is older than its retention; "
        "without it `whodid retention apply` does.",
    )
    serve_rate: int = Field(
        default=DEFAULT_RATE,
        ge=0,
        le=1_000_000,
        description="Requests a second that each token may send to `whodid serve`, or each address where there are no "
        "tokens; ten times as many at once; 0: as many as they like. `_bulk` is not counted.",
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

    forward: list[ConsumerSettings] = Field(
        default=[], description="Where `whodid forward` sends records as they arrive; each has a bookmark of its own."
    )

    @model_validator(mode="after")
    def _classes_are_known(self) -> "IndexerSettings":
        faults = [*self._faults()]
        if faults:
            raise ValidationError.from_exception_data("settings", faults)
        return self

    def _faults(self) -> Iterator[InitErrorDetails]:
        """What is wrong between settings, each with its place, so that the message names the line."""
        for number, said in twice(self.forward):
            yield _fault(said, None, "forward", number)
        rules = self.rules()
        known = known_classes(rules)
        yield from self._archive_faults(known)
        for name, text in self.retention.items():
            try:
                read_days(text)
            except ValueError as error:
                yield _fault(str(error), text, "retention", name)
            if name not in known:
                yield _fault(f"there is no class {name!r}; {near(name, known)}", name, "retention", name)
        for number, rule in enumerate(rules):
            try:
                compile_when(rule.when, f"class rule {rule.name}")
            except ConfigError as error:
                unknown = next(field for field in rule.when if field not in RULE_FIELDS)
                said = f"{error.message}; {near(unknown, list(RULE_FIELDS))}"
                yield _fault(said, unknown, "class_rules", number, "when", unknown)
            if not rule.when:
                yield _fault("a rule without a condition would match everything", {}, "class_rules", number, "when")
        if len(known) > MOST_CLASSES:
            yield _fault(f"{len(known)} classes, the most are {MOST_CLASSES}: {', '.join(known)}", known, "class_rules")

    def _archive_faults(self, known: list[str]) -> Iterator[InitErrorDetails]:
        chosen = None if self.archive is None else self.archive.chosen()
        for name in sorted(chosen or ()):
            if name not in known:
                yield _fault(f"there is no class {name!r}; {near(name, known)}", name, "archive", "classes")

    def rules(self) -> list[Rule]:
        """The class rules as the store's document has them."""
        return [Rule(name=one.name, when=dict(one.when), class_=one.class_) for one in self.class_rules]

    @property
    def ism_deletes(self) -> bool:
        """Whether Index State Management is to delete; it archives nothing."""
        return self.lifecycle == "ism" and self.archive is None

    def wanted(self) -> Wanted:
        """What the store's document shall say of classes, rules and categories."""
        days = {name: read_days(text) for name, text in self.retention.items()}
        return Wanted(days, self.rules(), dict(self.categories))


def _fault(message: str, given: Any, *place: str | int) -> InitErrorDetails:
    return InitErrorDetails(type=_said(message), loc=place, input=given)
