"""What can be chosen by on every dashboard: every axis that the facets have, in three groups."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from whodid_dashboards.opensearch.panels import controls

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

WHO, WHAT, WHERE = (
    controls(f"choose-{group}", title, [(field, label) for _, field, label in CHOICES[group]])
    for group, title in (("who", "Who, from where"), ("what", "What happened"), ("where", "To what, in which part"))
)
