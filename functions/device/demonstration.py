"""Demonstration data: account `demo-fleet` with three SIMs: session over, in session, never in session."""

from typing import Any

ACCOUNT = "demo-fleet"
USERNAME = "demo-user"

ENDED = "8988216716970004975"
IN_SESSION = "8988216716970004983"
NEVER_IN_SESSION = "8988216716970004991"


def events() -> list[dict[str, Any]]:
    """CloudEvents for the family's queue, the same ones every time."""
    registered = [
        _event("device.registered", f"registered-{iccid}", "2016-07-01T00:00:00Z", accountId=ACCOUNT, iccid=iccid)
        for iccid in (ENDED, IN_SESSION, NEVER_IN_SESSION)
    ]
    over = {"iccid": ENDED, "accountingSessionId": "0A000001", "ipv6Address": "2605:9780:309e::/64"}
    going = {
        "iccid": IN_SESSION,
        "accountingSessionId": "0A000002",
        "ipAddress": "10.21.0.7",
        "ipv6Address": "2605:9780:309f::/64",
    }
    return [
        *registered,
        _event("device.accounting", "over-start", "2016-07-06T01:31:46.893Z", **over, status="start"),
        _event(
            "device.accounting", "over-stop", "2016-07-06T03:02:10.104Z", **over, status="stop", sessionSeconds=5423
        ),
        _event("device.accounting", "going-start", "2016-07-07T22:15:03.250Z", **going, status="start"),
        _event("device.accounting", "going-interim", "2016-07-07T23:15:03.250Z", **going, status="interim"),
    ]


def connection(api_key: str) -> dict[str, str]:
    """What a caller needs."""
    return {"account_id": ACCOUNT, "username": USERNAME, "api_key": api_key}


def curl(base_url: str, connection: dict[str, str]) -> list[str]:
    """A ready command for each endpoint."""
    user = f"{USERNAME}:{connection['api_key']}"
    return [f"curl -u {user} {base_url}/rws/api/v1/devices/{IN_SESSION}/sessionInfo"]


def _event(kind: str, event_id: str, moment: str, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"demonstration-{event_id}",
        "source": "/demonstration",
        "type": kind,
        "time": moment,
        "data": data,
    }
