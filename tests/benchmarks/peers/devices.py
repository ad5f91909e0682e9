"""Devices by boto3's resource, as its documentation teaches."""

from typing import Any

import boto3

# Made when it is loaded, outside of what handles a call.
_table = boto3.resource("dynamodb").Table("peer-devices")


def find(account: str, iccid: str) -> dict[str, Any] | None:
    """The members of the answer, or None where the account has no such device."""
    item = _table.get_item(Key={"iccid": iccid}).get("Item")
    if item is None or item.pop("account") != account:
        return None
    return item


def selected(info: dict[str, Any], fields: str | None) -> dict[str, Any]:
    """The members that `fields` names; all where it names none, or `*`."""
    names = {name.strip() for name in (fields or "").split(",")} - {""}
    return info if not names or "*" in names else {name: value for name, value in info.items() if name in names}
