"""A device and its data sessions, as they are stored and found.

| question | table or index | key condition |
| --- | --- | --- |
| the device's current or latest session | table | iccid, item = `device` |
| that and one of its sessions, to add a record | table | iccid, item = `session#` + accounting session id |
| the session that began last | `by_beginning` | iccid, descending |
| all of them, when the device changes hands | table | iccid, item begins with `session#` |
| all of an account's, for an export | table and `by_beginning` | none: the table is read; then iccid, descending |

The `device` item holds the answer, ready to be sent; `records.py` tells how it came there.
"""

from sessions import dynamodb
from sessions.tables import Index, Key, Table

BY_BEGINNING = Index("by_beginning", Key("iccid", "beginning"), projected=("state", "since", "dropAfter"), local=True)
TABLE = Table("device-sessions", Key("iccid", "item"), indexes=(BY_BEGINNING,), expires="dropAfter")

DEVICE = "device"
SESSION = "session#"


def find(account_id: str, iccid: str) -> str | None:
    """The answer's JSON, or None where the account has no such device. One key lookup."""
    device = dynamodb.get(TABLE, device_key(iccid), "account", "body")
    return device["body"] if device is not None and device["account"] == account_id else None


def device_key(iccid: str) -> dict[str, str]:
    return {"iccid": iccid, "item": DEVICE}


def session_key(iccid: str, session_id: str) -> dict[str, str]:
    return {"iccid": iccid, "item": SESSION + session_id}
