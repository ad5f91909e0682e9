"""What each page leaves in the log, and CloudWatch makes metrics of."""

import logging
from typing import Any

import pytest

from functions.store import list_sessions
from tests.proxy_events import request
from tests.sessions.watching import logged
from tests.store.sessions import MINUTES, fill, item

pytestmark = pytest.mark.usefixtures("aws")

SESSION = {
    "code": "secret-code",
    "storeId": 3,
    "visitors": 1,
    "groupSize": 1,
    "customerId": 42_424_242,
    "status": "completed",
    "sessionToken": "secret-token",
    **dict.fromkeys(("createdAt", "updatedAt", "expiresAt"), MINUTES[0]),
    **dict.fromkeys(("codeLastSuccesfullyScannedAt", "customerLastEnteredAt"), None),
}


def page_line(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    (page,) = [vars(record) for record in caplog.records if record.getMessage() == "page"]
    return page


def test_a_page_says_what_it_took_and_nothing_of_persons(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="sessions")
    fill("retailer", (item("retailer", SESSION | {"id": number, "visitors": number % 2}) for number in range(700, 705)))
    parameters = {"count": ["2"], "minVisitors": ["1"], "customerId": ["42424242"]}
    answer = list_sessions.handler(request(query=parameters, authorizer={"account": "retailer"}), None)
    assert answer["statusCode"] == 200

    said = page_line(caplog)
    expected = {
        "plan": "customer",
        "entries": 5,
        "rounds": 2,
        "short": 0,
        "account": "retailer",
        "calls": 6,
        "sessions": 2,
    }
    assert said | expected == said
    assert said["read_units"] > 0
    assert not any(secret in logged(caplog) for secret in ("secret", "42424242", "701"))


def test_cloudwatch_makes_metrics_of_it(caplog: pytest.LogCaptureFixture) -> None:
    """By the embedded metric format: every metric and dimension it announces is a member of the line."""
    caplog.set_level(logging.INFO, logger="sessions")
    list_sessions.handler(request(query={}, authorizer={"account": "retailer"}), None)

    said = page_line(caplog)
    (directive,) = said["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "SessionApis",
        "Dimensions": [["function_name"], ["function_name", "plan"]],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in ("entries", "read_units", "rounds", "short")],
    }
    assert all(isinstance(said[one["Name"]], int | float) for one in directive["Metrics"])
    assert (said["function_name"], said["plan"]) == ("local", "order")
    assert said["_aws"]["Timestamp"] > 1_700_000_000_000
