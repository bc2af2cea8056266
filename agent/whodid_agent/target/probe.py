"""What the target is: a whodid server, an OpenSearch cluster, set up or not, or something else altogether."""

from enum import StrEnum
from typing import Any, NamedTuple

from whodid_agent.target.client import Client, Unanswered
from whodid_schema import SCHEMA_VERSION
from whodid_schema.bulk import TEMPLATE_PATH
from whodid_schema.errors import ConfigError
from whodid_schema.meta import Meta, read_meta

OLDEST = (2, 19)


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
        status, root = client.get("/")
        if status in (401, 403):
            return Standing(State.DENIED, None, f"{client.url} answers {status}", "give its token with token_file")
        fault = _foreign(status, root)
        if fault:
            return Standing(
                State.FOREIGN,
                None,
                f"{client.url} {fault}",
                "target is the address of a whodid server or of OpenSearch",
            )
        status, template = client.get(TEMPLATE_PATH)
    except Unanswered as error:
        return Standing(State.UNREACHABLE, None, str(error), "start the store, or correct target")
    return _prepared(client.url, status, template)


def _foreign(status: int, root: Any) -> str:
    """Why this is no store we know; empty where it is one."""
    if status >= 500 or status == 429:
        return f"answers {status}: it is starting, or overloaded"
    if not isinstance(root, dict):
        return f"answers {status} with something that is no JSON document: a web page?"
    if root.get("product") == "whodid":
        return ""
    version = root.get("version")
    if not isinstance(version, dict) or version.get("distribution") != "opensearch":
        return "is neither a whodid server nor OpenSearch"
    number = str(version.get("number", ""))
    try:
        known = tuple(int(part) for part in number.split(".")[:2])
    except ValueError:
        known = ()
    return "" if known >= OLDEST else f"is OpenSearch {number}; 2.19 is the oldest that works"


def _prepared(url: str, status: int, template: Any) -> Standing:
    if status in (401, 403):
        return Standing(
            State.DENIED, None, f"{url} does not show its template ({status})", "the agent's role needs to read it"
        )
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
