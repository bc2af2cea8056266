"""What there is in Dashboards: the one place to change a search, a panel or a dashboard.

`make docs` writes `whodid.ndjson` from it. Ids stay what they are: a changed one leaves the old object behind.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

from whodid_dashboards.opensearch.aggregations import FIGURES, KINDS, by, count, last_seen, newest, split, unique
from whodid_dashboards.opensearch.boards import COLUMNS, Row, dashboard
from whodid_dashboards.opensearch.compared import specification
from whodid_dashboards.opensearch.fields import index_pattern
from whodid_dashboards.opensearch.panels import controls, drawing, events, numbers, ranking, ring, table, volume
from whodid_dashboards.opensearch.saved import SavedObject
from whodid_dashboards.viewer.delivery import RECIPIENTS

CHOICES: Mapping[str, Sequence[tuple[str, str, str]]] = MappingProxyType(
    {
        "who": (
            ("actor", "actor.name", "Actor"),
            ("actor", "actor.key", "Actor's key"),
            ("email", "actor.email", "E-mail"),
            ("actor.type", "actor.type", "Actor's type"),
            ("role", "actor.role", "Role"),
            ("provider", "actor.provider", "Login provider"),
            ("ip", "client.ip", "IP address"),
            ("device", "client.device", "Device"),
        ),
        "what": (
            ("kind", "kind", "Kind"),
            ("category", "category", "Category"),
            ("verb", "verb", "Verb"),
            ("action", "action", "Action"),
            ("outcome", "outcome", "Outcome"),
            ("reason", "reason", "Reason"),
            ("changed", "changed", "Changed field"),
        ),
        "where": (
            ("target", "target_values", "Target"),
            ("type", "target_types", "Target's type"),
            ("workspace", "workspace.name", "Workspace"),
            ("project", "project.name", "Project"),
            ("app", "app", "Application"),
            ("layer", "layer", "Layer"),
            ("surface", "surface", "Surface"),
        ),
    }
)
"""Group → its choices: the axis as the query language names it, the field that has its values, the label."""

_WHO, _WHAT, _WHERE = (
    controls(f"choose-{group}", title, [(field, label) for _, field, label in CHOICES[group]])
    for group, title in (("who", "Who, from where"), ("what", "What happened"), ("where", "To what, in which part"))
)

OUTCOMES = tuple((word, f"outcome:{word}") for word in ("success", "warning", "failure", "unknown"))
_ACTOR = (by("actor.key", "Actor's key", 25), newest("actor.name", "Name"))

_COMPARED = drawing(
    "compared",
    "Against the period before",
    specification(),
    "The five figures, each beside that of the period of equal length before the range.",
)
_ALL = events(
    "events", "All events", ("actor.name", "verb", "description", "target.name", "outcome", "client.ip", "id")
)
_SEARCHES = {
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
_WRITES = events(
    "events-writes",
    "Who changed what",
    ("actor.name", "verb", "description", "target.type", "target.name", "changed", "client.ip", "id"),
    ("kind", "write"),
)

_KINDS = split(KINDS)
_OUTCOMES = split(OUTCOMES)
_PANELS = {
    "figures": numbers("figures", "Events", count(), split(FIGURES)),
    "unique": numbers("unique", "Different", unique("client.ip", "Unique IPs"), unique("actor.key", "Actors")),
    "hours": volume("volume-hours", "Volume by hour (coarser beyond four days)", "h", _KINDS),
    "days": volume("volume-days", "Volume by day", "d", _KINDS),
    "weeks": volume("volume-weeks", "Volume by week", "w", _KINDS),
    "mix": ring("mix", "Sign-in and account, writes, reads", _KINDS),
    "actors": table("actors", "Top actors", count(), *_ACTOR, last_seen()),
    "categories": ranking("categories", "Categories", by("category", "Category", 25)),
    "outcomes": volume("outcomes", "Outcomes", "auto", _OUTCOMES),
    "addresses": table("addresses", "IP addresses", count(), by("client.ip", "IP address", 25), last_seen()),
    "verbs": ranking("verbs", "Verbs", by("verb", "Verb", 25)),
    "reasons": ranking("reasons", "Reasons", by("reason", "Reason", 15)),
    "devices": ranking("devices", "Devices", by("client.device", "Device", 15)),
    "signing_in": numbers(
        "signing-in",
        "Signing in",
        count(),
        split(
            (
                ("Sign-ins", "verb:sign_in"),
                ("Failed sign-ins", "verb:sign_in AND outcome:failure"),
                ("Sign-outs", "verb:sign_out"),
            )
        ),
    ),
    "failed": table(
        "failed-sign-ins",
        "Failures by address",
        count(),
        split((("Failed", "outcome:failure"),), "bucket"),
        by("client.ip", "IP address", 25),
        unique("actor.key", "Actors"),
        last_seen(),
    ),
    "writers": table("writers", "Who did what", count(), *_ACTOR, by("verb", "Verb", 5), last_seen()),
    "types": ranking("target-types", "Target types", by("target_types", "Type", 20)),
    "changed": ranking("changed-fields", "Changed fields", by("changed", "Field", 20)),
    "targets": table("targets", "Targets", count(), by("target_values", "Target", 25), last_seen()),
    "verbs_over_time": volume("verbs-over-time", "Over time", "auto", by("verb", "Verb", 8)),
    "fate": numbers(
        "fate",
        "Messages",
        count(),
        split(
            tuple(
                (label, f"verb:{verb}")
                for label, verb in (
                    ("Sent", "send"),
                    ("Delivered", "deliver"),
                    ("Opened", "open"),
                    ("Clicked", "click"),
                    ("Bounced", "bounce"),
                    ("Complaints", "complain"),
                    ("Unsubscribed", "unsubscribe"),
                )
            )
        ),
    ),
    "campaigns": table(
        "campaigns",
        "Campaigns",
        count(),
        by("target_values", "Campaign", 25, leaving_out=f"({'|'.join(RECIPIENTS)}):.*"),
        by("verb", "Verb", 8),
        last_seen(),
    ),
    "unreached": table(
        "unreached",
        "Bounces, complaints, unsubscriptions",
        count(),
        split((("Not reached", "verb:(bounce OR complain OR unsubscribe)"),), "bucket"),
        by("target.id", "Recipient", 25),
        last_seen(),
    ),
    "refusals": numbers(
        "refusals",
        "Requests",
        count(),
        split((("All", "*"), ("Refused", "verb:deny"), ("Throttled", "verb:throttle"), ("Failed", "outcome:failure"))),
    ),
    "tokens": table(
        "tokens",
        "API tokens",
        count(),
        split(
            (("A token acted", "actor.type:api_token"), ("By somebody's token", "_exists_:actor.token.id")), "bucket"
        ),
        by("actor.name", "Name", 25),
        last_seen(),
    ),
}


def _row(height: int, *panels: SavedObject) -> Row:
    """Panels of equal width, as equal as the grid lets them be."""
    edges = [COLUMNS * number // len(panels) for number in range(len(panels) + 1)]
    widths = (after - before for before, after in pairwise(edges))
    return Row(height, tuple(zip(panels, widths, strict=True)))


def _choices() -> tuple[Row, ...]:
    """The same everywhere: every axis can be chosen by."""
    return tuple(_row(9, group) for group in (_WHO, _WHAT, _WHERE))


def _boards() -> list[SavedObject]:
    on = _PANELS
    return [
        dashboard(
            "overview",
            "Audit overview",
            "Everything that happened: figures, volume, who, what and from where.",
            (
                _row(6, _COMPARED),
                *_choices(),
                Row(7, ((on["figures"], 32), (on["unique"], 16))),
                _row(12, on["hours"]),
                _row(12, on["days"], on["weeks"], on["mix"]),
                _row(14, on["actors"], on["categories"]),
                _row(14, on["addresses"], on["outcomes"]),
                _row(22, _ALL),
            ),
        ),
        dashboard(
            "authentication",
            "Authentication",
            "Sign-ins and what belongs to accounts: how much, what failed, from where.",
            (
                _row(6, _COMPARED),
                *_choices(),
                Row(7, ((on["signing_in"], 32), (on["unique"], 16))),
                _row(12, on["outcomes"], on["verbs"]),
                _row(14, on["failed"], on["reasons"]),
                _row(14, on["actors"], on["devices"]),
                _row(22, _SEARCHES["authentication"]),
            ),
            ("surface", "authentication"),
        ),
        dashboard(
            "changes",
            "Who changed what",
            "Every change: by whom, to what, and which fields.",
            (
                _row(6, _COMPARED),
                *_choices(),
                _row(12, on["verbs_over_time"], on["categories"]),
                _row(14, on["writers"], on["targets"]),
                _row(14, on["types"], on["changed"]),
                _row(22, _WRITES),
            ),
            ("kind", "write"),
        ),
        dashboard(
            "delivery",
            "Delivery",
            "What became of messages: by campaign, over time, and who was not reached.",
            (
                *_choices(),
                _row(7, on["fate"]),
                _row(12, on["verbs_over_time"], on["outcomes"]),
                _row(14, on["campaigns"], on["unreached"]),
                _row(22, _SEARCHES["delivery"]),
            ),
            ("surface", "delivery"),
        ),
        dashboard(
            "api-requests",
            "API requests",
            "Requests as such: what was refused or throttled, to whom, and why.",
            (
                *_choices(),
                Row(7, ((on["refusals"], 32), (on["unique"], 16))),
                _row(12, on["outcomes"], on["verbs"]),
                _row(14, on["actors"], on["tokens"]),
                _row(14, on["addresses"], on["reasons"]),
                _row(22, _SEARCHES["api_request"]),
            ),
            ("surface", "api_request"),
        ),
    ]


def objects() -> list[SavedObject]:
    """Every saved object, what is named before what names it."""
    searches = [_ALL, *_SEARCHES.values(), _WRITES]
    return [index_pattern(), *searches, _WHO, _WHAT, _WHERE, _COMPARED, *_PANELS.values(), *_boards()]
