"""An account's devices and their data sessions, as they leave the deployment.

All devices that the account has now come with their registration; sessions are selected by when they began. The events
are not those that came in, of which not all is kept: they are few that amount to the same. Nothing tells of a device's
former owners; only that somebody had it, where records of that time must not count.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from functions.device import history, records
from functions.device.history import Record, Registration, Session
from sessions import clock, events
from sessions.export import Export, Exported, Row, Selection

_SOURCE = "/export"


def _read(selection: Selection) -> Iterator[Exported]:
    account = selection.account or ""
    for iccid, registrations in records.devices_of(account):
        since = history.ownership(registrations).since
        yield Exported(tuple(_registrations(account, iccid, registrations, since)))
        following: str | None = None
        for session_id, one in records.sessions_of(iccid, now=selection.now):
            beginning = one.beginning(since)
            if beginning is None:
                continue
            if selection.has(clock.parse(beginning)):
                lines = tuple(_accounting(iccid, session_id, record) for record in one.records(since))
                yield Exported(lines, _row(iccid, session_id, one, since, following))
            following = beginning


def _registrations(account: str, iccid: str, registrations: Sequence[Registration], since: str) -> Iterator[str]:
    data = {"accountId": account, "iccid": iccid}
    if since:
        # Not the first to have the device: with one registration before, records count from the next one on, as here.
        for kind, microseconds in (("device.registered", 2), ("device.removed", 1)):
            try:
                before = clock.parse(since) - timedelta(microseconds=microseconds)
            except OverflowError:  # nothing can have happened before the year 1
                break
            yield _event(kind, clock.sortable(before), data)
    for one in history.own_registrations(registrations):
        yield events.written("device.registered", one.version, events.as_json(data))


def _accounting(iccid: str, session_id: str, record: Record) -> str:
    data: dict[str, Any] = {"iccid": iccid, "accountingSessionId": session_id, "status": record.status}
    if record.ip_address is not None:
        data["ipAddress"] = record.ip_address
    if record.ipv6_address is not None:
        data["ipv6Address"] = record.ipv6_address
    if record.estimate is not None:
        data["sessionSeconds"] = (clock.parse(record.moment) - clock.parse(record.estimate)) // timedelta(seconds=1)
    return _event("device.accounting", record.moment, data)


def _event(kind: str, moment: str, data: dict[str, Any]) -> str:
    """One that has its name from what it says: so the same export gives the same events."""
    text = events.as_json(data)
    name = hashlib.sha256(f"{kind}\n{moment}\n{text}".encode()).hexdigest()
    return events.written(kind, f"{moment}\n{name}\n{_SOURCE}", text)


def _row(iccid: str, session_id: str, one: Session, since: str, following: str | None) -> Row:
    """One without a stop ended when the next one began."""
    ipv4, ipv6 = one.addresses(since)
    beginning, end = one.beginning(since), one.end(since) or following
    return {
        "iccid": iccid,
        "accountingSessionId": session_id,
        "ipAddress": ipv4,
        "ipv6Address": ipv6,
        "dateSessionStarted": None if beginning is None else clock.parse(beginning),
        "dateSessionEnded": None if end is None else clock.parse(end),
    }


EXPORT = Export(
    columns={
        "iccid": "text",
        "accountingSessionId": "text",
        "ipAddress": "text",
        "ipv6Address": "text",
        "dateSessionStarted": "time",
        "dateSessionEnded": "time",
    },
    read=_read,
)
