"""What a table is. Families describe theirs with these; `infra` creates exactly that, in the cloud and on a desk.

Every key attribute is a string. A table's name in one deployment stands in the environment variable that the
table names, so the code carries no physical name.
"""

from functools import cache
from typing import NamedTuple

from sessions import settings


class Key(NamedTuple):
    """The attributes an item is found by: one names the partition, the other (if any) sorts within it."""

    partition: str
    sort: str | None = None

    def attributes(self) -> tuple[str, ...]:
        return (self.partition,) if self.sort is None else (self.partition, self.sort)


class Index(NamedTuple):
    """A second way to find items. `local` ones share the table's partition key and can be read consistently."""

    name: str
    key: Key
    projected: tuple[str, ...] = ()
    local: bool = False


class Table(NamedTuple):
    """`name` is the logical one, such as `widget-sessions`; `expires` names the TTL attribute (epoch seconds)."""

    name: str
    key: Key
    indexes: tuple[Index, ...] = ()
    expires: str | None = None

    @property
    def variable(self) -> str:
        """The environment variable with the physical name: `WIDGET_SESSIONS_TABLE`."""
        return _variable(self.name)

    @property
    def physical_name(self) -> str:
        return settings.text(self.variable)

    def key_attributes(self) -> tuple[str, ...]:
        """Every attribute that is part of some key, once each, the table's own first."""
        keys = (self.key, *(index.key for index in self.indexes))
        return tuple(dict.fromkeys(attribute for key in keys for attribute in key.attributes()))


@cache
def _variable(name: str) -> str:
    return name.replace("-", "_").upper() + "_TABLE"
