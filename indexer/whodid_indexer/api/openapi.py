"""The OpenAPI 3.1 document of the server: made of the endpoints (`endpoints`), the table of fields and the types.

`GET /api/v1/openapi.json` answers it, docs/openapi.json is a copy of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whodid_indexer.api.endpoints import JSON, Answer, Endpoint, Parameter, Schema, routes, text
from whodid_indexer.api.problem import MEDIA_TYPE
from whodid_indexer.api.requests import HEADER
from whodid_indexer.query.model import AuditQuery
from whodid_schema import __version__
from whodid_schema.fields import ALIASES, FIELDS, Field
from whodid_schema.jsonschema import record_schema

_REFERENCE = "#/components/schemas/{name}"

DOCUMENT = Endpoint(
    "openapi", "/api/v1/openapi.json", "This document", (Answer("An OpenAPI 3.1 document", dict[str, Any]),)
)


class Problem(Struct):
    """What is wrong (RFC 9457): `code` stays the same between versions, `detail` and `hint` are for people.

    `position` and `length` mark a fault in a parameter's value, `suggestion` is what was probably meant there.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str = ""
    hint: str = ""
    position: int = 0
    length: int = 0
    suggestion: str = ""


_ABOUT = f"""\
Who did what, when and from where: the questions of the command line over HTTP, with its names as parameters.

Filters of different names all hold, those of one name any; `not-NAME` leaves out what `NAME` finds. A value may be a
list with commas. `meta.PATH` and `not-meta.PATH` ask for a value of the events' metadata. Names with a dot may be
written with a dash (`actor-type`). Other names for the same: {", ".join(f"{a} ({n})" for a, n in ALIASES.items())}.
An unknown parameter is refused. Every error is a problem document; every answer has an `{HEADER}`.

An address that is read by GET answers HEAD too.
"""

