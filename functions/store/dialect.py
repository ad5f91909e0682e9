"""How this API answers: pages of sessions, and errors with a message, a type, and the faults of the parameters."""

import json
from collections.abc import Sequence
from typing import Any, Literal

from functions.store import cursor
from functions.store.cursor import Position
from functions.store.parameters import Fault
from functions.store.query import Query
from sessions import proxy
from sessions.proxy import Answer, Event


def page(query: Query, bodies: Sequence[str], previous: Position | None, following: Position | None) -> Answer:
    """Sessions, whose `bodies` are JSON already, and where the adjacent pages are; None where there is none."""
    pagination = {"previous": _link(query, "before", previous), "next": _link(query, "after", following)}
    linked = json.dumps(pagination, separators=(",", ":"))
    return proxy.answer(200, f'{{"data":[{",".join(bodies)}],"pagination":{linked}}}')


def invalid(faults: Sequence[Fault]) -> Answer:
    """All faults at once. Clients know a field by its name in quotes."""
    errors = [{"error": fault.text, "rule": fault.rule, "field": f'"{fault.field}"'} for fault in faults]
    return _error(422, "E_INVALID_BODY", "The request has invalid parameters", errors)


def internal_error(event: Event) -> Answer:
    return _error(500, "E_INTERNAL", f"Internal error, request id {proxy.request_id(event)}")


def _link(query: Query, side: Literal["after", "before"], position: Position | None) -> dict[str, Any] | None:
    if position is None:
        return None
    return {"count": query.count, side: cursor.write(query.order_by, position), "direction": query.direction}


def _error(status: int, kind: str, message: str, errors: Sequence[dict[str, str]] = ()) -> Answer:
    """Clients take a body without a `type` as success, whatever the status: every error has one."""
    return proxy.answer(status, json.dumps({"message": message, "type": kind, "errors": list(errors)}))
