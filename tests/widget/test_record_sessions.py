from itertools import permutations
from typing import Any

import pytest

from functions.widget import record_sessions
from infra.local.resources import Queue
from tests.sessions.watching import not_buried
from tests.widget.saves import client, record, references, saved, sessions

pytestmark = pytest.mark.usefixtures("aws")

POLICY = {
    "number": "P-1",
    "provider": "Example",
    "holder": {"firstName": "A", "lastName": "B", "id": "1", "phone": "2", "email": "a@example.com"},
    "validFrom": "2025-10-01",
    "validTo": "2026-09-30",
    "linkedContacts": [],
    "vehicle": {"licensePlate": "AB123CD"},
}


def statuses(user: str = "ana") -> list[str]:
    return [one["status"] for one in sessions(user)]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"time": "2026-01-02T00:00:00Z", "event_id": "9"}, {"time": "2026-01-02T00:00:00.000001Z", "event_id": "1"}),
        ({"time": "2026-01-02T09:00:00+09:00"}, {"time": "2026-01-02T00:00:01Z"}),
        ({"event_id": "1"}, {"event_id": "2"}),
        ({"event_id": "10"}, {"event_id": "9"}),
        ({"event_id": "a"}, {"event_id": "ab"}),
        ({"event_id": "a", "source": "/z"}, {"event_id": "b", "source": "/a"}),
    ],
)
def test_an_older_save_never_overwrites_a_newer_one(older: dict[str, str], newer: dict[str, str]) -> None:
    client()
    first, second = saved(status="old", **older), saved(status="new", **newer)
    for number, order in enumerate(([first, second], [second, first], [second, first, first, second])):
        record(*order)
        assert statuses() == ["new"], number
        for event in order:
            record(event)
        assert statuses() == ["new"], number


def test_several_saves_end_in_the_newest_in_any_order() -> None:
    client()
    users = ("ana", "ben", "ana", "eve")
    for number, order in enumerate(permutations(range(4))):
        for age in order:
            time = f"2026-01-02T00:00:0{age}Z"
            record(saved(f"LA-{number:02}", time=time, status=str(age), user=users[age]))

    assert statuses("eve") == ["3"] * 24
    assert references("ana") == references("ben") == []


def test_the_same_event_again_changes_nothing() -> None:
    client()
    record(saved(status="first"))
    record(saved(status="first"), saved(status="second"))

    assert statuses() == ["first"], "source and id name the event"


def test_a_session_moves_to_another_user_and_leaves_the_first() -> None:
    client()
    record(saved(time="2026-01-02T00:00:00Z"), saved("LA-OTHER", time="2026-01-02T00:00:00Z"))
    record(saved(user="ben", time="2026-01-03T00:00:00Z"))

    assert references("ana") == ["LA-OTHER"]
    assert references("ben") == ["LA-PE2VZ7RJD4"]

    record(saved(user="ana", time="2026-01-02T12:00:00Z"))
    assert references("ben") == ["LA-PE2VZ7RJD4"]


def test_a_session_may_move_in_time() -> None:
    client()
    record(saved("LA-1"), saved("LA-2", createdAt="2024-01-01T00:00:00Z"))
    assert references() == ["LA-2", "LA-1"]

    record(saved("LA-1", createdAt="2025-01-01T00:00:00Z", time="2026-02-01T00:00:00Z"))
    assert references() == ["LA-1", "LA-2"]


def test_a_save_replaces_the_whole_session() -> None:
    client()
    record(saved(camsReference="MIS/1", selectedPolicy=POLICY, time="2026-01-02T00:00:00Z"))
    assert sessions()[0]["selectedPolicy"] == POLICY

    record(saved(camsReference=None, selectedPolicy=None, time="2026-01-03T00:00:00Z"))
    assert (sessions()[0]["camsReference"], sessions()[0]["selectedPolicy"]) == (None, None)


def test_a_save_may_come_before_its_client_is_known() -> None:
    record(saved())
    client()

    assert references() == ["LA-PE2VZ7RJD4"]


def accepted(aws: dict[str, Queue], *events: Any) -> list[Any]:
    """Those of the events that are not buried."""
    return not_buried(record_sessions.handler, aws["widget"].dead_letter_url, events)


def test_what_the_answer_could_not_show_is_refused(aws: dict[str, Queue]) -> None:
    client()
    wrong: tuple[dict[str, Any], ...] = (
        {"reference": ""},
        {"reference": "x" * 129},
        {"reference": 1},
        {"reference": None},
        {"status": ""},
        {"status": None},
        {"status": "x" * 65},
        {"camsReference": 709006},
        {"camsReference": {}},
        {"date": None},
        {"date": "2023-11-27T14:52"},
        {"date": "2023-11-27"},
        {"date": 1701096720},
        {"date": "0001-01-01T00:00:00+00:01"},
        {"createdAt": "2023-11-27T14:52"},
        {"createdAt": "2023-11-27 14:52:00Z"},
        {"createdAt": "9999-12-31T23:59:59-00:01"},
        {"selectedPolicy": {}},
        {"selectedPolicy": []},
        {"colour": "red"},
        {"created_at": "2023-11-27T14:52:00Z"},
    )
    assert accepted(aws, *(saved(**members) for members in wrong)) == []
    assert references() == []


def test_a_policy_is_whole_and_nothing_else(aws: dict[str, Queue]) -> None:
    client()
    whole: dict[str, Any] = POLICY
    wrong = [
        *({name: value for name, value in whole.items() if name != left_out} for left_out in whole),
        *(whole | {name: None} for name in whole),
        *(whole | {"validFrom": date} for date in ("2023-13-01", "2023-2-1", "2023-02-29", "20230201", "x", 20230201)),
        whole | {"validTo": "2023-02-01T12:00:00Z"},
        whole | {"linkedContacts": [{"firstName": "A", "lastName": "B"}]},
        whole | {"linkedContacts": {}},
        whole | {"vehicle": {"sePlate": "AB123CD"}},
        whole | {"vehicle": {"licensePlate": "AB123CD", "colour": "red"}},
        whole | {"holder": whole["holder"] | {"id": 1}},
        whole | {"holder": whole["holder"] | {"first_name": "A"}},
        whole | {"colour": "red"},
    ]
    assert accepted(aws, *(saved(selectedPolicy=policy) for policy in wrong)) == []
    assert references() == []


@pytest.mark.parametrize("date", ["2023-10-01T00:00:00", "2023-10-01T00:00:00Z", "1696118400", "0", "-1"])
def test_a_date_is_written_as_the_contract_writes_it(aws: dict[str, Queue], date: str) -> None:
    assert accepted(aws, saved(selectedPolicy=POLICY | {"validFrom": date})) == []


def test_ids_have_bounds(aws: dict[str, Queue]) -> None:
    names: list[dict[str, Any]] = [
        {"clientId": ""},
        {"clientId": "x" * 129},
        {"clientId": None},
        {"userId": ""},
        {"userId": "x" * 257},
        {"userId": 7},
    ]
    data = saved()["data"]

    assert accepted(aws, *(saved() | {"data": data | name} for name in names)) == []


def test_the_longest_ids_are_recorded() -> None:
    long = {"client": "\U0001f600" * 128, "user": "\U0001f600" * 256}
    client(long["client"])
    record(saved("\U0001f600" * 128, **long))

    assert references(long["user"], by=long["client"]) == ["\U0001f600" * 128]
