"""Who was erased is known from then on, for what happened before, and to nobody else."""

from datetime import UTC, datetime, timedelta

import pytest

from sessions import accounts, dynamodb, erasures
from sessions.erasures import Person, has_erased, remember
from tests.sessions.watching import aws_calls, logged, operations, stored

pytestmark = pytest.mark.usefixtures("aws")

THEN = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
ANA = Person("acme", "ana")
OTHERS = [Person("acme", "ben"), Person("other", "ana"), Person(None, "ana"), Person("acm", "eana"), Person("a", "na")]
INSTANT = timedelta(microseconds=1)


def test_nobody_is_erased_at_first() -> None:
    assert not has_erased("widget", ANA, at=THEN)


def test_what_happened_up_to_the_erasure_is_to_be_ignored_and_what_happens_later_is_not() -> None:
    remember("widget", ANA, until=THEN)
    assert has_erased("widget", ANA, at=datetime(1, 1, 1, tzinfo=UTC))
    assert has_erased("widget", ANA, at=THEN)
    assert not has_erased("widget", ANA, at=THEN + INSTANT)


def test_others_are_not_erased() -> None:
    remember("widget", ANA, until=THEN)
    assert not any(has_erased("widget", other, at=THEN) for other in OTHERS)
    assert not has_erased("device", ANA, at=THEN)


def test_an_erasure_is_never_taken_back() -> None:
    for until in (THEN, THEN - INSTANT, THEN + INSTANT, THEN):
        remember("widget", ANA, until=until)
    assert has_erased("widget", ANA, at=THEN + INSTANT)
    assert not has_erased("widget", ANA, at=THEN + 2 * INSTANT)
    assert len(stored("widget-erasures")) == 1


def test_nothing_that_is_noted_names_the_person(caplog: pytest.LogCaptureFixture) -> None:
    remember("device", Person(None, "8988216716970004975"), until=THEN)
    assert has_erased("device", Person(None, "8988216716970004975"), at=THEN)
    (noted,) = stored("device-erasures")
    assert noted.keys() == {"person", "until"}
    assert len(noted["person"]["S"]) == 64
    assert caplog.messages == ["event of an erased person ignored"]
    assert "8988216716970004975" not in logged(caplog)


def test_who_has_the_note_alone_cannot_try_all_numbers() -> None:
    """Under another key, the same person is noted otherwise."""
    noted = []
    for _ in range(2):
        remember("widget", ANA, until=THEN)
        noted += [item["person"]["S"] for item in stored("widget-erasures")]
        dynamodb.delete(accounts.TABLE, {"partition": "erasures#widget", "sort": "key"})
        dynamodb.delete(erasures.table("widget"), {"person": noted[-1]})
        erasures._keys.clear()
    assert noted[0] != noted[1]


def test_a_look_costs_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of a process one more, for the key."""
    calls = aws_calls(monkeypatch)
    has_erased("widget", ANA, at=THEN)
    assert operations(calls) == ["GetItem"]
    remember("widget", ANA, until=THEN)
    for read in (2, 1, 1):
        calls.clear()
        assert has_erased("widget", ANA, at=THEN)
        assert operations(calls) == ["GetItem"] * read
    assert all(call["ConsistentRead"] for _, call in calls)


def test_two_who_erase_at_once_have_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    other = [Person("acme", "ben")]

    def meanwhile(call: tuple[str, object]) -> None:
        if call[0] == "PutItem" and other:
            remember("widget", other.pop(), until=THEN)

    aws_calls(monkeypatch, meanwhile)
    remember("widget", ANA, until=THEN)
    assert has_erased("widget", ANA, at=THEN)
    assert has_erased("widget", Person("acme", "ben"), at=THEN)
