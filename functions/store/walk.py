"""Reads an index in order, through all the shards that it is spread over."""

import math
from collections.abc import Iterable, Sequence
from functools import partial
from operator import itemgetter
from typing import NamedTuple

from functions.store import session
from functions.store.cursor import Position
from functions.store.query import Members, Query
from sessions import attributes, dynamodb
from sessions.attributes import Item
from sessions.dynamodb import Page, Pending
from sessions.tables import Index, Key, Table

_LARGEST, _LARGEST_WITH_CODE, _LARGEST_WITH_VALUES = 250, 460, 330  # octets
_LARGEST_OPEN, _LARGEST_TOKEN = 450, 2500


class Range(NamedTuple):
    """Places from `low` to `high`, both inclusive, `without` one; nothing where `low` is the greater."""

    low: str = "0"
    high: str = "2"
    without: str | None = None

    def within(self, low: str | None = None, high: str | None = None) -> "Range":
        """What is in this range and in the other."""
        return self._replace(low=max(self.low, low or self.low), high=min(self.high, high or self.high))

    def beyond(self, position: Position, ascending: bool) -> "Range":
        """What a walk from this position comes by."""
        if not ascending:
            left = self.within(high=position.place)
            return left if position.inclusive else left._replace(without=position.place)
        return self.within(low=position.place if position.inclusive else position.place + "\x00")

    def is_empty(self) -> bool:
        return self.low > self.high


class Source(NamedTuple):
    """A range of a table or index, in each of some partitions, that has all sessions that are asked for, maybe others.

    `implied` are the members whose filters the range itself obeys. In the index, all its places begin with `prefix`;
    nobody else sees that.
    """

    name: str
    table: Table
    index: Index | None  # type: ignore[assignment]  # (nobody asks a source where it has something)
    partitions: Sequence[str]
    places: Range
    implied: frozenset[str]
    prefix: str = ""

    @property
    def key(self) -> Key:
        return self.table.key if self.index is None else self.index.key

    @property
    def spread(self) -> int:
        """The partitions that entries beside each other are spread over, evenly."""
        most = session.CUSTOMER_SHARDS if self.has_values else len(self.partitions)
        return min(most, len(self.partitions))

    def part(self, need: int) -> int:
        """How many entries each partition is asked for, so that there are so many in all, nearly always.

        Where entries are large, a page in a hundred takes another round, so that those of 20 are in one block.
        """
        if self.spread == 1:
            return need
        part = need / self.spread
        spare = 2.5 * math.sqrt(part) if self.has_values else 3 * math.sqrt(part) + 1
        return min(need, math.ceil(part + spare))

    @property
    def has_values(self) -> bool:
        return self.index is not None and "values" in self.index.projected

    @property
    def largest_entry(self) -> int:
        """Octets that an entry has at most."""
        if self.index is None:
            return _LARGEST_OPEN if self.implied.isdisjoint({"sessionToken"}) else _LARGEST_TOKEN
        if self.has_values:
            return _LARGEST_WITH_VALUES
        return _LARGEST_WITH_CODE if self.key.sort == "codePlace" else _LARGEST

    @property
    def known(self) -> frozenset[str]:
        """The members that each of its entries carries."""
        if self.index is None:
            return frozenset({"id"})
        return frozenset(("id", *self.index.projected, *(("customerId", *session.PACKED) if self.has_values else ())))

    def filtered(self, query: Query) -> frozenset[str]:
        """The filters that entries have still to be held against, or their sessions."""
        return query.filtered - self.implied

    def undecided(self, query: Query) -> frozenset[str]:
        """The filters that only the session itself can tell about."""
        return self.filtered(query) - self.known


class Entry(NamedTuple):
    """A session as an index has it: those of its members that are known by it, and what reading it costs.

    `customer` and `store` are the numbers of those that it is probably shown with; None where there is none, or that is
    not known.
    """

    place: str
    session: str
    known: Members
    weight: int
    customer: str | None = None
    store: str | None = None


class Found(NamedTuple):
    """Entries in order. `is_complete`: the range has no more. `read` counts entries, `rounds` calls in sequence.

    `units` is what they cost, as DynamoDB counts.
    """

    entries: list[Entry]
    is_complete: bool
    read: int = 0
    rounds: int = 0
    units: float = 0.0


class Walk:
    """A walk through a source: the `entries` that it has come by, and whether there are no more."""

    def __init__(self, source: Source, *, ascending: bool, is_filtered: bool = True) -> None:
        self.entries: list[Entry] = []
        self.is_complete = False
        self._source = source
        self._places = source.places
        self._ascending = ascending
        self._is_filtered = is_filtered

    def begin(self, position: Position | None) -> None:
        """It goes on from there; from its end of the range where there is none."""
        if position is not None:
            self._places = self._places.beyond(position, self._ascending)

    def end(self, position: Position) -> None:
        """It goes no further than there."""
        self._places = self._places.beyond(position, not self._ascending)

    def go_ahead(self, need: int, most_rounds: int) -> Pending[Found]:
        """Comes by so many more entries, or to the end; fewer where rounds run out."""
        reading = read_ahead(
            self._source,
            self._places,
            ascending=self._ascending,
            need=need + 1,
            most_rounds=most_rounds,
            is_filtered=self._is_filtered,
        )
        return Pending(reading.result, partial(self._come_by, need))

    def _come_by(self, need: int, found: Found) -> Found:
        self.is_complete = found.is_complete and len(found.entries) <= need
        self.entries += found.entries[:need]
        if self.entries:
            self.begin(Position(self.entries[-1].place))
        return found


