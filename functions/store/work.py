"""The work of one request: what it has read, and how much more it may."""

from bisect import bisect_right
from collections.abc import Sequence

from functions.store import session
from functions.store.query import Query
from functions.store.session import Loaded
from functions.store.walk import Entry, Found, Source

MOST_UNITS = 148.0
"""Read units of one request, counted ahead by DynamoDB's rule; its promise is 150."""
MOST_ROUNDS = 4
"""Calls in sequence of one request."""

_MOST_ENTRIES = 1_500
_BLOCK = 0.5  # units: reads are eventually consistent
_AGAIN = 1.25  # where some shards are asked again
_COLLECTING = 80.0  # units, at most
_LARGEST_SESSION = session.LARGEST_BODY / session.READ_BLOCK * _BLOCK + 2  # its customer and store included


class Work:
    """`entries` of indexes, `rounds` of calls in sequence, and read `units`, so far."""

    __slots__ = ("account", "entries", "rounds", "units")

    def __init__(self, account: str) -> None:
        self.account = account
        self.entries = self.rounds = 0
        self.units = 0.0

    @property
    def left(self) -> float:
        return MOST_UNITS - self.units

    def collectable(self, source: Source) -> int:
        """Entries that can be collected of this source, so that there is enough left to walk another."""
        return self._entries(source, _COLLECTING)

    def walkable(self, source: Source) -> int:
        """Entries that can be walked by, so that there is enough left to show one session; one at least."""
        return max(1, self._entries(source, self.left - _LARGEST_SESSION))

    def _entries(self, source: Source, units: float) -> int:
        """How many entries can be asked for, if those that all partitions give may cost so many units."""
        blocks = units / _BLOCK - len(source.partitions)  # each partition's last block may be begun only
        most = int(blocks * session.READ_BLOCK / source.largest_entry / _AGAIN / len(source.partitions)) - 1
        return bisect_right(range(1, _MOST_ENTRIES), most, key=source.part)

    def add(self, found: Found) -> None:
        """What was found in an index."""
        self.rounds += found.rounds
        self.entries += found.read
        self.units += found.units

    def add_blocks(self, blocks: int) -> None:
        self.units += blocks * _BLOCK

    def load(self, entries: Sequence[Entry], query: Query) -> dict[str, Loaded]:
        """The sessions of these entries that are there, by their keys."""
        if not entries:
            return {}
        keys = dict.fromkeys(entry.session for entry in entries)
        found = session.load(self.account, keys, query.order_by, is_filtered=bool(query.filtered))
        self.rounds += 1
        self.add_blocks(sum(one.weight for one in found.values()))
        return found

    def readable(self, entries: Sequence[Entry], count: int) -> int:
        """How many of these sessions can be read, if up to `count` of them are shown, with their customers."""
        if (sum(entry.weight for entry in entries) + min(len(entries), count)) * _BLOCK <= self.left:
            return len(entries)
        units = self.left
        customers = set[str]()
        for number, entry in enumerate(entries):
            units -= entry.weight * _BLOCK
            if entry.customer is not None and entry.customer not in customers and len(customers) < count:
                customers.add(entry.customer)
                units -= _BLOCK
            if units < 0:
                return number
        return len(entries)

    def presentable(self, sessions: Sequence[Loaded]) -> int:
        """How many of these sessions can be shown with their customers and stores; one at least."""
        if len(_records_of(sessions)) * _BLOCK <= self.left:
            return len(sessions)
        known: set[str | None] = {None}
        for number, one in enumerate(sessions):
            known.add(one.customer)
            known.add(one.store)
            if number and (len(known) - 1) * _BLOCK > self.left:
                return number
        return len(sessions)

    def load_records(self, sessions: Sequence[Loaded]) -> dict[str, str]:
        """The customers and stores of these sessions, by their keys."""
        keys = _records_of(sessions)
        if not keys:
            return {}
        self.rounds += 1
        return session.load_records(keys)


def _records_of(sessions: Sequence[Loaded]) -> set[str]:
    """The keys of their customers and stores."""
    return {one.customer for one in sessions} | {one.store for one in sessions if one.store is not None}
