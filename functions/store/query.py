"""What a listing asks for, once it has been understood."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol

from functions.store.cursor import Position

TIMES = ("createdAt", "updatedAt", "expiresAt", "codeLastSuccesfullyScannedAt", "customerLastEnteredAt")
COUNTS = ("visitors", "groupSize")
STATUSES = ("created", "active", "completed", "expired", "cancelled")


_NONE: Mapping[str, Any] = MappingProxyType({})


class Members(Protocol):
    """Members of a session, by their names: those that are known."""

    def __contains__(self, name: str, /) -> bool: ...

    def __getitem__(self, name: str, /) -> Any: ...


class Query(NamedTuple):
    """Filters combine with AND; a filter that is not given lets everything through.

    `equal` has the members `id`, `storeId`, `customerId` (integers), `code`, `sessionToken` (texts). `least` and `most`
    are inclusive bounds of the members in `TIMES` (texts of `clock.milliseconds`) and `COUNTS` (integers). At most one
    of `after` and `before` is given: a position in this ordering, beyond which the page begins, in this direction or
    against it.
    """

    count: int = 20  # type: ignore[assignment]  # (nobody asks a query how often it has something)
    order_by: str = "id"
    direction: Literal["asc", "desc"] = "asc"
    after: Position | int | None = None
    before: Position | int | None = None
    equal: Mapping[str, int | str] = _NONE
    statuses: frozenset[str] = frozenset()
    least: Mapping[str, int | str] = _NONE
    most: Mapping[str, int | str] = _NONE

    @property
    def filtered(self) -> frozenset[str]:
        """The members that are filtered by."""
        return frozenset((*self.equal, *self.least, *self.most, *(("status",) if self.statuses else ())))

    def is_ranged(self, member: str) -> bool:
        return member in self.least or member in self.most or member in self.equal

    def allows(self, values: Members) -> bool:
        """Whether the filters let a session through that has these members, as far as these members tell."""
        if not (self.equal or self.statuses or self.least or self.most):
            return True
        return (
            all(values[name] == wanted for name, wanted in self.equal.items() if name in values)
            and (not self.statuses or "status" not in values or values["status"] in self.statuses)
            and all(_is(values[name], at_least=bound) for name, bound in self.least.items() if name in values)
            and all(_is(values[name], at_most=bound) for name, bound in self.most.items() if name in values)
        )


def _is(value: Any, *, at_least: Any = None, at_most: Any = None) -> bool:
    """Null lies within no bounds."""
    return value is not None and (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
