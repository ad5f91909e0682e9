import json
from typing import Any

import pytest

from functions.widget import demonstration, list_user_sessions
from sessions import accounts, clock
from tests.proxy_events import request
from tests.sessions.watching import answer, aws_calls, operations, said
from tests.widget.saves import CLIENT, asked, client, listed, record, references, saved, sessions

pytestmark = pytest.mark.usefixtures("aws")

UNAUTHORIZED = answer(401, {"message": "Unauthorized"})
NO_SUCH_CLIENT = answer(404, {"message": "Client not found"})


def get(event: dict[str, Any]) -> dict[str, Any]:
    return said(list_user_sessions.handler(event, None))


def test_a_valid_key_for_a_client_that_does_not_exist_finds_nothing() -> None:
    client()

    for unknown in ("nobody", "INSURER", "insurer ", "x" * 300, "a/b", "\ufffd"):
        assert get(asked(of=unknown)) == NO_SUCH_CLIENT


def test_another_clients_key_is_refused() -> None:
    client()
    client("rival")
    record(saved())

    assert get(asked(by="rival", of=CLIENT)) == UNAUTHORIZED


def test_the_key_of_another_client_is_refused_where_that_client_is_disabled() -> None:
    client()
    client("rival")
    accounts.disable_account("widget", CLIENT, now=clock.now())

    assert get(asked(by="rival", of=CLIENT)) == UNAUTHORIZED


def test_a_key_that_is_not_the_bound_one_is_refused() -> None:
    client()
    record(saved())

    for authorizer, identity in (
        ({"account": CLIENT, "apiKeyId": "key-1"}, {"apiKeyId": "key-2"}),
        ({"account": CLIENT, "apiKeyId": "key-1"}, {"apiKeyId": None}),
        ({"account": CLIENT}, {"apiKeyId": "key-1"}),
    ):
        assert get(asked(authorizer=authorizer, identity=identity)) == UNAUTHORIZED


def test_a_refused_request_reads_no_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    client()
    client("rival")
    calls = aws_calls(monkeypatch)

    get(asked(by="rival", of=CLIENT))
    get(asked(by="rival", of="nobody"))

    assert operations(calls) == ["GetItem", "GetItem"]


