"""Made-up data for trials and load: claim sessions of an insurer's users. The same arguments give the same events."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any

from sessions import clock

_PERIOD = timedelta(days=365)
_CLAIMS_A_USER = 3
_NAMES = ("Ana", "Ben", "Chloë", "Dārta", "Émile", "Friðrik", "明", "Łukasz", "さくら", "Siân")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_STATUS = ("submitted", "submitted", "submitted", "draft", "closed")

Event = dict[str, Any]


def events(account: str, *, count: int, seed: int, begin: datetime) -> Iterator[Event]:
    """So many sessions, over a year from `begin` on; a user has three of them on average."""
    name = sha256(f"{account}/{count}/{seed}/{begin.isoformat()}".encode()).hexdigest()[:16]
    chance = Random(name)  # noqa: S311 (the same every time, and no secret)
    for number in range(count):
        user = chance.randrange((count + _CLAIMS_A_USER - 1) // _CLAIMS_A_USER)
        happened = begin + _PERIOD * number / count
        reported = happened + timedelta(minutes=chance.randrange(1, 3 * 24 * 60))
        session = {
            # Its last letters are the number: no two are the same.
            "reference": f"LA-{''.join(chance.choice(_LETTERS) for _ in range(4))}{number:06X}",
            "date": clock.milliseconds(happened),
            "camsReference": f"MIS/{chance.randrange(100_000, 1_000_000)}" if chance.random() < 0.6 else None,
            "status": chance.choice(_STATUS),
            "createdAt": clock.milliseconds(reported),
            "selectedPolicy": _policy(user, happened) if chance.random() < 0.9 else None,
        }
        yield {
            "specversion": "1.0",
            "id": f"{name}-{number}",
            "source": "/generated",
            "type": "widget.session.saved",
            "time": session["createdAt"],
            "data": {"clientId": account, "userId": f"user-{user + 1}", "session": session},
        }


def _policy(user: int, moment: datetime) -> dict[str, Any]:
    """The user's, always the same but for the year that it is for."""
    first, contact = (_NAMES[(user + step) % len(_NAMES)] for step in (0, 3))
    return {
        "number": f"POL-{moment.year}-{user + 1}",
        "provider": "Example Mutual",
        "holder": {
            "firstName": first,
            "lastName": "Example",
            "id": f"H-{user + 1}",
            "phone": f"+39{user + 1:010}",
            "email": f"user{user + 1}@example.com",
        },
        "validFrom": f"{moment.year:04}-01-01",
        "validTo": f"{moment.year:04}-12-31",
        "linkedContacts": [{"firstName": contact, "lastName": "Example", "email": f"contact{user + 1}@example.com"}],
        "vehicle": {"licensePlate": f"{_LETTERS[user % 24]}{_LETTERS[user // 24 % 24]}{user % 1000:03}ZZ"},
    }
