"""Posts at the same time never lose each other's members."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from tests.conftest import Clock
from tests.knowledge.calls import get, info, post
from tests.sessions.watching import interrupted

pytestmark = pytest.mark.usefixtures("aws", "at")

WRITES: list[tuple[str, dict[str, Any]]] = [
    ("visitId", {"body": {"visitId": "x"}}),
    ("globalVisitId", {"body": {"globalVisitId": "x"}}),
    ("customerId", {"headers": {"gkc_customerId": "x"}}),
    ("agentId", {"headers": {"gkc_agentId": "x"}}),
]


def all_at_once(session_id: str) -> None:
    start = Barrier(len(WRITES))

    def write(number: int) -> int:
        start.wait()
        return int(post(session_id, **WRITES[number][1])["statusCode"])

    with ThreadPoolExecutor(len(WRITES)) as pool:
        assert list(pool.map(write, range(len(WRITES)))) == [200] * len(WRITES)


def test_posts_to_a_new_session_never_lose_each_others_members() -> None:
    post("warm-up")
    for number in range(10):
        all_at_once(f"one-{number}")
        assert get(f"one-{number}") == info(f"one-{number}", **{name: "x" for name, _ in WRITES})


def test_posts_to_an_expired_session_never_lose_each_others_members(at: Clock) -> None:
    for number in range(10):
        post(f"one-{number}", {"visitId": "old"}, headers={"gkc_customerId": "old"})
    at.advance(days=30)
    times = {
        "createdAt": "2026-02-01T03:04:05.678Z",
        "updatedAt": "2026-02-01T03:04:05.678Z",
        "expiresAt": "2026-03-03T03:04:05.678Z",
    }
    for number in range(10):
        all_at_once(f"one-{number}")
        assert get(f"one-{number}") == info(f"one-{number}", **{name: "x" for name, _ in WRITES}, **times)


@pytest.mark.parametrize("ahead_of", [1, 2, 3])
def test_a_post_between_the_calls_of_another_is_not_lost(monkeypatch: pytest.MonkeyPatch, ahead_of: int) -> None:
    """Reading, changing and writing back would lose the one in between."""
    post("live", {"globalVisitId": "g"})
    for session_id in ("new-one", "live"):

        def other(session_id: str = session_id) -> dict[str, Any]:
            return post(session_id, headers={"gkc_customerId": "c"})

        with monkeypatch.context() as patch:
            calls = interrupted(patch, ahead_of, other)
            post(session_id, {"visitId": "v"})
        if len(calls) < ahead_of:
            other()
        found = get(session_id)["body"]
        assert (found["visitId"], found["customerId"]) == ("v", "c")
