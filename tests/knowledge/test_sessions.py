import json
import re
from typing import Any

import pytest

from functions.knowledge import associate_session, create_session, get_session
from tests.conftest import Clock
from tests.knowledge.calls import NOT_FOUND, SHARED, get, info, post, put, refused
from tests.proxy_events import request
from tests.sessions.watching import answer, aws_calls, operations, stored

pytestmark = pytest.mark.usefixtures("aws", "at")

TABLE = "knowledge-sessions"
FORBIDDEN = [*" !\"#$%&'()*+,/:;<=>?@[\\]^`{|}\x00\n\x7f", "é", "\U0001f600", "\ufffd", "٣", "\uff21"]
BAD_ID = refused("sessionId must be 1 to 128 of A-Z a-z 0-9 . _ ~ -")


def test_an_unknown_session_is_not_found_and_not_created() -> None:
    for unknown in ("visitor-1", "x" * 128, "a", "new", "..", "00000000-0000-0000-0000-000000000000"):
        assert get(unknown, headers={"gkc_agentId": "a", "gkc_customerId": "c"}) == NOT_FOUND
    assert stored(TABLE) == []


def test_a_created_session_has_what_the_request_brought() -> None:
    created = put({"visitId": "v", "globalVisitId": "g"}, headers={"gkc_agentId": "a", "gkc_customerId": "c"})

    session_id = created["body"]["sessionId"]
    assert created == info(session_id, agentId="a", customerId="c", visitId="v", globalVisitId="g")
    assert get(session_id) == created


def test_a_session_may_be_created_with_nothing() -> None:
    created = put()

    assert created == info(created["body"]["sessionId"])
    assert get(created["body"]["sessionId"]) == created


def test_the_members_come_in_one_order() -> None:
    order = ["sessionId", "agentId", "customerId", "visitId", "globalVisitId", "createdAt", "updatedAt", "expiresAt"]
    headers = {"gkc_customerId": "c", "gkc_agentId": "a"}

    assert list(put({"globalVisitId": "g", "visitId": "v"}, headers=headers)["body"]) == order
    assert list(post("one", {"globalVisitId": "g", "visitId": "v"}, headers=headers)["body"]) == order
    assert list(post("one", {"visitId": "w"})["body"]) == order
    assert list(get("one")["body"]) == order


