"""The first page of shopping sessions by boto3's resource, as its documentation teaches."""

import base64
import json
from typing import Any

import boto3
from boto3.dynamodb.conditions import Attr, Key

_dynamodb = boto3.resource("dynamodb")
_table = _dynamodb.Table("peer-sessions")

TIMES = ("createdAt", "updatedAt", "expiresAt", "codeLastSuccesfullyScannedAt", "customerLastEnteredAt")
COUNTS = ("visitors", "groupSize")
EQUAL = ("id", "storeId", "customerId", "code", "sessionToken")


def first_page(account: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The answer. `asked` has the query's parameters by their names, those that were given."""
    conditions = [Attr(name).eq(asked[name]) for name in EQUAL if name in asked]
    if asked.get("status"):
        conditions.append(Attr("status").is_in(asked["status"]))
    for name in (*TIMES, *COUNTS):
        capital = name[0].upper() + name[1:]
        if f"min{capital}" in asked:
            conditions.append(Attr(name).gte(asked[f"min{capital}"]))
        if f"max{capital}" in asked:
            conditions.append(Attr(name).lte(asked[f"max{capital}"]))
    request: dict[str, Any] = {
        "IndexName": f"by_{asked['orderBy']}",
        "KeyConditionExpression": Key("account").eq(account),
        "ScanIndexForward": asked["direction"] == "asc",
        "Limit": asked["count"],
    }
    if conditions:
        both = conditions[0]
        for one in conditions[1:]:
            both &= one
        request["FilterExpression"] = both
    found = _table.query(**request)
    sessions = found["Items"]
    records = _records(account, sessions)
    for session in sessions:
        del session["account"]
        session["customer"] = records.get(f"customer#{session['customerId']}")
        session["store"] = records.get(f"store#{session['storeId']}")
    following = None
    if "LastEvaluatedKey" in found:
        position = json.dumps(found["LastEvaluatedKey"], default=str)
        after = base64.urlsafe_b64encode(position.encode()).decode()
        following = {"count": asked["count"], "after": after, "direction": asked["direction"]}
    return {"data": sessions, "pagination": {"previous": None, "next": following}}


def _records(account: str, sessions: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Their customers and stores."""
    names = {f"customer#{session['customerId']}" for session in sessions}
    names |= {f"store#{session['storeId']}" for session in sessions if session["storeId"] is not None}
    keys = [{"account": account, "name": name} for name in sorted(names)]
    found: dict[str, dict[str, Any]] = {}
    for first in range(0, len(keys), 100):
        asked = {"peer-records": {"Keys": keys[first : first + 100]}}
        for item in _dynamodb.batch_get_item(RequestItems=asked)["Responses"]["peer-records"]:
            found[item["name"]] = item["record"]
    return found