_IN_PATH = {
    "ticket": ("what the export was asked for with", {"type": "string", "pattern": "^[A-Za-z0-9-]{16,64}$"}),
    "id": ("the record's id", {"type": "string"}),
    "project": ("the project's id or name", {"type": "string"}),
    "name": ("the view's name", {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"}),
}


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The document of these endpoints, ready for JSON."""
    types = [kind for endpoint in endpoints for kind in _types(endpoint)]
    forms, schemas = msgspec.json.schema_components([*types, AuditQuery, Problem], ref_template=_REFERENCE)
    form_of = _Forms(types, forms)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, form_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "whodid",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted({**schemas, **_record_parts()}.items())),
            "parameters": {_key(name): form for name, form in _filters()},
            "responses": {"Problem": _problem()},
            "headers": {"RequestId": {"description": "the id of this request", "schema": {"type": "string"}}},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


class _Forms:
    """The schema of each type, by identity: not all types can be hashed."""

    def __init__(self, types: Sequence[Any], forms: Iterable[Schema]) -> None:
        self._forms = {id(kind): form for kind, form in zip(types, forms, strict=False)}

    def __call__(self, kind: Any) -> Schema:
        return self._forms[id(kind)]


def _types(endpoint: Endpoint) -> Iterator[Any]:
    yield from (answer.kind for answer in endpoint.answers if answer.kind is not None)
    yield from (parameter.kind for parameter in endpoint.parameters if parameter.kind is not None)
    if endpoint.body is not None:
        yield endpoint.body


def _operation(endpoint: Endpoint, form_of: _Forms) -> dict[str, Any]:
    parameters = [_in_path(name) for name in _names(endpoint.path)]
    parameters += [_parameter(parameter, form_of) for parameter in endpoint.parameters]
    if endpoint.filters:
        parameters += [{"$ref": f"#/components/parameters/{_key(name)}"} for name, _ in _filters()]
    operation: dict[str, Any] = {"operationId": endpoint.name, "summary": endpoint.summary}
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        content = {endpoint.body_media: {"schema": form_of(endpoint.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    answers = {str(answer.status): _answer(answer, form_of) for answer in endpoint.answers}
    refused = {"$ref": "#/components/responses/Problem"}
    operation["responses"] = {**answers, "4XX": refused, "5XX": refused}
    return operation


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _in_path(name: str) -> dict[str, Any]:
    about, schema = _IN_PATH[name]
    return {"name": name, "in": "path", "required": True, "description": about, "schema": schema}


def _parameter(parameter: Parameter, form_of: _Forms) -> dict[str, Any]:
    named = {"name": parameter.name, "in": "query", "description": parameter.help}
    if parameter.kind is not None:
        return {**named, "content": {JSON: {"schema": form_of(parameter.kind)}}}
    return {**named, "schema": {"type": "array", "items": parameter.schema} if parameter.many else parameter.schema}


def _answer(answer: Answer, form_of: _Forms) -> dict[str, Any]:
    headers: dict[str, Any] = {
        name: {"description": about, "schema": {"type": "string"}} for name, about in answer.headers
    }
    made: dict[str, Any] = {
        "description": answer.about,
        "headers": {**headers, HEADER: {"$ref": "#/components/headers/RequestId"}},
    }
    if answer.media:
        schema = {"type": "string"} if answer.kind is None else form_of(answer.kind)
        made["content"] = {answer.media: {"schema": schema}}
    return made


def _problem() -> dict[str, Any]:
    return {
        "description": "What is wrong, and how to mend it",
        "headers": {HEADER: {"$ref": "#/components/headers/RequestId"}},
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REFERENCE.format(name="Problem")}}},
    }


def _filters() -> Iterator[tuple[str, dict[str, Any]]]:
    """The parameters that say which records are meant."""
    for field in FIELDS.values():
        yield field.name, _filter(field, field.name, field.help)
        yield f"not-{field.name}", _filter(field, f"not-{field.name}", f"leaves out: {field.help}")
    for parameter in (
        text("q", "a question in the query language", many=True),
        text("since", "the first moment: RFC 3339, a date, today, yesterday, or a span ago (7d)"),
        text("until", "the moment behind the last, in the same forms"),
        text("last", "a span up to now: 90s, 15m, 24h, 7d, 4w"),
    ):
        yield parameter.name, _parameter(parameter, _Forms((), ()))
    yield (
        "query",
        {
            "name": "query",
            "in": "query",
            "description": "all of the question, in place of every other filter",
            "content": {JSON: {"schema": {"$ref": _REFERENCE.format(name="AuditQuery")}}},
        },
    )


def _filter(field: Field, name: str, about: str) -> dict[str, Any]:
    said = f"{about} ({', '.join(field.values)})" if len(field.values) > len(about) else about
    schema = {"type": "array", "items": {"type": "string", "minLength": 1}}
    return {"name": name, "in": "query", "description": said, "schema": schema}


def _key(name: str) -> str:
    return f"filter.{name}"


def _record_parts() -> dict[str, Any]:
    """The record's schema with its parts, every field with its meaning."""
    parts: dict[str, Any] = record_schema()["$defs"]
    return {name: _moved(part) for name, part in parts.items()}


def _moved(value: Any) -> Any:
    """The value with its references to where the parts are in this document."""
    if isinstance(value, dict):
        return {
            key: inner.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _moved(inner)
            for key, inner in value.items()
        }
    return [_moved(inner) for inner in value] if isinstance(value, list) else value


class Document:
    """The handler; the document is made when it is first asked for."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = endpoints

    def routes(self) -> list[Route]:
        """The one."""
        return routes([(DOCUMENT, self.answer)])

    async def answer(self, request: Request) -> Response:
        """The document."""
        DOCUMENT.given(request)
        return Response(self._body, media_type=JSON)

    @cached_property
    def _body(self) -> bytes:
        return msgspec.json.encode(document(self._endpoints))
