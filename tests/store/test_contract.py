"""The contract says what the code does, where both have a list of their own."""

from typing import Any

import pytest

from functions.store import parameters
from functions.store.ordering import LARGEST_INTEGER, ORDERINGS, SMALLEST_INTEGER
from functions.store.parameters import InvalidParametersError
from functions.store.query import STATUSES, Query
from functions.store.session import LONGEST_TEXT
from infra import contract
from infra.contract import GatewayAnswer

DOCUMENT = contract.document("store")
PARAMETERS: dict[str, dict[str, Any]] = {
    one["name"]: one["schema"] for one in DOCUMENT["paths"]["/api/admin/v2/sessions"]["get"]["parameters"]
}
UNAUTHORIZED = GatewayAnswer(
    401, {"WWW-Authenticate": "Bearer"}, '{"message": "Unauthorized", "type": "E_UNAUTHORIZED", "errors": []}'
)
NOT_FOUND = GatewayAnswer(404, {}, '{"message": "Not found", "type": "E_NOT_FOUND", "errors": []}')
THROTTLED = GatewayAnswer(
    429, {"Retry-After": "1"}, '{"message": "Too many requests", "type": "E_TOO_MANY_REQUESTS", "errors": []}'
)


def test_the_parameters_are_those_that_are_read() -> None:
    """A parameter that is not read is ignored, whatever its value."""
    assert list(PARAMETERS) == [
        *("count", "after", "before", "orderBy", "direction", "id", "storeId", "customerId", "code", "sessionToken"),
        *("status", "minCreatedAt", "maxCreatedAt", "minUpdatedAt", "maxUpdatedAt", "minExpiresAt", "maxExpiresAt"),
        *("minCodeLastSuccesfullyScannedAt", "maxCodeLastSuccesfullyScannedAt"),
        *("minCustomerLastEnteredAt", "maxCustomerLastEnteredAt"),
        *("minVisitors", "maxVisitors", "minGroupSize", "maxGroupSize"),
    ]
    with pytest.raises(InvalidParametersError) as raised:
        parameters.parse({name: [""] for name in PARAMETERS})
    assert {fault.field for fault in raised.value.faults} == set(PARAMETERS)


def test_enumerations_defaults_and_bounds_are_those_of_the_code() -> None:
    assert PARAMETERS["orderBy"] == {"type": "string", "enum": list(ORDERINGS), "default": Query().order_by}
    assert PARAMETERS["direction"] == {"type": "string", "enum": ["asc", "desc"], "default": Query().direction}
    assert PARAMETERS["count"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": parameters.MOST_SESSIONS,
        "default": Query().count,
    }
    assert DOCUMENT["components"]["schemas"]["Status"]["enum"] == list(STATUSES)
    assert PARAMETERS["status"] == {"type": "array", "items": {"$ref": "#/components/schemas/Status"}}
    for name in ("id", "storeId", "customerId"):
        assert (PARAMETERS[name]["minimum"], PARAMETERS[name]["maximum"]) == (SMALLEST_INTEGER, LARGEST_INTEGER)
    for name in ("Visitors", "GroupSize"):
        assert PARAMETERS[f"min{name}"] == {"type": "integer", "minimum": 0, "maximum": LARGEST_INTEGER}
        assert PARAMETERS[f"max{name}"] == {"type": "integer", "minimum": 1, "maximum": LARGEST_INTEGER}
    for name in ("code", "sessionToken"):
        assert PARAMETERS[name]["maxLength"] == LONGEST_TEXT


def test_the_gateway_answers_in_this_dialect_and_always_with_a_type() -> None:
    assert contract.gateway_answers(DOCUMENT, ()) == {
        "UNAUTHORIZED": UNAUTHORIZED,
        "ACCESS_DENIED": UNAUTHORIZED,
        "MISSING_AUTHENTICATION_TOKEN": NOT_FOUND,
        "RESOURCE_NOT_FOUND": NOT_FOUND,
        "INVALID_SIGNATURE": NOT_FOUND,
        "WAF_FILTERED": GatewayAnswer(403, {}, '{"message": "Forbidden", "type": "E_FORBIDDEN", "errors": []}'),
        "REQUEST_TOO_LARGE": GatewayAnswer(
            413, {}, '{"message": "Request too large", "type": "E_REQUEST_TOO_LARGE", "errors": []}'
        ),
        "QUOTA_EXCEEDED": THROTTLED,
        "THROTTLED": THROTTLED,
        "DEFAULT_4XX": GatewayAnswer(
            None, {}, '{"message": "Request refused", "type": "E_REQUEST_REFUSED", "errors": []}'
        ),
        "DEFAULT_5XX": GatewayAnswer(
            500,
            {},
            '{"message": "Internal error, request id $context.requestId", "type": "E_INTERNAL", "errors": []}',
        ),
    }
