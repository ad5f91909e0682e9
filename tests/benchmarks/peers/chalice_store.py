"""The first page of the store listing on Chalice."""

import json
from decimal import Decimal
from typing import Any

import shopping
from chalice import Chalice, Response

app = Chalice(app_name="store")
handler = app

_ORDERINGS = ("id", *shopping.COUNTS, *shopping.TIMES, "code", "storeId", "customerId")
_BOUNDS = [side + name[0].upper() + name[1:] for name in (*shopping.TIMES, *shopping.COUNTS) for side in ("min", "max")]
_INTEGERS = ("id", "storeId", "customerId", "minVisitors", "maxVisitors", "minGroupSize", "maxGroupSize")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value)
    raise TypeError(type(value).__name__)


@app.route("/api/admin/v2/sessions")
def list_sessions() -> Response:
    given = app.current_request.query_params or {}
    asked: dict[str, Any] = {"orderBy": given.get("orderBy", "id"), "direction": given.get("direction", "asc")}
    faults = []
    if asked["orderBy"] not in _ORDERINGS:
        faults.append(("orderBy", "any.only"))
    if asked["direction"] not in ("asc", "desc"):
        faults.append(("direction", "any.only"))
    for name in ("count", *_INTEGERS):
        try:
            if name in given:
                asked[name] = int(given[name])
        except ValueError:
            faults.append((name, "number.base"))
    asked.setdefault("count", 20)
    if not 1 <= asked["count"] <= 200:
        faults.append(("count", "number.max"))
    asked |= {name: given[name] for name in ("code", "sessionToken", *_BOUNDS) if name in given and name not in asked}
    if "status" in given:
        asked["status"] = given.getlist("status")
    if faults:
        errors = [{"error": f'"{name}" is invalid', "rule": rule, "field": f'"{name}"'} for name, rule in faults]
        body = {"message": "The request has invalid parameters", "type": "E_INVALID_BODY", "errors": errors}
        return Response(body, status_code=422)
    page = shopping.first_page(app.current_request.context["authorizer"]["account"], asked)
    return Response(json.dumps(page, default=_plain), headers={"Content-Type": "application/json"})
