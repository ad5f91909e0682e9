"""The rules by which accounting records and registrations, in any order, come to one answer.

Everything here is a pure function of sets: adding a record to a session, or an event to a registration, gives the
same whatever came before, and adding it twice changes nothing. Moments are texts that sort as time does
(`sessions.clock.sortable`); the empty text is before all of them. The rules are numbered in `docs/events.md`.
"""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

T = TypeVar("T")

LONGEST_MEMORY = 64
"""How many starts, estimates, or moments of one session, and registration events of one device, are remembered:
always the earliest, and the latest of the others. More than that only matters to a registration that arrives
after 64 later ones."""

Mark = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One accounting record. `estimate` is its moment less its `sessionSeconds`; a start has none."""

    status: Literal["start", "interim", "stop"]
    moment: str
    estimate: str | None = None
    ip_address: str | None = None
    ipv6_address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What the records of one accounting session amount to.

    `starts`, `estimates` and `sightings` are marks (moment of the record, beginning that it tells), of starts, of
    records with a duration, and of others. Only marks that could still decide are kept. An address stands with the
    moment of the record that named it.
    """

    starts: tuple[Mark, ...] = ()
    estimates: tuple[Mark, ...] = ()
    sightings: tuple[Mark, ...] = ()
    stop: str = ""
    ip_address: Mark = ("", "")
    ipv6_address: Mark = ("", "")

    def with_record(self, record: Record) -> "Session":
        """The session as one that this record belongs to as well."""
        after = self
        if record.status == "start":
            after = replace(after, starts=_marked(self.starts, record.moment, record.moment))
        elif record.estimate is not None:
            after = replace(after, estimates=_marked(self.estimates, record.moment, record.estimate))
        else:
            after = replace(after, sightings=_marked(self.sightings, record.moment, record.moment))
        if record.status == "stop":
            after = replace(after, stop=max(self.stop, record.moment))
        if record.ip_address is not None:
            after = replace(after, ip_address=max(self.ip_address, (record.moment, record.ip_address)))
        if record.ipv6_address is not None:
            after = replace(after, ipv6_address=max(self.ipv6_address, (record.moment, record.ipv6_address)))
        return after

    def beginning(self, since: str) -> str | None:
        """When it began, going by records of moments not before `since`; None where it has no such record."""
        for marks in (self.starts, self.estimates, self.sightings):
            counting = [told for moment, told in marks if moment >= since]
            if counting:
                return min(counting)
        return None

    def end(self, since: str) -> str | None:
        """When its own stop says that it ended; None while there is none."""
        return self.stop if self.stop and self.stop >= since else None

    def addresses(self, since: str) -> tuple[str | None, str | None]:
        """Its IPv4 and IPv6 addresses; None where no record names one."""
        return _named(self.ip_address, since), _named(self.ipv6_address, since)

    def records(self, since: str) -> tuple[Record, ...]:
        """Few records that amount to this session, going by those of moments not before `since`.

        The moment of a stop or an address can have lost its mark. Then an estimate outdoes it, unless the memory was
        full; so does it a record of no duration, which leaves no mark either.
        """
        marked = (
            *(Record(status="start", moment=moment) for moment, _ in self.starts),
            *(Record(status="interim", moment=moment, estimate=told) for moment, told in self.estimates),
            *(Record(status="interim", moment=moment) for moment, _ in self.sightings),
        )
        found = [record for record in marked if record.moment >= since]

        def place(moment: str, statuses: Sequence[str]) -> int:
            for number, record in enumerate(found):
                if record.moment == moment and record.status in statuses:
                    return number
            is_outdone = any(later >= moment >= earliest for later, earliest in self.estimates)
            found.append(Record(status="interim", moment=moment, estimate=moment if is_outdone else None))
            return len(found) - 1

        if stop := self.end(since):
            number = place(stop, ("interim",))
            found[number] = replace(found[number], status="stop")
        ipv4, ipv6 = self.addresses(since)
        if ipv4 is not None:
            number = place(self.ip_address[0], ("start", "interim", "stop"))
            found[number] = replace(found[number], ip_address=ipv4)
        if ipv6 is not None:
            number = place(self.ipv6_address[0], ("start", "interim", "stop"))
            found[number] = replace(found[number], ipv6_address=ipv6)
        return tuple(found)

    def last_activity(self) -> str:
        """The latest moment of any of its records."""
        marks = (*self.starts, *self.estimates, *self.sightings)
        return max(moment for moment, _ in marks)


@dataclass(frozen=True, slots=True, order=True)
class Registration:
    """One event of a device's registration; they take effect in the order of their versions."""

    version: str
    time: str
    kind: Literal["registered", "removed"]
    account: str


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose device it is (None: nobody's), and since when records count. First registered, all records count."""

    account: str | None
    since: str


def with_registration(known: Sequence[Registration], event: Registration) -> tuple[Registration, ...]:
    """The registration events, this one among them, in order."""
    if event in known:
        return tuple(known)
    events = list(known)
    insort(events, event)
    return _bounded(events)


def ownership(events: Sequence[Registration]) -> Ownership:
    """What the events, in order, amount to.

    Registering again what an account has already changes nothing. Removing counts only for the account that has
    the device: the last word of a former owner does not take it from the next.
    """
    account: str | None = None
    since = ""
    registered_before = False
    for event in events:
        if event.kind == "removed":
            account = None if event.account == account else account
        elif event.account != account:
            since = event.time if registered_before else ""
            account, registered_before = event.account, True
    return Ownership(account, since)


def own_registrations(events: Sequence[Registration]) -> tuple[Registration, ...]:
    """The owner's, from the one on that gave it the device; with two more they fit into the memory."""
    owner: str | None = None
    own: list[Registration] = []
    for number, event in enumerate(events, 1):
        before, owner = owner, ownership(events[:number]).account
        if owner != before:
            own = []
        if owner == event.account:
            own.append(event)
    return (*own[:1], *own[1:][3 - LONGEST_MEMORY :])


def _named(address: Mark, since: str) -> str | None:
    moment, text = address
    return text if text and moment >= since else None


def _marked(marks: tuple[Mark, ...], moment: str, told: str) -> tuple[Mark, ...]:
    """The marks with this one: without those that a record of the same or a later moment outdoes."""
    if any(later >= moment and earliest <= told for later, earliest in marks):
        return marks
    rest = [mark for mark in marks if not (mark[0] <= moment and mark[1] >= told)]
    insort(rest, (moment, told))
    return _bounded(rest)


def _bounded(ordered: list[T]) -> tuple[T, ...]:
    return tuple(ordered if len(ordered) <= LONGEST_MEMORY else [ordered[0], *ordered[1 - LONGEST_MEMORY :]])
