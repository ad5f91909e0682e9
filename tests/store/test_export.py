"""What leaves the deployment of a retailer's sessions gives, recorded in any order, the same listings again."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.store import demonstration, export, list_sessions, session
from functions.store.events import Session
from sessions import dynamodb
from tests.exports import empty, events, exported, lines, moment, rows
from tests.proxy_events import request
from tests.sessions.watching import stored
from tests.store.test_record_sessions import record, saved

pytestmark = pytest.mark.usefixtures("aws")

TABLES = (session.SESSIONS, session.TOKENS, session.RECORDS)


def pages(account: str, **parameters: str) -> Iterator[str]:
    """The bodies of all pages of the listing."""
    more: dict[str, Any] | None = {"count": 60, **parameters}
    while more is not None:
        query = {name: [str(value)] for name, value in more.items()}
        answer = list_sessions.handler(request(query=query, authorizer={"account": account}), None)
        assert answer["statusCode"] == 200
        yield answer["body"]
        following = json.loads(answer["body"])["pagination"]["next"]
        more = None if following is None else parameters | following


def answers(account: str) -> list[list[str]]:
    wanted: list[dict[str, str]] = [
        {},
        {"orderBy": "updatedAt", "direction": "desc"},
        {"orderBy": "createdAt", "storeId": "11"},
        {"orderBy": "code"},
    ]
    return [list(pages(account, **parameters)) for parameters in wanted]


def items() -> list[str]:
    """All that is stored, but which save has written a token's item: any that found it wanting."""
    found = [item for table in TABLES for item in stored(table.physical_name)]
    kept = [
        {name: value for name, value in item.items() if name != "version" or "token#" not in str(item.get("partition"))}
        for item in found
    ]
    return sorted(json.dumps(item, sort_keys=True) for item in kept)


@pytest.mark.parametrize("shards", ["1", "3"])
def test_an_export_recorded_in_any_order_gives_the_same_listings_and_the_same_export(
    monkeypatch: pytest.MonkeyPatch, shards: str
) -> None:
    monkeypatch.setenv("STORE_SHARDS", shards)
    everything = demonstration.events()
    metadata = {"events": [{"eventId": 1, "metadata": {"a": 1e22, "b": [-0.0, None, 'ü"\u2028']}}], "updatedAt": "x"}
    lone: dict[str, Any] = {
        "id": 7,
        "customerId": 999,
        "storeId": None,
        "createdAt": "2025-06-02T00:00:00.000Z",
        "metadata": metadata,
    }
    record(*everything[:140], saved(account=demonstration.ACCOUNT, **lone))
    own = items()
    before = answers(demonstration.ACCOUNT)
    record(saved(account="rival"), saved("customer", account="rival", id=101))
    told = events("store", demonstration.ACCOUNT)
    text = lines("store", demonstration.ACCOUNT)
    assert "rival" not in json.dumps(told)
    kinds = Counter(event["type"] for event in told)
    assert kinds["store.session.saved"] == 140 - 43 + 1
    assert kinds["store.store.saved"] == 3
    named = {event["data"]["session"]["customerId"] for event in told if "session" in event["data"]}
    assert kinds["store.customer.saved"] == len(named) - 1  # one is not known

    record(*told)
    assert answers(demonstration.ACCOUNT) == before
    empty(*TABLES)
    record(*random.Random(1).sample(told * 2, len(told) * 2))
    assert answers(demonstration.ACCOUNT) == before
    assert lines("store", demonstration.ACCOUNT) == text
    assert set(items()) <= set(own)
    assert {item for item in own if '"session"' in item} <= set(items())


def test_an_older_export_changes_nothing() -> None:
    record(saved(code="old"), saved("customer", firstName="old"), saved("store", name="old"))
    told = events("store", "retailer")
    later = "2026-01-02T03:04:07Z"
    record(
        saved(code="new", updatedAt="2026-01-02T03:04:05.678902Z"),
        saved("customer", time=later, firstName="new"),
        saved("store", time=later, name="new"),
    )
    before = items()
    record(*told)
    assert items() == before


def test_of_saves_that_show_the_same_time_the_exported_one_stays_the_newest() -> None:
    """Answers are cut to milliseconds; which save is newer goes by microseconds."""
    older = saved(code="old", updatedAt="2026-01-02T03:04:05.678500Z", time="2026-01-03T00:00:00Z")
    record(older, saved(code="new"))
    told = events("store", "retailer")
    before = items()
    empty(*TABLES)
    record(*told, older)
    assert items() == before


def test_sessions_are_selected_by_the_millisecond_of_their_creation() -> None:
    times = ("02:59:59.999999", "03:00:00", "03:00:00.001", "03:00:00.0019", "03:00:00.002")
    record(*(saved(id=number, createdAt=f"2026-01-02T{time}Z") for number, time in enumerate(times)))

    def named(**selected: str) -> list[str]:
        times: dict[str, Any] = {name: moment(value) for name, value in selected.items()}
        return sorted(row["id"] for row in rows("store", "retailer", **times))

    assert named(since="2026-01-02T03:00:00Z", until="2026-01-02T03:00:00.002Z") == ["1", "2", "3"]
    assert named(since="2026-01-02T03:00:00.001Z") == ["2", "3", "4"]
    assert named(since="2026-01-02T03:00:00.001001Z") == ["4"]
    assert named(until="2026-01-02T04:00:00.001001+01:00") == ["0", "1", "2", "3"]
    assert named(until="2026-01-02T03:00:00Z") == ["0"]
    assert named(since="0001-01-01T00:00:00Z", until="9999-12-31T23:59:59.999999Z") == ["0", "1", "2", "3", "4"]


def test_a_row_has_the_members_of_the_answer() -> None:
    record(saved(metadata={"note": "=1+1"}), saved("customer"))
    (row,) = rows("store", "retailer")
    (page,) = pages("retailer")
    (answer,) = json.loads(page)["data"]
    assert list(row) == [str(field.alias) for field in Session.model_fields.values()] + ["customer", "store"]
    texts = {name: json.loads(row[name]) for name in ("metadata", "customer")}
    times = {name: moment(answer[name]) for name in answer if name.endswith("At") and isinstance(answer[name], str)}
    assert row | texts == answer | times
    assert row["createdAt"] == datetime(2026, 1, 2, 3, tzinfo=UTC)
    assert row["store"] is None


def test_a_customer_is_told_once_and_where_too_many_are_there_at_least_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over several pages, that is."""
    record(*(saved(id=number, customerId=number % 3, storeId=None) for number in range(12)))
    record(*(saved("customer", id=number) for number in range(3)))
    monkeypatch.setattr(export, "_PAGE", 4)

    def told() -> list[str]:
        return [one["data"]["customer"]["id"] for one in events("store", "retailer") if "customer" in one["data"]]

    assert sorted(told()) == ["0", "1", "2"]
    monkeypatch.setattr(export, "_REMEMBERED", 1)
    assert set(told()) == {"0", "1", "2"}


def test_sessions_are_read_a_hundred_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_SHARDS", "1")
    record(*(saved(id=number) for number in range(7)))
    read = []
    batch_get = dynamodb.batch_get

    def noted(*given: Any, **options: Any) -> Any:
        read.append((given[0].name, len(given[1])))
        return batch_get(*given, **options)

    monkeypatch.setattr(dynamodb, "batch_get", noted)
    monkeypatch.setattr(export, "_PAGE", 3)
    assert len(exported("store", "retailer")) == 7
    assert [size for name, size in read if name == "store-sessions"] == [3, 3, 1]
