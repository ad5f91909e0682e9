"""Demonstration data: retailer `demo-retailer`, 3 stores, 40 customers, 600 sessions over 14 days in every status."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.store.generated import Retailer

ACCOUNT = "demo-retailer"

SESSIONS = 600
FIRST_DAY = datetime(2025, 6, 2, tzinfo=UTC)
DAYS = 14

_SEED = 20250602
_FIRST_STORE = 11
_STORES, _CUSTOMERS = 3, 40
_FIRST_SESSION = 5001
_GOING_ON = 40  # of the latest sessions


def events() -> list[dict[str, Any]]:
    """CloudEvents for the family's queue, the same ones every time."""
    chance = random.Random(_SEED)  # noqa: S311 (the same every time, and no secret)
    made = Retailer(
        ACCOUNT, "demonstration", first_store=_FIRST_STORE, first_customer=101, first_session=_FIRST_SESSION
    )
    every = timedelta(days=DAYS)
    return [
        *(made.store(number, FIRST_DAY) for number in range(_STORES)),
        *(made.customer(number, FIRST_DAY) for number in range(_CUSTOMERS)),
        *(
            made.session(
                number,
                FIRST_DAY + every * number / SESSIONS,
                chance,
                stores=range(_STORES),
                weights=(5, 3, 2),
                customers=_CUSTOMERS,
                is_over=number < SESSIONS - _GOING_ON,
            )
            for number in range(SESSIONS)
        ),
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
