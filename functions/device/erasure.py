"""What there is of a SIM, for operators who erase it."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from functions.device.session import TABLE
from sessions import dynamodb
from sessions.erasures import Person, Trace

HAS_ACCOUNT = False
KINDS = ("devices", "sessions")

_ICCID = re.compile(r"[0-9]{19,20}")


def person(account: str | None, given: str) -> Person:
    """The SIM with this ICCID, whosever it is. `ValueError` where it is none."""
    if not _ICCID.fullmatch(given):
        raise ValueError("An ICCID is 19 or 20 digits.")
    return Person(account, given)


def find(person: Person) -> Iterator[list[Trace]]:
    """The device with its registrations, first, and all its sessions; a page at a time."""
    for items in dynamodb.pages(
        partial(dynamodb.query, TABLE, "#iccid = :iccid", "iccid", "item", consistent=True, iccid=person.id)
    ):
        yield [
            Trace(kind="devices" if item["item"] == "device" else "sessions", table=TABLE, key=item) for item in items
        ]


def is_about(data: Mapping[str, Any], person: Person) -> bool | None:
    """Whether an event with this data, sound or not, is the SIM's; None where it does not tell."""
    iccid = data.get("iccid")
    return re.sub(r"\D", "", str(iccid)) == person.id if isinstance(iccid, str | int) else None
