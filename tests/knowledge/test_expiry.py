"""Expiry is exact, though DynamoDB drops items late; and what is over, is over."""

import boto3
import pytest

from tests.conftest import Clock
from tests.knowledge.calls import NOT_FOUND, get, info, post, put
from tests.sessions.watching import interrupted, operations, stored

pytestmark = pytest.mark.usefixtures("aws")

TABLE = "knowledge-sessions"


def test_a_session_is_found_until_its_last_millisecond(at: Clock) -> None:
    made = post("one", {"visitId": "v"})
    created = put({"visitId": "v"})
    at.advance(days=30, milliseconds=-1)

    assert get("one") == made
    assert get(created["body"]["sessionId"]) == created


def test_from_the_instant_it_expires_a_session_is_not_found_though_it_is_stored(at: Clock) -> None:
    session_id = put()["body"]["sessionId"]
    post("one", {"visitId": "v"})
    at.advance(days=30)

    assert get("one") == NOT_FOUND
    assert get(session_id) == NOT_FOUND
    assert len(stored(TABLE)) == 2
    at.advance(days=10_000)
    assert get("one") == NOT_FOUND


def test_an_instant_is_a_millisecond(at: Clock) -> None:
    at.now = at.now.replace(microsecond=1000)
    made = post("one")
    at.advance(days=30, microseconds=-1)
    assert get("one") == made

    at.advance(microseconds=1)
    assert get("one") == NOT_FOUND


def test_the_table_drops_nothing_before_it_expires(at: Clock) -> None:
    for microsecond in (0, 1, 999_999):
        at.now = at.now.replace(microsecond=microsecond)
        post("one")
        (item,) = stored(TABLE)
        assert 0 <= int(item["dropAfter"]["N"]) - (at.now.timestamp() + 30 * 24 * 3600) <= 1


def test_a_post_prolongs_and_a_get_does_not(at: Clock) -> None:
    post("one", {"visitId": "v"})
    at.advance(days=29)
    get("one")
    assert post("one") == info(
        "one", visitId="v", updatedAt="2026-01-31T03:04:05.678Z", expiresAt="2026-03-02T03:04:05.678Z"
    )
    at.advance(days=29)
    assert get("one")["statusCode"] == 200
    at.advance(days=1)
    assert get("one") == NOT_FOUND


def test_the_lifetime_is_a_setting(at: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNOWLEDGE_SESSION_SECONDS", "1")

    assert post("one") == info("one", expiresAt="2026-01-02T03:04:06.678Z")
    created = put()
    assert created["body"]["expiresAt"] == "2026-01-02T03:04:06.678Z"
    at.advance(seconds=1)
    assert get("one") == NOT_FOUND
    assert get(created["body"]["sessionId"]) == NOT_FOUND


def test_a_post_to_an_expired_session_starts_anew_with_nothing_of_the_old(at: Clock) -> None:
    post("one", {"visitId": "v", "globalVisitId": "g"}, headers={"gkc_agentId": "a", "gkc_customerId": "c"})
    at.advance(days=30)
    times = {
        "createdAt": "2026-02-01T03:04:05.678Z",
        "updatedAt": "2026-02-01T03:04:05.678Z",
        "expiresAt": "2026-03-03T03:04:05.678Z",
    }

    assert post("one", {"visitId": "w"}) == info("one", visitId="w", **times)
    assert get("one") == info("one", visitId="w", **times)
    assert post("one", headers={"gkc_agentId": "b"}) == info("one", visitId="w", agentId="b", **times)


def test_a_post_in_the_last_millisecond_goes_on_with_the_old(at: Clock) -> None:
    post("one", {"visitId": "v"})
    at.advance(days=30, milliseconds=-1)

    assert post("one", {"globalVisitId": "g"}) == info(
        "one",
        visitId="v",
        globalVisitId="g",
        updatedAt="2026-02-01T03:04:05.677Z",
        expiresAt="2026-03-03T03:04:05.677Z",
    )


@pytest.mark.parametrize("ahead_of", [1, 2])
def test_two_posts_to_an_expired_session_start_one_new_session(
    at: Clock, monkeypatch: pytest.MonkeyPatch, ahead_of: int
) -> None:
    """The second runs whole, ahead of the first or the second call of the first one."""
    post("one", {"visitId": "old", "globalVisitId": "old"}, headers={"gkc_agentId": "old"})
    at.advance(days=40)

    with monkeypatch.context() as patch:
        calls = interrupted(patch, ahead_of, lambda: post("one", headers={"gkc_customerId": "c"}))
        answered = post("one", {"visitId": "v"})
        assert "PutItem" in operations(calls)

    assert answered["body"] | {"visitId": "v", "customerId": "c", "agentId": None} == answered["body"]
    assert answered["body"]["globalVisitId"] is None
    assert answered["body"]["createdAt"] == "2026-02-11T03:04:05.678Z"
    assert get("one") == answered


def test_a_post_starts_a_session_where_the_table_drops_the_old_one_meanwhile(
    at: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    post("one", {"visitId": "old", "globalVisitId": "old"})
    at.advance(days=40)
    table = boto3.client("dynamodb")

    with monkeypatch.context() as patch:
        interrupted(patch, 2, lambda: table.delete_item(TableName=TABLE, Key={"id": {"S": "one"}}))
        answered = post("one", {"visitId": "v"})

    assert (answered["body"]["visitId"], answered["body"]["globalVisitId"]) == ("v", None)
    assert get("one") == answered
