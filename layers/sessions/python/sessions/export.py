"""What leaves a deployment: an account's sessions, as the events that make them again and as rows of a table.

A family that can be exported says so in its `export.py`: `EXPORT`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["text", "integer", "boolean", "time"]
Cell = str | int | bool | datetime | None
Row = Mapping[str, Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Whose sessions (None: the family is open to all), and of when: from `since` on, before `until`; None: no end.

    `now` is when the export began. `with_ids`: also ids that are capabilities.
    """

    account: str | None
    now: datetime
    since: datetime | None = None
    until: datetime | None = None
    with_ids: bool = False

    def has(self, moment: datetime) -> bool:
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)


@dataclass(frozen=True, slots=True)
class Exported:
    """JSON texts, each for one line: CloudEvents, or what the family's `restore` takes. And the row of a session.

    What is no session, but goes with them, has no row.
    """

    lines: tuple[str, ...]
    row: Row | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """How a family is exported: the columns of its rows, in order, and all that is selected, read page by page."""

    columns: Mapping[str, Kind]
    read: Callable[[Selection], Iterator[Exported]]
    ids_are_capabilities: bool = False
    """Whoever knows a session's id may read it: it is left out unless it is asked for."""
