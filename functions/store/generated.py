"""Made-up data for trials and load, and what the demonstration's is made by: a retailer's stores, customers, sessions.

The same arguments give the same events on every machine.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any
from uuid import UUID

_PERIOD = timedelta(days=30)
_BLOCK = 500
"""Sessions, before which come the customers and at times a store that are new with them."""
_NEW_CUSTOMERS = 40
_BLOCKS_A_STORE = 4
_STILL_GO_ON = 50  # one in so many, the latest
_MINUTE = timedelta(minutes=1)

_STORES = (
    ("Gare du Nord", "18 Rue de Dunkerque", "Paris", "Île-de-France", "FR", "75010"),
    ("Königsallee", "Königsallee 60", "Düsseldorf", "Nordrhein-Westfalen", "DE", "40212"),
    ("Mission Street", "901 Mission Street", "San Francisco", "CA", "US", "94103"),
)
_NAMES = (
    ("Ana", "Example"),
    ("Zoë", "Åkesson"),
    ("明", "李"),
    ("Łukasz", "Żółć"),
    ("Ελένη", "Παππά"),
    ("José", "Núñez"),
    ("さくら", "田中"),
    ("Siân", "O'Hara"),
    ("سارة", "حداد"),
    ("Nguyễn", "Thị Ánh"),
)

Event = dict[str, Any]


def events(account: str, *, count: int, seed: int, begin: datetime) -> Iterator[Event]:
    """So many sessions, one after another in the 30 days from `begin` on; their customers and stores come on top.

    All is numbered from 1, whatever the seed: the data of another seed is for another account.
    """
    name = sha256(f"{account}/{count}/{seed}/{begin.isoformat()}".encode()).hexdigest()[:16]
    chance = Random(name)  # noqa: S311 (the same every time, and no secret)
    made = Retailer(account, f"generated-{name}", first_store=1, first_customer=1, first_session=1)
    stores = customers = 0
    for number in range(count):
        if number % _BLOCK == 0:
            new = (len(_STORES) if number == 0 else 1) if number // _BLOCK % _BLOCKS_A_STORE == 0 else 0
            yield from (made.store(stores + one, begin) for one in range(new))
            yield from (made.customer(customers + one, begin) for one in range(_NEW_CUSTOMERS))
            stores, customers = stores + new, customers + _NEW_CUSTOMERS
        yield made.session(
            number,
            begin + _PERIOD * number / count,
            chance,
            stores=range(stores),
            customers=customers,
            is_over=number < count - count // _STILL_GO_ON,
        )


class Retailer:
    """Makes an account's events; `name` begins their ids. What is made is numbered from 0, its ids from its first."""

    def __init__(self, account: str, name: str, *, first_store: int, first_customer: int, first_session: int) -> None:
        self._account = account
        self._name = name
        self._first_store = first_store
        self._first_customer = first_customer
        self._first_session = first_session

    def store(self, number: int, moment: datetime) -> Event:
        name, street, city, region, country, code = _STORES[number % len(_STORES)]
        store: dict[str, Any] = {
            "aifiUniqueStoreId": f"demo-{number + 1}",
            "status": "OPEN" if number % len(_STORES) < 2 else "CLOSED",
            "deploymentStatus": "LIVE",
            "addressLine1": street,
            "addressCity": city,
            "addressRegion": region,
            "addressCountry": country,
            "addressPostalCode": code,
            "thirdPartyId": f"R-{number + 1:03}" if number else None,
            "storeUrl": f"https://stores.example.com/{number + 1}",
            "maxPeople": 20 * (number % len(_STORES) + 1),
            "storeConfigId": number + 1,
            "name": name,
            "id": self._first_store + number,
            "employeeInside": number % len(_STORES) == 0,
        }
        return self._event("store", store["id"], _text(moment), store=store)

    def customer(self, number: int, moment: datetime) -> Event:
        first, last = _NAMES[number % len(_NAMES)]
        known = number % 8 != 7
        customer: dict[str, Any] = {
            "externalId": f"loyalty-{number + 1:04}" if known else None,
            "role": _role(number) if known else ("untracked", "unknown")[number // 8 % 2],
            "metadata": {"tier": "gold"} if number % 5 == 0 else {},
            "priority": 5 if number % 20 == 0 else 0,
            "email": f"customer{number + 1}@example.com" if known else None,
            "firstName": first if known else None,
            "lastName": last if known else None,
            "phone": f"+3300000{number:04}" if number % 3 else None,
            "id": self._first_customer + number,
        }
        return self._event("customer", customer["id"], _text(moment), customer=customer)

    def session(
        self,
        number: int,
        begin: datetime,
        chance: Random,
        *,
        stores: Sequence[int],
        weights: Sequence[int] | None = None,
        customers: int,
        is_over: bool,
    ) -> Event:
        """One that begins within half an hour, in any of these stores by their weights, of any of so many customers."""
        session_id = str(UUID(int=chance.getrandbits(128), version=4))
        code = str(UUID(int=chance.getrandbits(128), version=4))
        group = chance.choice((1, 1, 1, 2, 2, 3, 4))
        place = self._first_store + chance.choices(stores, weights=weights)[0]
        status = chance.choices(
            ("completed", "expired", "cancelled") if is_over else ("created", "active"),
            weights=(8, 1, 1) if is_over else (1, 2),
        )[0]
        created = begin + chance.random() * 30 * _MINUTE
        scanned = created + chance.uniform(0.2, 8) * _MINUTE
        entered = scanned + 0.1 * _MINUTE
        last_entered = entered + (group - 1) * chance.uniform(0, 0.5) * _MINUTE
        left = last_entered + chance.uniform(1, 25) * _MINUTE
        came, over = status in ("active", "completed"), status == "completed"
        ended = {"created": created, "active": last_entered, "completed": left, "cancelled": created + _MINUTE}
        updated = ended.get(status, created + 15 * _MINUTE)
        pays, is_pleased = chance.random() < 0.8, chance.random() < 0.3
        session: dict[str, Any] = {
            "id": self._first_session + number,
            "sessionId": session_id,
            "sessionToken": session_id,
            "referencedSessionId": None,
            "code": code,
            "status": status,
            "createdAt": _text(created),
            "updatedAt": _text(updated),
            "expiresAt": _text((created + 15 * _MINUTE).replace(microsecond=0)),
            "codeFirstSuccesfullyScannedAt": _text(scanned) if came else None,
            "codeLastSuccesfullyScannedAt": _text(max(scanned, last_entered - 0.1 * _MINUTE)) if came else None,
            "customerFirstEnteredAt": _text(entered) if came else None,
            "customerLastEnteredAt": _text(last_entered) if came else None,
            "customerFirstExitedAt": _text(left - (group - 1) * 0.2 * _MINUTE) if over else None,
            "customerLastExitedAt": _text(left) if over else None,
            "customerPaymentInstrumentId": 9000 + number if pays else None,
            "customerSatisfaction": chance.randint(1, 5) if over and is_pleased else None,
            "customerSatisfactionSubmitted": over and is_pleased,
            "suspectedFraud": over and chance.random() < 0.02,
            "groupSize": group,
            "visitors": group if status == "active" else 0,
            "locationId": f"gate-{chance.randint(1, 3)}" if came else None,
            "priority": chance.choice((0, 0, 0, 0, 1, -1)),
            # Until its code is scanned, a session may belong to no store.
            "storeId": place if came or chance.random() < 0.5 else None,
            "storeIdScannableAt": place if chance.random() < 0.7 else None,
            "metadata": {"events": [{"eventId": f"entry-{number + 1}", "metadata": {}}] if came else []},
            "customerId": self._first_customer + chance.randrange(customers),
        }
        return self._event("session", session["id"], session["updatedAt"], session=session)

    def _event(self, kind: str, name: int, moment: str, **data: Any) -> Event:
        return {
            "specversion": "1.0",
            "id": f"{self._name}-{kind}-{name}",
            "source": f"/{self._name.partition('-')[0]}",
            "type": f"store.{kind}.saved",
            "time": moment,
            "data": {"accountId": self._account} | data,
        }


def _role(number: int) -> str:
    return {0: "employee", 1: "tester"}.get(number % 20, "customer")


def _text(moment: datetime) -> str:
    """Whole seconds are written without a fraction."""
    timespec = "milliseconds" if moment.microsecond else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=timespec) + "Z"
