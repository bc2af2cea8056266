"""A stand-in for OpenSearch Dashboards' API of saved objects, on a real socket; no real one can be had for tests.

It does what the documentation and the source (2.19 to 3.x) say of four addresses, with the standard library alone:

    GET  /api/status                       200 with its version; 401 without credentials where some are asked for
    POST without the header osd-xsrf       400
    POST /api/saved_objects/_bulk_get      200; each object, or an error 404 in its place
    POST /api/saved_objects/_import        multipart with a file *.ndjson; 200, and an error for each object that has an
                                           unknown type, a newer form, a reference to what is not there, or, without
                                           ?overwrite=true, the id of one that is. An error that could be resolved by
                                           asking again makes it write nothing, and still count the others

Each tenant has objects of its own.
"""

import json
import threading
from base64 import b64encode
from collections import defaultdict
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import SplitResult, parse_qs, urlsplit

NEWEST = {"index-pattern": "7.6.0", "search": "7.9.3", "visualization": "7.10.0", "dashboard": "7.9.3"}
"""The newest form of each type in every release of OpenSearch Dashboards: its table of migrations ends there."""

RESOLVABLE = {"conflict", "ambiguous_conflict", "missing_references"}

Key = tuple[str, str]
Json = dict[str, Any]


class DashboardsDouble:
    """Running inside of a `with`. What it was asked is in `asked`; set `broken` to make it answer otherwise."""

    def __init__(self, version: str = "2.19.0", user: tuple[str, str] | None = None, base: str = "") -> None:
        self.version = version
        self.user = user
        self.base = base
        self.broken: dict[str, tuple[int, bytes]] = {}
        self.refused: dict[str, Json] = {}
        self.tenants: dict[str, dict[Key, Json]] = defaultdict(dict)
        self.headers: dict[str, str] = {"osd-name": "double"}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        double = self

        class Handler(_Handler):
            dashboards = double

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{self.base}"

    @property
    def objects(self) -> dict[Key, Json]:
        """Those of nobody's tenant."""
        return self.tenants[""]

    @property
    def imports(self) -> int:
        """How often it was asked to import."""
        return sum("_import" in path for _, path, _ in self.asked)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """The status and the body for a request."""
        self.asked.append((method, target, headers))
        parts = urlsplit(target.removeprefix(self.base))
        if parts.path in self.broken:
            return self.broken[parts.path]
        if not target.startswith(self.base + "/"):
            return _error(404, "Not Found")
        if self.user and headers.get("authorization") != f"Basic {b64encode(':'.join(self.user).encode()).decode()}":
            return _error(401, "Unauthorized")
        if (method, parts.path) == ("GET", "/api/status"):
            return _ok({"name": "double", "version": {"number": self.version}, "status": {"overall": {}}})
        if method == "POST" and "osd-xsrf" in headers:
            return self._changed(parts, headers, body)
        return (
            _error(400, "Request must contain the osd-xsrf header.") if method == "POST" else _error(404, "Not Found")
        )

    def _changed(self, parts: SplitResult, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        objects = self.tenants[headers.get("securitytenant", "")]
        if parts.path == "/api/saved_objects/_bulk_get":
            return _ok({"saved_objects": [_shown(objects, one["type"], one["id"]) for one in json.loads(body)]})
        if parts.path == "/api/saved_objects/_import":
            overwrite = parse_qs(parts.query).get("overwrite") == ["true"]
            return self._import(objects, headers.get("content-type", ""), body, overwrite)
        return _error(404, "Not Found")

    def _import(self, objects: dict[Key, Json], kind: str, body: bytes, overwrite: bool) -> tuple[int, bytes]:
        message = message_from_bytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + body, policy=policy.HTTP)
        files = [
            part for part in message.iter_parts() if part.get_param("name", header="content-disposition") == "file"
        ]
        if len(files) != 1:
            return _error(400, "[request body.file]: expected value of type [Stream] but got [undefined]")
        if not str(files[0].get_filename()).endswith(".ndjson"):
            return _error(400, f"Invalid file extension of {files[0].get_filename()}")
        content = files[0].get_payload(decode=True)
        assert isinstance(content, bytes)
        sent = [json.loads(line) for line in content.decode().splitlines()]
        there = objects.keys() | {(one["type"], one["id"]) for one in sent}
        errors = [error for one in sent if (error := self._fault(one, objects, there, overwrite))]
        failed = {(error["type"], error["id"]) for error in errors}
        done = [one for one in sent if (one["type"], one["id"]) not in failed]
        if not any(error["error"]["type"] in RESOLVABLE for error in errors):
            objects.update({(one["type"], one["id"]): one for one in done})
        answer: Json = {"success": not errors, "successCount": len(done)}
        return _ok(answer | ({"errors": errors} if errors else {}))

    def _fault(self, one: Json, objects: dict[Key, Json], there: set[Key], overwrite: bool) -> Json | None:
        kind, name = one["type"], one["id"]
        error = self.refused.get(name)
        missing = [
            {"type": each["type"], "id": each["id"]}
            for each in one["references"]
            if each["type"] in ("index-pattern", "search") and (each["type"], each["id"]) not in there
        ]
        if kind not in NEWEST:
            error = {"type": "unsupported_type"}
        elif _numbers(one["migrationVersion"][kind]) > _numbers(NEWEST[kind]):
            error = {"type": "unknown", "message": "belongs to a more recent version", "statusCode": 422}
        elif missing:
            error = {"type": "missing_references", "references": missing}
        elif (kind, name) in objects and not overwrite:
            error = {"type": "conflict"}
        return {"type": kind, "id": name, "error": error} if error else None


class _Handler(BaseHTTPRequestHandler):
    dashboards: DashboardsDouble
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, content = self.dashboards.answer(self.command, self.path, headers, body)
        self.send_response(status)
        for name, value in self.dashboards.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        return


def _shown(objects: dict[Key, Json], kind: str, name: str) -> Json:
    found = objects.get((kind, name))
    if found is None:
        return {"type": kind, "id": name, "error": {"statusCode": 404, "error": "Not Found", "message": "not found"}}
    return {**found, "updated_at": "2026-11-21T00:00:00.000Z", "version": "WzEsMV0=", "namespaces": ["default"]}


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _ok(answer: Json) -> tuple[int, bytes]:
    return 200, json.dumps(answer).encode()


def _error(status: int, message: str) -> tuple[int, bytes]:
    return status, json.dumps({"statusCode": status, "error": "Error", "message": message}).encode()
