"""The seven rules of device accounting, as plainly as they can be said: over the set of all events, in memory."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

Event = dict[str, Any]


def answer(events: Iterable[Event], account: str, iccid: str) -> dict[str, str | None] | None:
    """What this account is told of the device once all these events are recorded; None: it is not its device."""
    events = [event for event in events if event["data"]["iccid"] == iccid]
    owner, since = _owner(events)
    if owner != account:
        return None
    records = [event for event in events if event["type"] == "device.accounting"]
    if since is not None:
        records = [record for record in records if _moment(record) >= since]
    sessions = {record["data"]["accountingSessionId"] for record in records}
    if not sessions:
        return {"iccid": iccid, "ipAddress": None, "dateSessionStarted": None, "dateSessionEnded": None}
    of = {name: [one for one in records if one["data"]["accountingSessionId"] == name] for name in sessions}
    latest = max(sessions, key=lambda name: (_beginning(of[name]), name))
    stops = [_moment(record) for record in of[latest] if record["data"]["status"] == "stop"]
    told: dict[str, str | None] = {"iccid": iccid, "ipAddress": _address(of[latest], "ipAddress")}
    if _address(of[latest], "ipv6Address"):
        told["ipv6Address"] = _address(of[latest], "ipv6Address")
    told["dateSessionStarted"] = _date(_beginning(of[latest]))
    told["dateSessionEnded"] = _date(max(stops)) if stops else None
    return told


def _owner(events: list[Event]) -> tuple[str | None, datetime | None]:
    """Whose device it is, and from which moment on records count (None: all)."""
    owner, since, first = None, None, True
    registrations = [event for event in events if event["type"] != "device.accounting"]
    for event in sorted(registrations, key=lambda one: (_time(one), one["id"])):
        account = event["data"]["accountId"]
        if event["type"] == "device.removed":
            owner = None if owner == account else owner
        elif owner != account:
            owner, since, first = account, None if first else _time(event), False
    return owner, since


def _beginning(records: list[Event]) -> datetime:
    starts = [_moment(record) for record in records if record["data"]["status"] == "start"]
    estimates = [
        _moment(record) - timedelta(seconds=record["data"]["sessionSeconds"])
        for record in records
        if record["data"]["status"] != "start" and "sessionSeconds" in record["data"]
    ]
    return min(starts or estimates or [_moment(record) for record in records])


def _address(records: list[Event], member: str) -> str | None:
    named = [(_moment(record), record["data"][member]) for record in records if member in record["data"]]
    return max(named)[1] if named else None


def _time(event: Event) -> datetime:
    return datetime.fromisoformat(event["time"])


def _moment(record: Event) -> datetime:
    return _time(record) - timedelta(seconds=record["data"].get("delaySeconds", 0))


def _date(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}+0000"
