"""Requests to OpenSearch Dashboards' API of saved objects, and every failure as one line.

    GET  /api/status                                who answers, and its version
    POST /api/saved_objects/_bulk_get               [{type, id}] → {saved_objects: [{…, error?: {statusCode}}]}
    POST /api/saved_objects/_import?overwrite=true  multipart, `file` is NDJSON → {success, successCount, errors?}

Every request has the header `osd-xsrf`, without which Dashboards refuses to change anything, and `securitytenant`
where a tenant is named.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import httpx
import msgspec

from whodid_config.access import Access, checked_url
from whodid_config.cluster import OLDEST, not_let_in, unreachable
from whodid_dashboards.opensearch.saved import FILE, PREFIX, Attributes, SavedObject, to_ndjson
from whodid_schema.errors import NotAllowed, StoreUnreachable, UsageError

_TIMEOUT = httpx.Timeout(10.0, read=120.0)
_EXAMPLE = "https://host:5601"
_ELSEWHERE = f"name the address that people open in the browser, with its base path: {_EXAMPLE}"

Answer = TypeVar("Answer", bound=msgspec.Struct)


class Found(msgspec.Struct, frozen=True):
    """An object as Dashboards has it."""

    attributes: Attributes
    references: Sequence[Mapping[str, str]]


class _Shown(msgspec.Struct, frozen=True):
    type: str
    id: str
    attributes: Attributes = {}
    references: Sequence[Mapping[str, str]] = ()
    error: Mapping[str, Any] | None = None


class _ShownAll(msgspec.Struct, frozen=True):
    saved_objects: Sequence[_Shown]


class _Failed(msgspec.Struct, frozen=True):
    type: str
    id: str
    error: Mapping[str, Any] = {}


class _Imported(msgspec.Struct, frozen=True, rename="camel"):
    success_count: int = 0
    errors: Sequence[_Failed] = ()


class Failure(msgspec.Struct, frozen=True):
    """An object that was not imported, and why."""

    type: str
    id: str
    reason: str


class Dashboards:
    """One OpenSearch Dashboards, as one user, in one tenant; `close` gives its connections back."""

    def __init__(
        self, url: str, access: Access, tenant: str | None = None, transport: httpx.BaseTransport | None = None
    ) -> None:
        """Raises ConfigError for a URL that is none, UsageError for a tenant that no header can hold."""
        self.url = checked_url(url, access.prefix, "OpenSearch Dashboards", _EXAMPLE)
        self._access = access
        headers = {"osd-xsrf": "true"}
        if authorization := access.authorization():
            headers["authorization"] = authorization
        if tenant is not None:
            if not tenant.strip() or not tenant.isprintable() or not tenant.isascii():
                raise UsageError(
                    f"--dashboards-tenant: {tenant!r} is no name of a tenant", "global, private, or a name"
                )
            headers["securitytenant"] = tenant
        self._http = httpx.Client(
            base_url=self.url,
            timeout=_TIMEOUT,
            trust_env=False,
            transport=transport,
            headers=headers,
            verify=access.trust() if self.url.startswith("https:") else False,
        )

    def version(self) -> str:
        """Its version. Raises StoreUnreachable where it is not OpenSearch Dashboards, or one that is too old."""
        response = self._ask("GET", "/api/status")
        if "kbn-name" in response.headers:
            raise StoreUnreachable(f"{self.url} is Kibana, not OpenSearch Dashboards", _ELSEWHERE)
        said = _json(response)
        version = said.get("version") if isinstance(said, dict) else None
        number = str(version.get("number", "")) if isinstance(version, dict) else ""
        numbers = tuple(int(part) for part in number.partition("-")[0].split(".") if part.isdecimal())
        if not response.is_success or not numbers:
            if response.status_code == 503:
                raise StoreUnreachable(f"{self.url} is not ready: 503", "wait, or look at its log")
            raise StoreUnreachable(
                f"{self.url} answers {response.status_code}, and is not OpenSearch Dashboards", _ELSEWHERE
            )
        if numbers < OLDEST:
            raise StoreUnreachable(f"{self.url} is OpenSearch Dashboards {number}", "whodid needs 2.19 or later")
        return number

    def find(self, objects: Sequence[SavedObject]) -> dict[tuple[str, str], Found]:
        """Those of the objects that are there, as they are there."""
        asked = [{"type": one.type, "id": one.id} for one in objects]
        answer = self._answer(_ShownAll, "/api/saved_objects/_bulk_get", json=asked)
        there: dict[tuple[str, str], Found] = {}
        for one in answer.saved_objects:
            if one.error is None:
                there[one.type, one.id] = Found(one.attributes, one.references)
            elif one.error.get("statusCode") != 404:
                raise NotAllowed(f"{self.url} does not show {one.type} {one.id}: {one.error.get('message')}")
        return there

    def put(self, objects: Sequence[SavedObject]) -> list[Failure]:
        """Import them, over those of the same ids; which were not, and why."""
        strangers = [one.id for one in objects if not one.id.startswith(PREFIX)]
        if strangers:
            raise ValueError(f"not ours to overwrite: {strangers}")
        content = to_ndjson(objects).encode()
        answer = self._answer(
            _Imported,
            "/api/saved_objects/_import",
            params={"overwrite": "true"},
            files={"file": (FILE, content, "application/ndjson")},
        )
        failures = [Failure(one.type, one.id, _reason(one.error)) for one in answer.errors]
        done = answer.success_count
        if done != len(objects) - len(failures):
            raise StoreUnreachable(
                f"{self.url} says that it imported {done} of {len(objects)} objects, and does not say which",
                "look at its log, and run the command again: it imports what is missing",
            )
        return failures

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def _answer(self, kind: type[Answer], path: str, **request: Any) -> Answer:
        response = self._ask("POST", path, **request)
        said = _json(response)
        if not response.is_success:
            reason = str(said.get("message") or said.get("error") or "") if isinstance(said, dict) else ""
            raise StoreUnreachable(f"{self.url}{path}: {response.status_code} {reason}".rstrip(), _ELSEWHERE)
        try:
            return msgspec.convert(said, kind)
        except msgspec.ValidationError as error:
            raise StoreUnreachable(f"{self.url}{path}: its answer cannot be read: {error}", _ELSEWHERE) from error

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise unreachable(self.url, error, self._access.prefix) from error
        if response.status_code == 401:
            raise not_let_in(self.url, self._access)
        if response.status_code == 403:
            said = _json(response)
            reason = said.get("message") if isinstance(said, dict) else None
            raise NotAllowed(
                f"{self.url} does not allow {method} {path}: {reason or 'no right'}",
                "the user needs a role that may write the tenant's saved objects",
            )
        return response


def _json(response: httpx.Response) -> Any:
    """What it says; None where that is not JSON."""
    try:
        return msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _reason(error: Mapping[str, Any]) -> str:
    """Why an object was not imported, in words."""
    references = error.get("references")
    missing = [one for one in references if isinstance(one, dict)] if isinstance(references, list) else []
    told = {
        "conflict": "there is another object of this id",
        "missing_references": "it refers to what is not there: "
        + ", ".join(f"{one.get('type')} {one.get('id')}" for one in missing),
        "unsupported_type": "this Dashboards does not know the type",
    }
    kind = str(error.get("type"))
    return told.get(kind) or f"{kind}: {error.get('message') or error.get('statusCode') or 'no reason given'}"
