"""A list of more than a megabyte takes several queries, each of which DynamoDB must accept; moto accepts any."""

import json

import pytest

from functions.widget import list_user_sessions
from sessions import dynamodb
from tests.widget.saves import asked, client, record, saved


@pytest.mark.usefixtures("on_dynalite")
def test_a_list_that_takes_several_queries_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECORDING_ATTEMPTS", "5")
    client()
    for number in range(12):
        record(saved(f"LA-{number:02}", camsReference="x" * 240_000))
    with dynamodb.metering() as meter:
        given = list_user_sessions.handler(asked(), None)
    assert meter.calls == 3, "one for each megabyte of these 2.9"
    assert given["statusCode"] == 200
    assert [one["reference"] for one in json.loads(given["body"])] == [f"LA-{number:02}" for number in range(12)]