def test_an_unexpected_failure_tells_no_internals(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(call: Any) -> None:
        raise RuntimeError("internals")

    aws_calls(monkeypatch, fail)

    assert get(asked()) == answer(500, {"message": "Internal server error", "requestId": "request-1"})


def test_an_unknown_user_has_an_empty_list() -> None:
    client()
    record(saved())

    for user in ("ben", "Ana", "ana ", "new"):
        assert listed(user) == answer(200, "[]")


def test_a_user_id_longer_than_any_has_an_empty_list() -> None:
    client()

    for user in ("x" * 257, "x" * 8000, "\U0001f600" * 257, "é" * 1500):
        assert listed(user) == answer(200, "[]")


def test_the_answer_is_a_bare_array_of_whole_sessions() -> None:
    record(*demonstration.events())

    assert listed(by=demonstration.ACCOUNT) == answer(
        200,
        '[{"reference":"LA-7QK0M3XW9C","date":"2024-02-03T08:15","camsReference":null,"status":"submitted",'
        '"createdAt":"2024-02-03T08:17","selectedPolicy":null},'
        '{"reference":"LA-PE2VZ7RJD4","date":"2023-11-27T14:52","camsReference":"MIS/709006","status":"submitted",'
        '"createdAt":"2023-11-27T14:52","selectedPolicy":{"number":"POL-2023-118","provider":"Example Mutual",'
        '"holder":{"firstName":"Ana","lastName":"Example","id":"H-1001","phone":"+390000000001",'
        '"email":"ana@example.com"},"validFrom":"2023-10-01","validTo":"2024-09-30",'
        '"linkedContacts":[{"firstName":"Ben","lastName":"Example","email":"ben@example.com"}],'
        '"vehicle":{"licensePlate":"AB123CD"}}}]',
    )


def test_the_members_come_in_the_order_of_the_contract_whatever_theirs_was() -> None:
    client()
    event = demonstration.events()[0]
    event["data"] = reversed_members(event["data"] | {"clientId": CLIENT})
    record(event)

    (found,) = sessions()
    assert list(found) == ["reference", "date", "camsReference", "status", "createdAt", "selectedPolicy"]
    policy = found["selectedPolicy"]
    assert list(policy) == ["number", "provider", "holder", "validFrom", "validTo", "linkedContacts", "vehicle"]
    assert list(policy["holder"]) == ["firstName", "lastName", "id", "phone", "email"]
    assert list(policy["linkedContacts"][0]) == ["firstName", "lastName", "email"]


def reversed_members(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: reversed_members(value[name]) for name in reversed(value)}
    return [reversed_members(member) for member in value] if isinstance(value, list) else value


def test_what_does_not_exist_yet_is_null() -> None:
    client()
    event = saved("LA-2")
    del event["data"]["session"]["camsReference"], event["data"]["session"]["selectedPolicy"]
    record(saved("LA-1"), event)

    assert [(one["camsReference"], one["selectedPolicy"]) for one in sessions()] == [(None, None)] * 2


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("2023-11-27T14:52:00Z", "2023-11-27T14:52"),
        ("2023-11-27T14:52:59.999999Z", "2023-11-27T14:52"),
        ("2023-11-27T14:52:00+02:00", "2023-11-27T12:52"),
        ("2023-11-27T00:10:00+05:45", "2023-11-26T18:25"),
        ("2023-12-31t23:59:00-00:01", "2024-01-01T00:00"),
        ("0099-01-01T00:00:00z", "0099-01-01T00:00"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00"),
    ],
)
def test_times_are_shown_in_utc_to_the_minute(sent: str, shown: str) -> None:
    client()
    record(saved(date=sent, createdAt=sent))

    assert [(one["date"], one["createdAt"]) for one in sessions()] == [(shown, shown)]


def test_the_newest_comes_first() -> None:
    client()
    moments = {
        "LA-1": "2024-02-01T00:00:00Z",
        "LA-2": "2024-02-01T00:30:00+01:00",
        "LA-3": "2024-03-01T00:00:00Z",
        "LA-4": "0001-01-01T00:00:00Z",
        "LA-5": "9999-12-31T23:59:00Z",
        "LA-6": "2024-01-31T23:31:00Z",
    }
    record(*(saved(reference, createdAt=moment) for reference, moment in moments.items()))

    assert references() == ["LA-5", "LA-3", "LA-1", "LA-6", "LA-2", "LA-4"]


def test_the_date_does_not_order() -> None:
    client()
    record(saved("LA-1", date="2024-01-01T00:00:00Z"), saved("LA-2", date="2025-01-01T00:00:00Z"))

    assert references() == ["LA-1", "LA-2"]


def test_sessions_of_one_minute_are_ordered_by_reference() -> None:
    client()
    record(
        saved("LA-B", createdAt="2024-01-01T00:00:01Z"),
        saved("LA-a", createdAt="2024-01-01T00:00:00Z"),
        saved("LA-A", createdAt="2024-01-01T00:00:00Z"),
        saved("LA-C", createdAt="2024-01-01T00:00:59Z"),
        saved("LA-AA", createdAt="2024-01-01T01:00:30+01:00"),
        saved("Ü", createdAt="2024-01-01T00:00:59Z"),
    )

    assert references() == ["LA-A", "LA-AA", "LA-B", "LA-C", "LA-a", "Ü"]


def test_any_user_id_works() -> None:
    client()
    users = [
        "ana@example.com",
        "ana+claims@example.com",
        "a/b",
        "a%2Fb",
        "100%",
        "üñï \U0001f600",
        "a b",
        "#?&=",
        "x" * 256,
    ]
    record(*(saved(f"LA-{number}", user=user) for number, user in enumerate(users)))

    assert [references(user) for user in users] == [[f"LA-{number}"] for number in range(len(users))]


