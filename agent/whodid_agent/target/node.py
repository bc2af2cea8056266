"""One of the target's addresses: who was found there, and how long it rests after it failed."""

from collections.abc import Callable
from typing import Any

import httpx

from whodid_agent.target.answer import Refused, Unanswered
from whodid_agent.target.retry import Backoff
from whodid_config.access import Access
from whodid_config.cluster import Info, not_let_in, read_root
from whodid_schema.bulk import FILTER_PATH
from whodid_schema.errors import StoreUnreachable

SERVER = "a whodid server"
"""The cluster's name of an Info that is a whodid server."""


class Node:
    """`who` is None until it was asked, and again after it failed: it may have become another."""

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        self.url = url
        self.bulk_url = httpx.URL(f"{url}/_bulk", params={"filter_path": FILTER_PATH})
        self.who: Info | None = None
        self.due = 0.0
        self.trouble = ""
        self._clock = clock
        self._backoff = Backoff(1.0, 300.0)

    def failed(self, error: Exception, after: float) -> None:
        """Leave it alone for a while, longer each time."""
        self.who = None
        self.trouble = str(error)
        self.due = self._clock() + self._backoff.next(after)

    def well(self) -> None:
        """It answered."""
        if self.trouble:
            self.trouble = ""
            self._backoff.reset()
            self.due = 0.0

    def greet(self, access: Access, status: int, root: Any) -> Info:
        """Who says this of itself at `GET /`. Raises Unanswered, Refused."""
        if status == 401:
            refusal = not_let_in(self.url, access)
            raise Refused(refusal.message, refusal.hint, denied=True)
        if status == 403:
            raise Refused(
                f"{self.url} answers 403: the agent may not even ask for the version",
                "its user needs the role whodid_ingest",
                denied=True,
            )
        if status >= 500 or status == 429:
            raise Unanswered(f"{self.url} answers {status}: it is starting, or overloaded")
        if not isinstance(root, dict):
            raise Refused(
                f"{self.url} answers {status} with something that is no JSON document: a web page?",
                "target is the address of a whodid server or of OpenSearch",
            )
        if root.get("product") == "whodid":
            self.who = Info((), str(root.get("version", "")), SERVER, "")
            return self.who
        try:
            found = read_root(self.url, root)
        except StoreUnreachable as error:
            raise Refused(error.message, "target is the address of a whodid server or of OpenSearch 2.19+") from error
        if found.uuid == "_na_":
            raise Unanswered(f"{self.url} has not joined a cluster yet")
        self.who = found
        return found
