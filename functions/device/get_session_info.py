"""`GET /rws/api/v1/devices/{iccid}/sessionInfo`: the current, or else the latest, data session of a SIM."""

import json
import re
from typing import Any

from functions.device import dialect, session
from sessions import proxy
from sessions.proxy import Answer, Event

_ICCID = re.compile(r"[0-9]{19,20}")


@proxy.endpoint(dialect.internal_error)
def handler(event: Event, context: Any) -> Answer:
    if proxy.path_parameter(event, "apiVersion") != "v1":
        return dialect.invalid_api_version()
    iccid = proxy.path_parameter(event, "iccid")
    body = session.find(proxy.account(event), iccid) if _ICCID.fullmatch(iccid) else None
    if body is None:
        return dialect.invalid_iccid()
    return proxy.answer(200, _selected(body, proxy.query_parameter(event, "fields")))


def _selected(body: str, fields: list[str]) -> str:
    """The members that `fields` names, in the answer's order; all where it names none, or `*`."""
    names = {name.strip() for field in fields for name in field.split(",")} - {""}
    if not names or "*" in names:
        return body
    return json.dumps({name: value for name, value in json.loads(body).items() if name in names})