@pytest.mark.parametrize(
    ("in_the_url", "user"),
    [
        ("ana%40example.com", "ana@example.com"),
        ("ana@example.com", "ana@example.com"),
        ("a%2Fb", "a/b"),
        ("a%2fb", "a/b"),
        ("a%252Fb", "a%2Fb"),
        ("100%25", "100%"),
        ("a+b", "a+b"),
        ("a%20b", "a b"),
        ("%C3%BC", "ü"),
    ],
)
def test_a_user_id_is_percent_decoded_once(in_the_url: str, user: str) -> None:
    client()
    record(saved(user=user))
    event = asked()
    event["pathParameters"]["userId"] = in_the_url

    assert [one["reference"] for one in get(event)["body"]] == ["LA-PE2VZ7RJD4"]


def test_a_user_id_that_is_no_utf_8_is_unknown() -> None:
    client()
    event = asked()
    event["pathParameters"]["userId"] = "%FF%FE"

    assert get(event) == answer(200, [])


@pytest.mark.parametrize("name", ["a/b", "müller & söhne", "a%2Fb", "ops@example.com", "x" * 128])
def test_any_client_id_works(name: str) -> None:
    client(name)
    record(saved(client=name))

    assert references(by=name) == ["LA-PE2VZ7RJD4"]


def test_clients_with_the_same_references_and_users_do_not_meet() -> None:
    client()
    client("rival")
    record(saved(status="mine"), saved(client="rival", status="theirs"))

    assert [one["status"] for one in sessions()] == ["mine"]
    assert [one["status"] for one in sessions(by="rival")] == ["theirs"]


def test_client_and_user_are_kept_apart() -> None:
    names = [("a", "bc"), ("ab", "c"), ("1:a", "b"), ("1", ":ab"), ("a#b", "c"), ("a", "b#c"), ("11", "1"), ("1", "11")]
    for name in dict(names):
        client(name)
    record(*(saved(f"LA-{number}", client=name, user=user) for number, (name, user) in enumerate(names)))

    assert [references(user, by=name) for name, user in names] == [[f"LA-{number}"] for number in range(len(names))]


def test_a_list_costs_one_query(monkeypatch: pytest.MonkeyPatch) -> None:
    client()
    record(*(saved(f"LA-{number:02}") for number in range(30)))
    calls = aws_calls(monkeypatch)

    assert len(sessions()) == 30
    assert operations(calls) == ["Query"]
    assert listed("nobody") == answer(200, "[]")
    assert operations(calls) == ["Query", "Query"]


@pytest.mark.parametrize(
    "more",
    [
        {"query": {"limit": ["1"], "page": ["2"], "": [""], "before": ["x"], "fields": ["reference"]}},
        {"headers": {"Content-Type": "application/json", "Content-Length": "0", "Accept": "*/*"}},
        {"headers": {"Content-Type": "text/odd", "Accept": "application/xml"}},
        {"body": "", "headers": {"Content-Type": "application/json"}},
        {"body": "{"},
    ],
)
def test_what_real_clients_send_besides_changes_nothing(more: dict[str, Any]) -> None:
    client()
    record(saved("LA-1"), saved("LA-2"))

    assert list_user_sessions.handler(asked(**more), None) == listed()
    assert references() == ["LA-1", "LA-2"]


def test_without_an_authorizer_nobody_is_let_in() -> None:
    client()
    record(saved())
    event = request(path={"clientId": CLIENT, "userId": "ana"}, headers={"x-api-key": "k"})

    assert get(event) == answer(500, {"message": "Internal server error", "requestId": "request-1"})


def test_texts_come_out_as_they_went_in() -> None:
    client()
    odd = 'a"b\\c\n\t\u0000\u001f/</script>ü\U0001f600\u2028'
    record(saved(status="x", camsReference=odd))

    assert [one["camsReference"] for one in sessions()] == [odd]
    assert json.loads(json.dumps(listed()))["body"] == listed()["body"]
