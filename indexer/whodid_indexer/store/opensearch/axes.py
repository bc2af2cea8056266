"""Where an OpenSearch index has the values of an axis: the keyword fields that say them as they were written.

`keys` finds values and has no doc values: what is counted is listed from the record's own fields, spelling by spelling,
and put together here by what is compared (folding.shadow).
"""

import re
from ipaddress import ip_address
from typing import NamedTuple

from whodid_indexer.query.axis import field_of_axis
from whodid_indexer.store.opensearch.compile import ADDRESS, META
from whodid_schema.document import EXACT, KEYS, TARGETS, key
from whodid_schema.errors import BadQuery
from whodid_schema.fields import FIELDS, META_PREFIX
from whodid_schema.folding import shadow

_LONGEST_PATH = 400
"""Characters of a path in the metadata; OpenSearch takes no pattern of more than 1,000."""


class Place(NamedTuple):
    """Where the values of an axis stand.

    `paths`   keyword fields; each one counts for the records that have nothing in those before it
    `several` whether a record may have more than one value
    `before`  what stands in front of every value
    `labels`  fields that name what the value identifies, the best first
    `also`    a field in which `field:value` finds the value too, though it is no value of the axis
    `unsure`  whether `field:value` finds values in places that cannot be listed
    """

    field: str
    paths: tuple[str, ...]
    several: bool = False
    before: str = ""
    labels: tuple[str, ...] = ()
    also: str = ""
    unsure: bool = False

    @property
    def folds(self) -> bool:
        """Whether a value may be written in several ways."""
        return self.field != "ip" and self.field not in EXACT

    def value(self, spelling: str) -> str:
        """The value as it is compared; an address always in the same form."""
        if self.field == "ip":
            return address(spelling)
        return shadow(spelling) if self.folds else spelling

    @property
    def filed(self) -> tuple[str, str] | None:
        """The field in which each value stands as it is compared and nothing else does, and what is before it there.

        None where there is no such field: what is written must do.
        """
        if self.also or self.unsure:
            return None
        if not self.folds:
            return self.paths[0], ""
        return (META, self.before) if self.before else (KEYS, key(self.field, ""))

    @property
    def kept(self) -> tuple[str, str]:
        """What `contains` is looked for in: the field, and what stands in front of the value there."""
        if self.before:
            return META, self.before
        return KEYS, key("actor" if self.field == "actor.key" else self.field, "")


_SPECIAL = {
    "actor": Place("actor.key", ("actor.key",), labels=("actor.name", "actor.email", "actor.id")),
    "target": Place("target", (TARGETS,), several=True, unsure=True),
    "type": Place("type", ("target_types", "target.type"), several=True),
    "changed": Place("changed", ("changed",), several=True),
    "ip": Place("ip", (ADDRESS,)),
    **{
        name: Place(name, (f"{name}.id", f"{name}.name"), labels=(f"{name}.name",), also=f"{name}.name")
        for name in ("workspace", "project")
    },
}


def place_of(axis: str) -> Place:
    """The place of an axis (a name that `axis_named` gave). Raises BadQuery for a path that is too long."""
    if axis.startswith(META_PREFIX):
        path = shadow(axis.removeprefix(META_PREFIX))
        if len(path) > _LONGEST_PATH:
            raise BadQuery(f"the path {path[:40]!r}… is longer than {_LONGEST_PATH} characters", "give a shorter one")
        return Place(axis, (META,), several=True, before=f"{path}=")
    return _SPECIAL.get(axis) or Place(axis, (FIELDS[field_of_axis(axis)].path,))


def address(text: str) -> str:
    """The address in its one form, IPv4 never as IPv6; what is none (a network, a wildcard) by its shadow."""
    try:
        found = ip_address(text)
    except ValueError:
        return shadow(text)
    return str(getattr(found, "ipv4_mapped", None) or found)


def is_address(text: str) -> bool:
    """Whether it is one address: a cluster takes nothing else for one."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def pattern(before: str) -> str:
    """Lucene's regular expression for whatever begins so."""
    return re.sub(r"([^\w\s])", r"\\\1", before) + ".*"
