"""What the target is: a whodid server, an OpenSearch cluster, set up or not, or something else altogether."""

from enum import StrEnum
from typing import Any, NamedTuple

from whodid_agent.target.answer import Refused, Unanswered
from whodid_agent.target.client import Client
from whodid_schema import SCHEMA_VERSION
from whodid_schema.bulk import TEMPLATE_PATH
from whodid_schema.errors import ConfigError
from whodid_schema.meta import Meta, read_meta


class State(StrEnum):
    """How the target stands."""

    READY = "ready"
    UNREACHABLE = "unreachable"
    FOREIGN = "foreign"
    DENIED = "denied"
    UNPREPARED = "unprepared"
    OLDER = "older"


class Standing(NamedTuple):
    """The target's state, its template document where it is ready, and one line for people."""

    state: State
    meta: Meta | None
    detail: str
    hint: str = ""


def probe(client: Client) -> Standing:
    """Ask the target what it is. Never raises for what it answers."""
    try:
        status, template = client.ask("GET", TEMPLATE_PATH, everybody=True)
    except Unanswered as error:
        return Standing(State.UNREACHABLE, None, str(error), error.hint or "start the store, or correct target")
    except Refused as error:
        return Standing(State.DENIED if error.denied else State.FOREIGN, None, str(error), error.hint)
    return _prepared(client.url, status, template)


def _prepared(url: str, status: int, template: Any) -> Standing:
    if status in (401, 403):
        return Standing(
            State.DENIED,
            None,
            f"{url} does not show its template ({status})",
            "the agent's user needs the role whodid_ingest",
        )
    if status == 429 or status >= 500:
        return Standing(State.UNREACHABLE, None, f"{url} answers {status}: it is starting, or overloaded")
    if status == 404:
        return Standing(State.UNPREPARED, None, f"{url} has no template of whodid", "run whodid setup")
    try:
        meta = read_meta(template["index_templates"][0]["index_template"]["_meta"])
    except (KeyError, IndexError, TypeError, ConfigError):
        return Standing(
            State.UNPREPARED, None, f"{url} has a template whodid without whodid's _meta", "run whodid setup"
        )
    if meta.schema < SCHEMA_VERSION:
        detail = f"{url} is set up for records of form {meta.schema}, this agent writes {SCHEMA_VERSION}"
        return Standing(State.OLDER, None, detail, "run whodid setup of this version")
    return Standing(State.READY, meta, f"{url} is ready")
