"""What leaves the deployment of a client's claim sessions gives, recorded in any order, the same lists again."""

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.widget import demonstration, session
from infra.settings import QUEUE_MESSAGE_BYTES
from tests.exports import empty, events, lines, moment, rows
from tests.sessions.watching import stored
from tests.widget.saves import CLIENT, client, listed, record, saved

pytestmark = pytest.mark.usefixtures("aws")

USERS = ("ana", "ben", "1:ana", "üñï \U0001f600")


def history() -> list[dict[str, Any]]:
    """Sessions of four users, saved over and over, by sources of all kinds."""
    chance = random.Random(4)
    policy = demonstration.events()[0]["data"]["session"]["selectedPolicy"]
    return [
        saved(
            f"LA-{chance.randrange(40)}",
            user=chance.choice(USERS),
            time=f"2026-01-0{chance.randrange(1, 4)}T00:00:00{chance.choice(['', '.5', '.000001'])}Z",
            event_id=chance.choice(["e1", "é", 'e"\\']),
            source=chance.choice(["/a", "/b"]),
            date=f"2023-11-27T14:{chance.randrange(60):02}:59.9Z",
            createdAt=f"2023-11-{chance.randrange(1, 30):02}T14:52:30+01:00",
            camsReference=chance.choice([None, "", "=1+1", 'a"b\\c\n\u2028']),
            selectedPolicy=chance.choice([None, policy]),
        )
        for _ in range(120)
    ]


def test_an_export_recorded_in_any_order_gives_the_same_lists_and_the_same_export() -> None:
    client()
    record(*history(), *(saved(client="rival", user=user) for user in USERS))
    before = [listed(user) for user in USERS]
    told = events("widget", CLIENT)
    text = lines("widget", CLIENT)
    items = [item for item in stored("widget-sessions") if item["client"]["S"] == CLIENT]
    assert len(told) > 30
    assert "rival" not in json.dumps(told)

    record(*told)
    assert [listed(user) for user in USERS] == before
    empty(session.TABLE)
    record(*random.Random(1).sample(told * 2, len(told) * 2))
    assert [listed(user) for user in USERS] == before
    assert lines("widget", CLIENT) == text
    assert sorted(stored("widget-sessions"), key=str) == sorted(items, key=str)


def test_an_older_export_changes_nothing() -> None:
    client()
    record(saved(status="old"))
    told = events("widget", CLIENT)
    record(saved(status="new", user="ben", time="2026-01-02T03:04:06Z"))
    before = listed("ana"), listed("ben")
    record(*told)
    assert (listed("ana"), listed("ben")) == before


def test_sessions_are_selected_by_the_minute_of_their_creation() -> None:
    for number, second in enumerate(("14:51:59.999999", "14:52:00", "14:52:59", "14:53:00")):
        record(saved(f"LA-{number}", createdAt=f"2023-11-27T{second}Z"))

    def named(**selected: str) -> list[str]:
        times = {name: moment(value) for name, value in selected.items()}
        return [row["reference"] for row in rows("widget", CLIENT, **times)]

    assert named(since="2023-11-27T14:52:00+00:00", until="2023-11-27T14:53:00+00:00") == ["LA-1", "LA-2"]
    assert named(since="2023-11-27T14:52:00.000001+00:00") == ["LA-3"]
    assert named(until="2023-11-27T14:52:00+00:00") == ["LA-0"]
    assert named(until="2023-11-27T15:52:00.000001+01:00") == ["LA-0", "LA-1", "LA-2"]


def test_a_row_has_the_members_of_the_answer() -> None:
    record(*demonstration.events())
    (_, row) = rows("widget", demonstration.ACCOUNT)
    policy = demonstration.events()[0]["data"]["session"]["selectedPolicy"]
    assert row | {"selectedPolicy": json.loads(row["selectedPolicy"])} == {
        "userId": "ana",
        "reference": "LA-PE2VZ7RJD4",
        "date": datetime(2023, 11, 27, 14, 52, tzinfo=UTC),
        "camsReference": "MIS/709006",
        "status": "submitted",
        "createdAt": datetime(2023, 11, 27, 14, 52, tzinfo=UTC),
        "selectedPolicy": policy,
    }


def test_what_just_fits_into_a_message_does_so_again() -> None:
    """However short its sender has written it."""
    event = saved(time="2026-01-02T03:04:05Z")
    del event["data"]["session"]["camsReference"], event["data"]["session"]["selectedPolicy"]
    room = QUEUE_MESSAGE_BYTES - len(json.dumps(event, separators=(",", ":")).encode())
    event["data"]["session"]["camsReference"] = '"é\n\x00'
    short = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    event["data"]["session"]["camsReference"] += "x" * (room - (len(short.encode()) - (QUEUE_MESSAGE_BYTES - room)))
    short = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    assert len(short.encode()) == QUEUE_MESSAGE_BYTES
    record(short)  # type: ignore[arg-type]
    (line,) = lines("widget", CLIENT)
    assert len(line.encode()) <= QUEUE_MESSAGE_BYTES


def test_a_client_is_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    from sessions import dynamodb

    record(*(saved(f"LA-{number:02}") for number in range(25)))
    query = dynamodb.query
    pages = []

    def small(*given: Any, **options: Any) -> Any:
        pages.append(options["start"])
        return query(*given, **options, limit=10)

    monkeypatch.setattr(dynamodb, "query", small)
    assert [row["reference"] for row in rows("widget", CLIENT)] == [f"LA-{number:02}" for number in range(25)]
    assert len(pages) == 3
