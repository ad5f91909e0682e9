"""Made-up data for trials and load: SIMs in fleets that start, keep up and stop data sessions.

The same arguments give the same events on every machine: of the random numbers only `random()` is used, the one whose
sequence Python promises to keep. See https://docs.python.org/3/library/random.html#notes-on-reproducibility
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from heapq import heappop, heappush
from itertools import count as numbers
from random import Random
from typing import Any, TypeVar

from sessions import clock

T = TypeVar("T")

_SIMS = 50
"""A fleet: its SIMs are in session at the same time, and no more of them are remembered."""
_RECORDS = 1000
"""Of one fleet; then the next one has its turn, from the same day on."""
_INTERIM = 3600  # seconds
_LATE, _TWICE = 0.04, 0.02  # of the records

Event = dict[str, Any]


def events(account: str, *, count: int, seed: int, begin: datetime) -> Iterator[Event]:
    """So many accounting records in the order in which they come in, some of them late, from `begin` on.

    On top come the registrations of their SIMs, each before the first record, and the records that come twice.
    """
    own = sha256(f"{account}/{count}/{seed}/{begin.isoformat()}".encode()).hexdigest()
    first = int(own, 16) % 10**8
    for fleet in range((count + _RECORDS - 1) // _RECORDS):
        records = min(_RECORDS, count - fleet * _RECORDS)
        sims = [_Sim(_iccid((first + fleet) * 100 + number)) for number in range(min(_SIMS, (records + 9) // 10))]
        yield from _fleet(account, f"{own[:8]}-{fleet}", sims, records, begin)


@dataclass(slots=True)
class _Sim:
    """A SIM and the session that it is in."""

    iccid: str
    session_id: str = ""
    addresses: tuple[tuple[str, str], ...] = ()
    seconds: int = 0
    lasts: int = 0


def _fleet(account: str, name: str, sims: Sequence[_Sim], count: int, begin: datetime) -> Iterator[Event]:
    chance = Random(name)  # noqa: S311 (the same every time, and no secret)
    order = numbers()
    coming: list[tuple[int, int, _Sim | Event]] = []  # by milliseconds since `begin`
    for sim in sims:
        yield _event("device.registered", f"{name}-{sim.iccid}", begin, {"accountId": account, "iccid": sim.iccid})
        heappush(coming, (_between(chance, 1, 6 * 3_600_000), next(order), sim))
    known: set[str] = set()
    while len(known) < count:
        moment, number, what = heappop(coming)
        if isinstance(what, dict):
            known.add(what["id"])
            yield what
            continue
        data, pause = _record(chance, what, f"{name[:8]}{number:06x}".upper())
        heappush(coming, (moment + pause * 1000 + _between(chance, 0, 900), next(order), what))
        delay = _between(chance, 20, 900) if chance.random() < _LATE else 0
        if delay:
            data["delaySeconds"] = delay
        comes = moment + delay * 1000
        record = _event("device.accounting", f"{name}-{number}", begin + timedelta(milliseconds=comes), data)
        heappush(coming, (comes, next(order), record))
        if chance.random() < _TWICE:
            heappush(coming, (comes + _between(chance, 1, 30_000), next(order), record))


def _record(chance: Random, sim: _Sim, new_session_id: str) -> tuple[dict[str, Any], int]:
    """What the SIM's session tells next, and in how many seconds it tells more."""
    if not sim.session_id:
        sim.session_id, sim.seconds = new_session_id, 0
        sim.lasts = _one_of(chance, (40, 300, 1800, 5400, 9000, 14_400)) + _between(chance, 1, 600)
        sim.addresses = _addresses(chance)
        status = "start"
    else:
        status = "interim" if sim.seconds < sim.lasts else "stop"
    data: dict[str, Any] = {"iccid": sim.iccid, "accountingSessionId": sim.session_id, "status": status}
    data |= sim.addresses
    if status != "start":
        data["sessionSeconds"] = sim.seconds
    if status == "stop":
        sim.session_id = ""
        return data, _between(chance, 60, 12 * 3600)
    pause = min(_INTERIM, sim.lasts - sim.seconds)
    sim.seconds += pause
    return data, pause


def _addresses(chance: Random) -> tuple[tuple[str, str], ...]:
    ipv4 = ("ipAddress", f"10.{_between(chance, 16, 31)}.{_between(chance, 0, 255)}.{_between(chance, 1, 254)}")
    ipv6 = ("ipv6Address", f"2001:db8:{_between(chance, 1, 65535):x}:{_between(chance, 1, 65535):x}::/64")
    return _one_of(chance, ((ipv4,), (ipv4,), (ipv4, ipv6), (ipv6,)))


def _iccid(number: int) -> str:
    """19 digits as ITU-T E.118 has them: 89 for telecommunications, 882 and 16 for who issues it, and a check digit."""
    digits = f"8988216{number % 10**11:011}"
    doubled = (int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return f"{digits}{-sum(sum(divmod(one, 10)) for one in doubled) % 10}"


def _between(chance: Random, least: int, most: int) -> int:
    return least + int(chance.random() * (most - least + 1))


def _one_of(chance: Random, choices: Sequence[T]) -> T:
    return choices[int(chance.random() * len(choices))]


def _event(kind: str, event_id: str, moment: datetime, data: dict[str, Any]) -> Event:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "/generated",
        "type": kind,
        "time": clock.milliseconds(moment),
        "data": data,
    }