def is_beyond(place: str, position: Position | None, ascending: bool) -> bool:
    """Whether a walk from this position comes by this place."""
    if position is None:
        return True
    if place == position.place:
        return position.inclusive
    return place > position.place if ascending else place < position.place


class _Shard:
    __slots__ = ("entries", "is_done", "partition", "range")

    def __init__(self, partition: str, places: Range) -> None:
        self.partition, self.range = partition, places
        self.is_done = False
        self.entries: list[Entry] = []


def read_ahead(
    source: Source, places: Range, *, ascending: bool, need: int, most_rounds: int = 2, is_filtered: bool = True
) -> Pending[Found]:
    """The first `need` entries of these places in this direction; fewer where there are no more, or rounds run out.

    Each shard is asked for its part and some more, so that one round is nearly always enough; where one shard has
    much more than its part, those that ran out are asked again. Nothing is `known` of the entries, unless they are
    filtered.
    """
    shards = [] if places.is_empty() else [_Shard(partition, places) for partition in source.partitions]
    limit = source.part(need)

    def asked(limit: int) -> list[tuple[_Shard, int, Pending[Page]]]:
        return [
            (shard, most, _ask(source, shard, ascending, most, is_filtered))
            for shard in shards
            if not shard.is_done and not _has_enough(shard, shards, need, ascending)
            for most in [limit - len(shard.entries)]
        ]

    with dynamodb.metering() as meter:
        first = asked(limit)

    def found() -> Found:
        pending, rounds = first, min(1, len(first))
        with dynamodb.metering() as further:
            while True:
                # When the last is answered, most others are: it is one wait.
                for shard, most, page in reversed(pending):
                    _take(shard, ascending, most, page.result())
                merged = _trusted(shards, ascending)
                is_complete = all(shard.is_done for shard in shards)
                if is_complete or len(merged) >= need or rounds == most_rounds:
                    break
                rounds += 1
                pending = asked(need)
        read = sum(len(shard.entries) for shard in shards)
        return Found(merged, is_complete, read=read, rounds=rounds, units=meter.units + further.units)

    return Pending(found, lambda told: told)


def _has_enough(shard: _Shard, shards: list[_Shard], need: int, ascending: bool) -> bool:
    """Whether asking this shard again cannot help: what it has already reaches beyond what is needed."""
    if not shard.entries:
        return False
    last = shard.entries[-1].place
    places = sorted((entry.place for one in shards for entry in one.entries), reverse=not ascending)
    return len(places) >= need and (last >= places[need - 1] if ascending else last <= places[need - 1])


def _ask(source: Source, shard: _Shard, ascending: bool, limit: int, is_filtered: bool) -> Pending[Page]:
    """Entries of the shard, beyond what is known of it."""
    partition, sort, prefix = source.key.partition, str(source.key.sort), source.prefix
    is_bare = not is_filtered and not source.has_values
    return dynamodb.query_ahead(
        source.table,
        f"#{partition} = :partition AND #{sort} BETWEEN :low AND :high",
        *(("session", "customerId", "storeId", "weight", sort) if is_bare else ()),
        index=source.index,
        limit=limit + 1,  # one may be known, or left out
        descending=not ascending,
        understand=partial(_bare_entries, sort, len(prefix)) if is_bare else partial(_entries, source),
        partition=shard.partition,
        low=prefix + shard.range.low,
        high=prefix + shard.range.high,
    )


def _take(shard: _Shard, ascending: bool, limit: int, page: Page) -> None:
    """What the shard has said, when it was asked for so many."""
    entries, following = page
    if shard.entries or shard.range.without is not None:
        seen = {entry.session for entry in shard.entries}
        shard.entries += [one for one in entries if one.session not in seen and one.place != shard.range.without]
    else:
        shard.entries = entries
    shard.is_done = following is None and len(entries) <= limit
    if entries:
        last = entries[-1].place
        shard.range = shard.range.within(low=last) if ascending else shard.range.within(high=last)


def _entries(source: Source, items: Iterable[Item]) -> list[Entry]:
    sort, entries = str(source.key.sort), []
    for item in items:
        told = session.Known(attributes.decoded(item))
        known: Members = {"id": told["id"]} if source.index is None else told  # no more is believed of the table beside
        weight = int(item["weight"]["N"]) if "weight" in item else 1
        place = item[sort]["S"].removeprefix(source.prefix)
        store = str(told["storeId"]) if "storeId" in told and told["storeId"] is not None else None
        entries.append(Entry(place, item["session"]["S"], known, weight, str(told["customerId"]), store))
    return entries


def _bare_entries(sort: str, prefix: int, items: Iterable[Item]) -> list[Entry]:
    """Those of which nothing is asked but where they are."""
    return [
        Entry(
            item[sort]["S"][prefix:],
            item["session"]["S"],
            session.UNKNOWN,
            int(item["weight"]["N"]) if "weight" in item else 1,
            item["customerId"]["N"],
            item["storeId"].get("N"),
        )
        for item in items
    ]


def _trusted(shards: list[_Shard], ascending: bool) -> list[Entry]:
    """The entries of all shards in order, as far as no shard can have another one in between."""
    ends = [shard.entries[-1].place for shard in shards if not shard.is_done and shard.entries]
    entries = sorted(
        (entry for shard in shards for entry in shard.entries),
        key=itemgetter(0),  # the place, which ends with the id
        reverse=not ascending,
    )
    if not ends:
        return entries
    end = min(ends) if ascending else max(ends)
    return [entry for entry in entries if (entry.place <= end if ascending else entry.place >= end)]
