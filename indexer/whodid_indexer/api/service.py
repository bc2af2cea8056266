"""The addresses that agents and monitors ask, as data: `about` and `bulk` answer them."""

from typing import Any

from msgspec import Struct

from whodid_indexer.api.endpoints import TEXT, Answer, Endpoint
from whodid_schema.bulk import CONTENT_TYPE, TEMPLATE_PATH


class Banner(Struct):
    """Who this is."""

    name: str
    product: str
    partitions: str
    version: dict[str, str]


class Template(Struct):
    """The template document, in the form that OpenSearch answers with."""

    index_templates: list[dict[str, Any]]


class BulkAnswer(Struct):
    """One result per item, in the order sent."""

    took: int
    errors: bool
    items: list[dict[str, Any]]


BULK = Endpoint(
    "bulk",
    "/_bulk",
    "Records in: pairs of lines, an action and the record; answered when they are stored",
    (Answer("One result per item", BulkAnswer),),
    method="POST",
    body=str,
    body_media=CONTENT_TYPE,
)

SERVICE = (
    BULK,
    Endpoint("banner", "/", "Who this is", (Answer("The server's name and version", Banner),)),
    Endpoint("template", TEMPLATE_PATH, "What agents route by", (Answer("The template document", Template),)),
    Endpoint("healthz", "/healthz", "Whether the process answers", (Answer("It does", media=TEXT),)),
    Endpoint("readyz", "/readyz", "Whether records can be stored and read", (Answer("They can", media=TEXT),)),
    Endpoint("metrics", "/metrics", "Everything counted, as Prometheus reads it", (Answer("Counters", media=TEXT),)),
)
"""Every one of them."""
