"""What there is in Dashboards: the one place to change a search, a panel or a dashboard.

`make docs` writes `whodid.ndjson` from it. Ids stay what they are: a changed one leaves the old object behind.
"""

from whodid_dashboards.opensearch.aggregations import FIGURES, KINDS, by, count, last_seen, newest, split, unique
from whodid_dashboards.opensearch.boards import Row, dashboard, row
from whodid_dashboards.opensearch.choices import WHAT, WHERE, WHO
from whodid_dashboards.opensearch.compared import specification
from whodid_dashboards.opensearch.fields import index_pattern
from whodid_dashboards.opensearch.panels import drawing, numbers, ranking, ring, table, volume
from whodid_dashboards.opensearch.saved import SavedObject
from whodid_dashboards.opensearch.searches import ALL, BY_SURFACE, WRITES
from whodid_dashboards.viewer.delivery import RECIPIENTS

OUTCOMES = tuple((word, f"outcome:{word}") for word in ("success", "warning", "failure", "unknown"))
_ACTOR = (by("actor.key", "Actor's key", 25), newest("actor.name", "Name"), newest("actor.email", "E-mail"))

_COMPARED = drawing(
    "compared",
    "Against the period before",
    specification(),
    "The five figures, each beside that of the period of equal length before the range.",
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


_SIDE = ((WHO, 22), (WHAT, 20), (WHERE, 20))
"""The same everywhere: every axis can be chosen by."""


def _boards() -> list[SavedObject]:
    on = _PANELS
    return [
        dashboard(
            "overview",
            "Audit overview",
            "Everything that happened: figures, volume, who, what and from where.",
            _SIDE,
            (
                row(6, _COMPARED),
                Row(7, ((on["figures"], 24), (on["unique"], 12))),
                row(12, on["hours"]),
                row(12, on["days"], on["weeks"], on["mix"]),
                row(14, on["actors"], on["categories"]),
                row(14, on["addresses"], on["outcomes"]),
                row(22, ALL),
            ),
        ),
        dashboard(
            "authentication",
            "Authentication",
            "Sign-ins and what belongs to accounts: how much, what failed, from where.",
            _SIDE,
            (
                row(6, _COMPARED),
                Row(7, ((on["signing_in"], 24), (on["unique"], 12))),
                row(12, on["outcomes"], on["verbs"]),
                row(14, on["failed"], on["reasons"]),
                row(14, on["actors"], on["devices"]),
                row(22, BY_SURFACE["authentication"]),
            ),
            ("surface", "authentication"),
        ),
        dashboard(
            "changes",
            "Who changed what",
            "Every change: by whom, to what, and which fields.",
            _SIDE,
            (
                row(6, _COMPARED),
                row(12, on["verbs_over_time"], on["categories"]),
                row(14, on["writers"], on["targets"]),
                row(14, on["types"], on["changed"]),
                row(22, WRITES),
            ),
            ("kind", "write"),
        ),
        dashboard(
            "delivery",
            "Delivery",
            "What became of messages: by campaign, over time, and who was not reached.",
            _SIDE,
            (
                row(7, on["fate"]),
                row(12, on["verbs_over_time"], on["outcomes"]),
                row(14, on["campaigns"], on["unreached"]),
                row(22, BY_SURFACE["delivery"]),
            ),
            ("surface", "delivery"),
        ),
        dashboard(
            "api-requests",
            "API requests",
            "Requests as such: what was refused or throttled, to whom, and why.",
            _SIDE,
            (
                Row(7, ((on["refusals"], 24), (on["unique"], 12))),
                row(12, on["outcomes"], on["verbs"]),
                row(14, on["actors"], on["tokens"]),
                row(14, on["addresses"], on["reasons"]),
                row(22, BY_SURFACE["api_request"]),
            ),
            ("surface", "api_request"),
        ),
    ]


def objects() -> list[SavedObject]:
    """Every saved object, what is named before what names it."""
    searches = [ALL, *BY_SURFACE.values(), WRITES]
    return [index_pattern(), *searches, WHO, WHAT, WHERE, _COMPARED, *_PANELS.values(), *_boards()]
