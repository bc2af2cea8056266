"""The document holds, by schemathesis: what is sent is answered as it says, and nothing makes a fault of ours."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from support.serving import Server
from whodid_indexer.api.openapi import document
from whodid_indexer.api.questions import ENDPOINTS

SCHEMA = schemathesis.openapi.from_dict(document(ENDPOINTS))
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]

CASES = [(operation, GenerationMode.POSITIVE) for operation in OPERATIONS] + [
    (operation, GenerationMode.NEGATIVE) for operation in OPERATIONS if [*operation.query, *operation.body]
]
"""What is sent as documented; and what is not, where there is anything to send."""


@schemathesis.serializer("application/x-ndjson")
def lines(_context: Any, value: Any) -> bytes:
    """A body that is text as it is; what is none as JSON."""
    return value.encode(errors="replace") if isinstance(value, str) else json.dumps(value).encode()


HELD = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
]


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """Connections that ask nobody in between."""
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened


each_case = pytest.mark.parametrize(
    ("operation", "mode"), CASES, ids=[f"{each.label}-{mode.value}" for each, mode in CASES]
)


@each_case
def test_the_server_answers_as_its_document_says(
    server: Server, session: requests.Session, operation: Any, mode: GenerationMode
) -> None:
    ask(server, session, operation, mode, examples=3)


@pytest.mark.slow
@each_case
def test_the_server_answers_as_its_document_says_at_length(
    server: Server, session: requests.Session, operation: Any, mode: GenerationMode
) -> None:
    ask(server, session, operation, mode, examples=50)


def ask(server: Server, session: requests.Session, operation: Any, mode: GenerationMode, examples: int) -> None:
    """So many requests to the operation, each with its answer held to the document."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(base_url=server.url, session=session, checks=HELD, timeout=30)

    one()
