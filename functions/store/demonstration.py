"""Demonstration data: retailer `demo-retailer`, 3 stores, 40 customers, 600 sessions over 14 days in every status."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

ACCOUNT = "demo-retailer"

SESSIONS = 600
FIRST_DAY = datetime(2025, 6, 2, tzinfo=UTC)
DAYS = 14

_SEED = 20250602
_STORES = (
    ("Gare du Nord", "18 Rue de Dunkerque", "Paris", "Île-de-France", "FR", "75010"),
    ("Königsallee", "Königsallee 60", "Düsseldorf", "Nordrhein-Westfalen", "DE", "40212"),
    ("Mission Street", "901 Mission Street", "San Francisco", "CA", "US", "94103"),
)
_FIRST_STORE = 11
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
_FIRST_CUSTOMER = 101
_CUSTOMERS = 40
_FIRST_SESSION = 5001
_GOING_ON = 40  # of the latest sessions
_MINUTE = timedelta(minutes=1)


def events() -> list[dict[str, Any]]:
    """CloudEvents for the family's queue, the same ones every time."""
    chance = random.Random(_SEED)  # noqa: S311 (the same every time, and no secret)
    return [
        *(_store(number) for number in range(len(_STORES))),
        *(_customer(number) for number in range(_CUSTOMERS)),
        *(_session(number, chance) for number in range(SESSIONS)),
    ]


def connection(api_key: str) -> dict[str, str]:
    """What a caller needs."""
    return {"account_id": ACCOUNT, "token": api_key}


def curl(base_url: str, connection: dict[str, str]) -> list[str]:
    """Ready commands: the latest sessions, those of one store that are still going on, and two pages one by one."""
    call = f"curl -H 'Authorization: Bearer {connection['token']}' '{base_url}/api/admin/v2/sessions"
    return [
        f"{call}?orderBy=createdAt&direction=desc&count=5'",
        f"{call}?storeId={_FIRST_STORE}&status=created&status=active&minGroupSize=2'",
        f"{call}?count=2'",
        f"{call}?count=2&after={_FIRST_SESSION + 1}'",
    ]


def _store(number: int) -> dict[str, Any]:
    name, street, city, region, country, code = _STORES[number]
    store = {
        "aifiUniqueStoreId": f"demo-{number + 1}",
        "status": "OPEN" if number < 2 else "CLOSED",
        "deploymentStatus": "LIVE",
        "addressLine1": street,
        "addressCity": city,
        "addressRegion": region,
        "addressCountry": country,
        "addressPostalCode": code,
        "thirdPartyId": f"R-{number + 1:03}" if number else None,
        "storeUrl": f"https://stores.example.com/{number + 1}",
        "maxPeople": 20 * (number + 1),
        "storeConfigId": number + 1,
        "name": name,
        "id": _FIRST_STORE + number,
        "employeeInside": number == 0,
    }
    return _event("store", store["id"], _text(FIRST_DAY), store=store)


def _customer(number: int) -> dict[str, Any]:
    first, last = _NAMES[number % len(_NAMES)]
    known = number % 8 != 7
    customer = {
        "externalId": f"loyalty-{number + 1:04}" if known else None,
        "role": _role(number) if known else ("untracked", "unknown")[number // 8 % 2],
        "metadata": {"tier": "gold"} if number % 5 == 0 else {},
        "priority": 5 if number % 20 == 0 else 0,
        "email": f"customer{number + 1}@example.com" if known else None,
        "firstName": first if known else None,
        "lastName": last if known else None,
        "phone": f"+3300000{number:04}" if number % 3 else None,
        "id": _FIRST_CUSTOMER + number,
    }
    return _event("customer", customer["id"], _text(FIRST_DAY), customer=customer)


def _role(number: int) -> str:
    return {0: "employee", 1: "tester"}.get(number % 20, "customer")


def _session(number: int, chance: random.Random) -> dict[str, Any]:
    """The sessions begin one after another; only of the latest some are not over yet."""
    session_id = str(UUID(int=chance.getrandbits(128), version=4))
    code = str(UUID(int=chance.getrandbits(128), version=4))
    group = chance.choice((1, 1, 1, 2, 2, 3, 4))
    place = _FIRST_STORE + chance.choices(range(len(_STORES)), weights=(5, 3, 2))[0]
    status = chance.choices(
        ("created", "active") if number >= SESSIONS - _GOING_ON else ("completed", "expired", "cancelled"),
        weights=(1, 2) if number >= SESSIONS - _GOING_ON else (8, 1, 1),
    )[0]
    created = FIRST_DAY + timedelta(days=DAYS) * number / SESSIONS + chance.random() * 30 * _MINUTE
    scanned = created + chance.uniform(0.2, 8) * _MINUTE
    entered = scanned + 0.1 * _MINUTE
    last_entered = entered + (group - 1) * chance.uniform(0, 0.5) * _MINUTE
    left = last_entered + chance.uniform(1, 25) * _MINUTE
    came, over = status in ("active", "completed"), status == "completed"
    ended = {"created": created, "active": last_entered, "completed": left, "cancelled": created + _MINUTE}
    updated = ended.get(status, created + 15 * _MINUTE)
    pays, is_pleased = chance.random() < 0.8, chance.random() < 0.3
    session = {
        "id": _FIRST_SESSION + number,
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
        "customerId": _FIRST_CUSTOMER + chance.randrange(_CUSTOMERS),
    }
    return _event("session", session["id"], session["updatedAt"], session=session)


def _text(moment: datetime) -> str:
    """Whole seconds are written without a fraction."""
    timespec = "milliseconds" if moment.microsecond else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


def _event(kind: str, name: Any, moment: Any, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"demonstration-{kind}-{name}",
        "source": "/demonstration",
        "type": f"store.{kind}.saved",
        "time": moment,
        "data": {"accountId": ACCOUNT} | data,
    }
