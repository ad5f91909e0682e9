"""Events about devices, as the device's queue gets them, and the answer that comes of them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from functions.device import get_session_info, record_accounting
from tests.proxy_events import batch, request
from tests.sessions.watching import answer, said

ICCID = "8988216716970004975"
INVALID_ICCID = answer(404, {"errorMessage": "Resource not found - Invalid ICCID", "errorCode": "20000001"})
INVALID_VERSION = answer(400, {"errorMessage": "Invalid apiVersion", "errorCode": "10000024"})

_numbers = iter(range(10**9))


def _event(kind: str, time: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"e{next(_numbers):09}",
        "source": "/test",
        "type": kind,
        "time": time,
        "data": data,
    }


def registered(account: str = "fleet", iccid: str = ICCID, *, time: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return _event("device.registered", time, {"accountId": account, "iccid": iccid})


def removed(account: str = "fleet", iccid: str = ICCID, *, time: str = "2026-01-05T00:00:00Z") -> dict[str, Any]:
    return _event("device.removed", time, {"accountId": account, "iccid": iccid})


def accounting(
    status: str = "start",
    time: str = "2026-01-02T00:00:00Z",
    *,
    iccid: str = ICCID,
    session: str = "s1",
    **members: Any,
) -> dict[str, Any]:
    data = {"iccid": iccid, "accountingSessionId": session, "status": status}
    return _event("device.accounting", time, data | members)


def record(*events: Any) -> None:
    assert record_accounting.handler(batch(*events), None) == {"batchItemFailures": []}


def asked(
    iccid: str = ICCID, *, account: str = "fleet", version: str = "v1", fields: Sequence[str] | None = None, **more: Any
) -> dict[str, Any]:
    query = None if fields is None else {"fields": fields}
    path = {"apiVersion": version, "iccid": iccid}
    return request(path=path, query=query, authorizer={"account": account}) | more


def get(iccid: str = ICCID, **options: Any) -> dict[str, Any]:
    """The whole answer."""
    return said(get_session_info.handler(asked(iccid, **options), None))


def text(iccid: str = ICCID, **options: Any) -> str:
    """The answer's body, as it is sent but for blanks between its parts."""
    given = get_session_info.handler(asked(iccid, **options), None)
    return json.dumps(json.loads(given["body"]), separators=(",", ":"))


def info(iccid: str = ICCID, **members: str | None) -> dict[str, Any]:
    """The answer for a device that never had a session, but for these members."""
    usual = {"iccid": iccid, "ipAddress": None, "dateSessionStarted": None, "dateSessionEnded": None}
    return answer(200, usual | members)
