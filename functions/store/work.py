"""The work of one request: what it has read, and how much more it may."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence

from functions.store import session
from functions.store.query import Query
from functions.store.session import Loaded
from functions.store.walk import Entry, Found, Source

MOST_UNITS = 148.0
"""Read units of one request, counted ahead by DynamoDB's rule; its promise is 150."""
MOST_ROUNDS = 3
"""Calls in sequence of one request."""

_MOST_ENTRIES = 1_500
_BLOCK = 0.5  # units: reads are eventually consistent
_AGAIN = 1.25  # where some shards are asked again
_COLLECTING = 80.0  # units, at most
LARGEST_SESSION = session.LARGEST_BODY / session.READ_BLOCK * _BLOCK + 2  # its customer and store included


class Work:
    """`entries` of indexes, `rounds` of calls in sequence, and read `units`, so far."""

    __slots__ = ("_customers", "_records", "_stores", "account", "entries", "rounds", "units")

    def __init__(self, account: str) -> None:
        self.account = account
        self.entries = self.rounds = 0
        self.units = 0.0
        self._customers = session.record_key(account, "customer", "")
        self._stores = session.record_key(account, "store", "")
        self._records: dict[str | None, str] = {None: "null"}

    @property
    def left(self) -> float:
        return MOST_UNITS - self.units

    @property
    def rounds_left(self) -> int:
        return MOST_ROUNDS - self.rounds

    def collectable(self, source: Source) -> int:
        """Entries that can be collected of this source, so that there is enough left to walk another."""
        return self._entries(source, _COLLECTING)

    def walkable(self, source: Source, *, meanwhile: float = 0.0) -> int:
        """Entries that can be walked by, so that there is enough left to show one session; one at least.

        `meanwhile`: units that may be needed for what is read at the same time.
        """
        return max(1, self._entries(source, self.left - meanwhile - LARGEST_SESSION))

    @staticmethod
    def most_units(source: Source, entries: int) -> float:
        """What it costs at most to ask once for so many entries."""
        octets = (source.part(entries + 1) + 1) * source.largest_entry
        return len(source.partitions) * -(-octets // session.READ_BLOCK) * _BLOCK

    def _entries(self, source: Source, units: float) -> int:
        """How many entries can be asked for, if those that all partitions give may cost so many units."""
        blocks = units / _BLOCK - len(source.partitions)  # each partition's last block may be begun only
        most = int(blocks * session.READ_BLOCK / source.largest_entry / _AGAIN / len(source.partitions)) - 1
        return bisect_right(range(1, _MOST_ENTRIES), most, key=source.part)

    def add(self, *found: Found) -> None:
        """What was found in indexes at the same time."""
        self.rounds += max(one.rounds for one in found)
        self.entries += sum(one.read for one in found)
        self.units += sum(one.units for one in found)

    def add_lookup(self, blocks: int) -> None:
        """One session was read in the first round."""
        self.rounds = max(self.rounds, 1)
        self.units += blocks * _BLOCK

    def load(self, entries: Sequence[Entry], query: Query, *, with_records: bool) -> dict[str, Loaded]:
        """The sessions of these entries that are there, by their keys; and `with_records`, what they are shown with, as
        far as entries tell.
        """
        if not entries:
            return {}
        keys = dict.fromkeys(entry.session for entry in entries)
        sessions = session.load_ahead(self.account, keys, query.order_by, is_filtered=bool(query.filtered))
        if with_records:
            self._load_records(self._records_of(entries))
        found = dict(sessions.result())
        self.rounds += 1
        self.units += (sum(one.weight for one in found.values()) + len(keys) - len(found)) * _BLOCK
        return found

    def readable(self, entries: Sequence[Entry], shown: int, *, meanwhile: float = 0.0) -> int:
        """How many of these sessions can be read, if up to so many are shown with the customers and stores that entries
        tell. `meanwhile` as in `walkable`.
        """

        def units(number: int) -> float:
            read = entries[:number]
            customers, stores = {one.customer for one in read} - {None}, {one.store for one in read} - {None}
            blocks = sum(one.weight for one in read) + min(len(customers), shown) + min(len(stores), shown)
            return blocks * _BLOCK + meanwhile

        return _most(units, len(entries), self.left)

    def presentable(self, sessions: Sequence[Loaded]) -> int:
        """How many of these sessions can be shown with their customers and stores; one at least, unless one of those
        has still to be read, and it is too late.
        """
        is_late = self.rounds >= MOST_ROUNDS
        fitting = _most(
            lambda number: len(self._missing(sessions[:number])) * _BLOCK, len(sessions), 0 if is_late else self.left
        )
        return fitting if is_late else max(fitting, min(1, len(sessions)))

    def records(self, sessions: Sequence[Loaded]) -> Mapping[str | None, str]:
        """The JSON of the customers and stores of these sessions, by their keys, and of those that there are not."""
        if missing := self._missing(sessions):
            self._load_records(missing)
            self.rounds += 1
        return self._records

    def _load_records(self, keys: set[str]) -> None:
        found = session.load_records_ahead(keys).result()
        self._records |= dict.fromkeys(keys, "null")
        self._records |= found
        self.units += len(keys) * _BLOCK

    def _records_of(self, entries: Iterable[Entry]) -> set[str]:
        """The keys of the customers and stores that these are probably shown with."""
        customers, stores = self._customers, self._stores
        found = {customers + one.customer for one in entries if one.customer is not None}
        return found | {stores + one.store for one in entries if one.store is not None}

    def _missing(self, sessions: Sequence[Loaded]) -> set[str]:
        """The keys of their customers and stores, as far as those have not been read."""
        found = {one.customer for one in sessions} | {one.store for one in sessions if one.store is not None}
        return found - self._records.keys()


def _most(units: Callable[[int], float], most: int, left: float) -> int:
    """The greatest number, up to `most`, of what takes no more units than are left: the more, the more units."""
    return most if units(most) <= left else bisect_right(range(1, most), left, key=units)
