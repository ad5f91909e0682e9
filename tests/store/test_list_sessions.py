"""The endpoint as the gateway calls it, many times at once, and what is wrong with a request but for its form."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.store import list_sessions, saves
from sessions import endpoint, proxy
from tests.proxy_events import request
from tests.store.costs import sessions
from tests.store.sessions import fill, item

pytestmark = pytest.mark.usefixtures("aws")


def asked(**parameters: str) -> dict[str, Any]:
    query = {name: [value] for name, value in parameters.items()}
    return list_sessions.handler(request(query=query, authorizer={"account": "retailer"}), None)


def test_as_many_requests_as_there_are_threads_do_not_wait_for_each_other_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STORE_SHARDS", "8")
    for name in ("DEADLINE", "_READ"):  # moto answers one after the other
        monkeypatch.setattr(endpoint, name, 50.0)
    monkeypatch.setattr(proxy, "LONGEST_REQUEST", 50.0)
    fill("retailer", (item("retailer", one) for one in sessions(100, stores=1)))
    kinds = ({"sessionToken": "t"}, {"storeId": "1", "orderBy": "visitors"}, {"minVisitors": "2"}, {"after": "10001"})
    with ThreadPoolExecutor(64) as pool:
        answers = [pool.submit(asked, **kinds[number % len(kinds)]) for number in range(64)]
        assert [one.result(timeout=60)["statusCode"] for one in answers] == [200] * 64


def test_letters_are_told_as_they_were_saved() -> None:
    written = {"text": 'Łódź "中" \\ 😀'}
    one = sessions(100, stores=1)[0] | {"customerId": 7, "storeId": 8}
    stored = item("retailer", one)
    fill("retailer", [stored | {"body": json.dumps({"id": "1", "metadata": written}, ensure_ascii=False)}])
    record = json.dumps(written, ensure_ascii=False, separators=(",", ":"))
    saves.save_record("retailer", "customer", 7, body=record, version="1")
    saves.save_record("retailer", "store", 8, body=record, version="1")

    body = asked()["body"]

    assert body.count(json.dumps(written, separators=(",", ":"))) == 2  # in ASCII: customer and store
    assert json.loads(body)["data"] == [{"id": "1", "metadata": written, "customer": written, "store": written}]


def test_a_session_that_is_not_there_is_told_with_all_other_faults() -> None:
    fill("retailer", (item("retailer", one) for one in sessions(100, stores=1)))
    known = json.loads(asked(after="10001", count="0", direction="up")["body"])
    unknown = json.loads(asked(after="99", count="0", direction="up")["body"])
    another = json.loads(asked(before="99")["body"])

    assert [fault["field"] for fault in known["errors"]] == ['"count"', '"direction"']
    assert [fault["field"] for fault in unknown["errors"]] == ['"count"', '"after"', '"direction"']
    assert unknown["errors"][1] == {
        "error": '"after" must be the id of a session, or a cursor of this ordering',
        "rule": "any.invalid",
        "field": '"after"',
    }
    assert another["errors"] == [unknown["errors"][1] | {"field": '"before"', "error": another["errors"][0]["error"]}]