def test_an_id_is_unguessable(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [put()["body"]["sessionId"] for _ in range(100)]

    assert len(set(made)) == 100
    assert all(re.fullmatch("[A-Za-z0-9._~-]{22,128}", one) for one in made)  # 22 of 64 letters: 132 bits
    assert all(len({one[place] for one in made}) > 5 for place in range(22)), "every letter varies"

    asked_for: list[int] = []

    def sevens(size: int) -> bytes:
        asked_for.append(size)
        return b"\x07" * size

    monkeypatch.setattr("os.urandom", sevens)
    monkeypatch.setattr("secrets.token_bytes", sevens)
    put()
    assert max(asked_for) >= 16, "128 random bits, from the generator for secrets"


def test_a_client_may_bring_the_id() -> None:
    every_letter = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-"
    for brought in ("a", "x" * 128, every_letter, ".", "..", "~", "-", "New", "NEW", "news", "not-a-uuid"):
        assert post(brought, {"visitId": brought}) == info(brought, visitId=brought)
        assert get(brought) == info(brought, visitId=brought)


def test_an_unknown_id_creates_a_session_associated_at_once() -> None:
    made = post("visitor-1", {"visitId": "v", "globalVisitId": "g"}, headers={"gkc_customerId": "c"})

    assert made == info("visitor-1", customerId="c", visitId="v", globalVisitId="g")
    assert get("visitor-1") == made


def test_ids_that_differ_in_case_are_different() -> None:
    post("visitor", {"visitId": "1"})

    assert get("Visitor") == NOT_FOUND


def test_an_id_of_other_characters_or_lengths_is_refused() -> None:
    bad = ["x" * 129, "x" * 10_000, *FORBIDDEN, *(f"a{character}b" for character in FORBIDDEN), "a\n"]
    for brought in bad:
        assert post(brought, {"visitId": "v"}) == BAD_ID, brought
        assert get(brought) == BAD_ID, brought
    assert stored(TABLE) == []


def test_an_id_is_percent_decoded_before_it_is_checked() -> None:
    for in_the_url, meant in (("%61%2D1", "a-1"), ("a%7Eb", "a~b")):
        event = request(body='{"visitId": "v"}') | {"pathParameters": {"sessionId": in_the_url}}
        assert json.loads(associate_session.handler(event, None)["body"])["sessionId"] == meant
        assert json.loads(get_session.handler(event, None)["body"])["sessionId"] == meant
    for in_the_url in ("a%2Fb", "a%252Db", "%FF", "a%00"):
        event = request() | {"pathParameters": {"sessionId": in_the_url}}
        assert get_session.handler(event, None)["statusCode"] == 400


def test_no_session_has_the_reserved_id() -> None:
    assert post("new", {"visitId": "v"}) == refused("sessionId must not be new")
    assert get("new") == NOT_FOUND
    assert stored(TABLE) == []


def test_the_last_value_wins_and_absent_values_stay(at: Clock) -> None:
    post("one", {"visitId": "1", "globalVisitId": "1"}, headers={"gkc_customerId": "1", "gkc_agentId": "1"})
    at.advance(seconds=1)
    times = {"updatedAt": "2026-01-02T03:04:06.678Z", "expiresAt": "2026-02-01T03:04:06.678Z"}

    known = {"agentId": "1", "customerId": "1", "visitId": "1", "globalVisitId": "1"}
    changes: list[tuple[dict[str, str], dict[str, str], dict[str, str]]] = [
        ({"visitId": "2"}, {}, {"visitId": "2"}),
        ({}, {"gkc_customerId": "3"}, {"customerId": "3"}),
        ({"globalVisitId": "4"}, {"gkc_agentId": "4"}, {"globalVisitId": "4", "agentId": "4"}),
        ({"visitId": ""}, {"gkc_agentId": ""}, {"visitId": ""}),
        ({}, {}, {}),
    ]
    for body, headers, changed in changes:
        known |= changed
        assert post("one", body, headers=headers) == info("one", **known, **times)
        assert get("one") == info("one", **known, **times)


def test_a_created_session_may_be_associated_later() -> None:
    session_id = put({"visitId": "v"})["body"]["sessionId"]

    assert post(session_id, headers={"gkc_customerId": "c"}) == info(session_id, visitId="v", customerId="c")


def test_a_post_changes_no_other_session() -> None:
    post("one", {"visitId": "1"})
    post("two", {"visitId": "2"})

    assert get("one") == info("one", visitId="1")


def test_a_get_changes_nothing(at: Clock) -> None:
    post("one", {"visitId": "1"}, headers={"gkc_customerId": "c"})
    before = stored(TABLE)
    at.advance(days=1)

    for headers in ({"gkc_agentId": "x", "gkc_customerId": "x"}, {"gkc_customerId": "x" * 300}):
        assert get("one", {"visitId": "2"}, headers=headers) == info("one", visitId="1", customerId="c")
    assert stored(TABLE) == before


@pytest.mark.parametrize(
    "more",
    [
        {"multiValueQueryStringParameters": {"tenantId": ["7"], "visitId": ["x"], "new": [""]}},
        {"headers": {"Content-Type": "application/json", "Content-Length": "0", "Accept": "*/*"}},
        {"headers": {"content-type": "text/odd; charset=latin-1"}},
        {"headers": {"Content-Type": ""}},
        {"headers": None},
    ],
)
def test_what_real_clients_send_besides_changes_nothing(more: dict[str, Any]) -> None:
    assert post("one", **more) == info("one")
    assert post("one", {"visitId": "v"}, **more) == info("one", visitId="v")
    assert get("one", **more) == info("one", visitId="v")
    created = put({"visitId": "v"}, **more)
    assert created == info(created["body"]["sessionId"], visitId="v")


def test_header_names_have_no_case() -> None:
    for number, name in enumerate(("gkc_customerId", "gkc_customerid", "GKC_CUSTOMERID")):
        assert post(f"one-{number}", headers={name: "c"}) == info(f"one-{number}", customerId="c")


def test_texts_come_out_as_they_went_in() -> None:
    odd = 'a"b\\c\n\u0000\u2028</script>ü\U0001f600'

    assert post("one", {"visitId": odd}, headers={"gkc_customerId": 'a"\\b'}) == info(
        "one", visitId=odd, customerId='a"\\b'
    )
    assert get("one") == info("one", visitId=odd, customerId='a"\\b')


def test_every_request_costs_one_call(at: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = aws_calls(monkeypatch)

    put({"visitId": "v"})
    assert operations(calls) == ["PutItem"]
    calls.clear()
    post("one", {"visitId": "v"})
    assert operations(calls) == ["UpdateItem"]
    calls.clear()
    post("one", {"visitId": "w"}, headers={"gkc_agentId": "a"})
    assert operations(calls) == ["UpdateItem"]
    calls.clear()
    get("one")
    get("unknown")
    assert operations(calls) == ["GetItem", "GetItem"]

    at.advance(days=31)
    calls.clear()
    post("one", {"visitId": "x"})
    assert operations(calls) == ["UpdateItem", "PutItem"]


def test_a_read_sees_what_was_just_written(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = aws_calls(monkeypatch)

    get("one")
    assert calls[0][1]["ConsistentRead"] is True


def test_a_refused_request_costs_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = aws_calls(monkeypatch)

    put([])
    post("one", [])
    post("a b")
    post("new")
    get("a b")

    assert calls == []


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_setting_wraps_session_info(monkeypatch: pytest.MonkeyPatch, wrapped: bool) -> None:
    monkeypatch.setenv("KNOWLEDGE_RESPONSE_WRAPPED", "true" if wrapped else "false")
    plain = info("one", visitId="v")
    wanted = plain | {"body": {"response": plain["body"]}} if wrapped else plain

    assert post("one", {"visitId": "v"}) == wanted
    assert get("one") == wanted
    assert set(put()["body"]) == ({"response"} if wrapped else set(plain["body"]))
    assert get("unknown") == NOT_FOUND


def test_an_unexpected_failure_tells_no_internals(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(call: Any) -> None:
        raise RuntimeError("internals")

    aws_calls(monkeypatch, fail)
    wanted = answer(500, {"code": "INTERNAL_ERROR", "description": "Internal error, request id request-1"}, **SHARED)

    assert put() == wanted
    assert post("one") == wanted
    assert get("one") == wanted


def test_the_credential_is_the_id_alone() -> None:
    """No role is asked for, whatever the request says of its caller."""
    post("one", {"visitId": "v"})
    event = request(path={"sessionId": "one"}, headers={"Authorization": "Basic x"}, authorizer={"account": "nobody"})

    assert json.loads(get_session.handler(event, None)["body"])["visitId"] == "v"
    assert create_session.handler(event, None)["statusCode"] == 200
