"""Saved searches: the events themselves, of every surface in the columns that matter there."""

from whodid_dashboards.opensearch.panels import events

ALL = events("events", "All events", ("actor.name", "verb", "description", "target.name", "outcome", "client.ip", "id"))
BY_SURFACE = {
    "activity": events(
        "events-activity",
        "Activity",
        ("actor.name", "verb", "description", "target.type", "target.name", "changed", "outcome", "id"),
        ("surface", "activity"),
    ),
    "authentication": events(
        "events-authentication",
        "Authentication",
        (
            "actor.name",
            "actor.email",
            "verb",
            "outcome",
            "reason",
            "actor.provider",
            "client.ip",
            "client.device",
            "id",
        ),
        ("surface", "authentication"),
    ),
    "delivery": events(
        "events-delivery",
        "Delivery",
        ("verb", "target.id", "target_values", "outcome", "reason", "id"),
        ("surface", "delivery"),
    ),
    "api_request": events(
        "events-api-request",
        "API requests",
        ("actor.name", "actor.token.name", "verb", "action", "outcome", "reason", "client.ip", "id"),
        ("surface", "api_request"),
    ),
    "audit": events(
        "events-audit",
        "whodid's own events",
        ("actor.name", "action", "description", "outcome", "client.ip", "id"),
        ("surface", "audit"),
    ),
}
WRITES = events(
    "events-writes",
    "Who changed what",
    ("actor.name", "verb", "description", "target.type", "target.name", "changed", "client.ip", "id"),
    ("kind", "write"),
)
