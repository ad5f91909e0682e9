"""What leaves the deployment of visitors' sessions, put back, gives the same answers again."""

import json
import random
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from functions.knowledge import session
from functions.knowledge.restore import SESSIONS, Restored, restore
from sessions import clock
from tests.conftest import Clock
from tests.exports import empty, lines, moment, rows
from tests.knowledge.calls import IN_30_DAYS, NOT_FOUND, NOW, get, info, post, put
from tests.sessions.watching import stored

pytestmark = pytest.mark.usefixtures("aws")


def put_back(*told: str) -> list[Restored]:
    return [restore(SESSIONS.validate_json(line), now=clock.now()) for line in told]


def made(at: Clock, count: int) -> list[str]:
    """The ids of so many sessions with all kinds of members."""
    chance = random.Random(3)
    found: list[str] = []
    for number in range(count):
        at.advance(seconds=0.0015)
        members = {"visitId": chance.choice(["v", 'ü"\\\u2028']), "globalVisitId": ""}
        body = {name: value for name, value in members.items() if chance.random() < 0.5}
        headers = {"gkc_customerId": "c"} if chance.random() < 0.5 else None
        found.append(put(body, headers)["body"]["sessionId"] if number % 2 else f"own~{number}")
        if number % 3 == 0 or number % 2 == 0:
            at.advance(minutes=1)
            post(found[-1], body, {"gkc_agentId": "a"})
    return found


def test_an_export_with_ids_put_back_gives_the_same_answers_and_the_same_export(at: Clock) -> None:
    ids = made(at, 40)
    before, items = [get(one) for one in ids], sorted(stored("knowledge-sessions"), key=str)
    told = lines("knowledge", None, with_ids=True)
    assert sorted(json.loads(line)["sessionId"] for line in told) == sorted(ids)
    assert put_back(*told) == ["newer"] * 40
    empty(session.TABLE)
    assert get(ids[0]) == NOT_FOUND
    assert put_back(*random.Random(1).sample(told, 40)) == ["restored"] * 40
    assert put_back(*told) == ["newer"] * 40
    assert [get(one) for one in ids] == before
    assert sorted(stored("knowledge-sessions"), key=str) == items
    assert sorted(lines("knowledge", None, with_ids=True)) == sorted(told)


def test_ids_are_not_told_unless_they_are_asked_for(at: Clock) -> None:
    post("visitor-1", {"visitId": "v"})
    (line,) = lines("knowledge", None)
    assert json.loads(line) == {
        "agentId": None,
        "customerId": None,
        "visitId": "v",
        "globalVisitId": None,
        "createdAt": NOW,
        "updatedAt": NOW,
        "expiresAt": IN_30_DAYS,
    }
    (row,) = rows("knowledge", None)
    assert row["sessionId"] is None
    with pytest.raises(ValidationError, match="sessionId"):
        put_back(line)
    (row,) = rows("knowledge", None, with_ids=True)
    assert (row["sessionId"], row["createdAt"]) == ("visitor-1", moment(NOW))


def test_what_is_over_is_not_exported_and_does_not_come_back(at: Clock) -> None:
    post("visitor-1")
    (line,) = lines("knowledge", None, with_ids=True)
    at.now = moment(IN_30_DAYS) - timedelta(milliseconds=1)
    assert lines("knowledge", None, with_ids=True) == [line]
    at.now = moment(IN_30_DAYS)
    assert lines("knowledge", None, with_ids=True) == []
    assert put_back(line) == ["expired"]
    assert get("visitor-1") == NOT_FOUND


def test_a_live_newer_session_stays_and_an_older_or_expired_one_gives_way(at: Clock) -> None:
    post("visitor-1", {"visitId": "old"})
    (old,) = lines("knowledge", None, with_ids=True)
    at.advance(milliseconds=1)
    post("visitor-1", {"visitId": "new"})
    (new,) = lines("knowledge", None, with_ids=True)
    assert put_back(old) == ["newer"]
    assert get("visitor-1") == info("visitor-1", visitId="new", **_times(new))
    empty(session.TABLE)
    assert put_back(old, new, old) == ["restored", "restored", "newer"]
    assert get("visitor-1") == info("visitor-1", visitId="new", **_times(new))

    longer = json.loads(old) | {"expiresAt": "2027-01-01T00:00:00.000Z"}
    at.now = moment("2026-06-01T00:00:00Z")
    assert put_back(json.dumps(longer)) == ["restored"]  # what lies there is over, though its item is newer
    assert get("visitor-1") == info("visitor-1", visitId="old", expiresAt="2027-01-01T00:00:00.000Z")


def _times(line: str) -> dict[str, str]:
    return {name: value for name, value in json.loads(line).items() if name.endswith("At")}


def test_sessions_are_selected_by_their_creation(at: Clock) -> None:
    for number in range(3):
        post(f"visitor-{number}")
        at.advance(milliseconds=1)
    first, second, third = (f"2026-01-02T03:04:05.{ms}Z" for ms in (678, 679, 680))

    def named(**selected: str) -> set[str]:
        times: dict[str, Any] = {name: moment(value) for name, value in selected.items()}
        return {row["sessionId"] for row in rows("knowledge", None, with_ids=True, **times)}

    assert named(since=second, until=third) == {"visitor-1"}
    assert named(since=third) == {"visitor-2"}
    assert named(until=first) == set()


@pytest.mark.parametrize(
    "change",
    [
        {"sessionId": "new"},
        {"sessionId": "a/b"},
        {"sessionId": "a\n"},
        {"sessionId": None},
        {"visitId": "x" * 257},
        {"visitId": 7},
        {"createdAt": "2026-01-02T03:04:05"},
        {"updatedAt": "2025-01-01T00:00:00Z"},
        {"expiresAt": "2026-01-01T00:00:00Z"},
        {"unknown": 1},
    ],
)
def test_what_is_no_session_is_not_put_back(at: Clock, change: dict[str, Any]) -> None:
    post("visitor-1")
    (line,) = lines("knowledge", None, with_ids=True)
    with pytest.raises(ValidationError):
        put_back(json.dumps(json.loads(line) | change))
