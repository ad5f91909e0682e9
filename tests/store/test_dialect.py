from typing import Any

from functions.store import cursor, dialect, parameters
from functions.store.cursor import Position
from functions.store.ordering import place
from functions.store.parameters import Fault
from functions.store.query import Query
from tests.proxy_events import request
from tests.sessions.watching import answer, said


def test_a_page_has_its_sessions_as_they_are_stored() -> None:
    given = dialect.page(Query(), ['{"id":"1", "n":1e2}', '{"id":"2"}'], None, None)

    assert given == {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": '{"data":[{"id":"1", "n":1e2},{"id":"2"}],"pagination":{"previous":null,"next":null}}',
    }


def test_a_page_leads_to_its_neighbours() -> None:
    first, last = Position(place("code", "a", 1)), Position(place("code", "b", 2), inclusive=True)
    query = Query(count=7, order_by="code", direction="desc")

    expected: Any = {
        "data": [],
        "pagination": {
            "previous": {"count": 7, "before": cursor.write("code", first), "direction": "desc"},
            "next": {"count": 7, "after": cursor.write("code", last), "direction": "desc"},
        },
    }
    assert said(dialect.page(query, [], first, last)) == answer(200, expected)


def test_an_invalid_request_is_told_all_its_faults() -> None:
    faults = [Fault("count", "number.base", '"count" must be a number'), Fault("id", "number.unsafe", '"id" must …')]

    assert said(dialect.invalid(faults)) == answer(
        422,
        {
            "message": "The request has invalid parameters",
            "type": "E_INVALID_BODY",
            "errors": [
                {"error": '"count" must be a number', "rule": "number.base", "field": '"count"'},
                {"error": '"id" must …', "rule": "number.unsafe", "field": '"id"'},
            ],
        },
    )


def test_an_unknown_session_to_begin_at_is_a_fault() -> None:
    error = {
        "error": '"after" must be the id of a session, or a cursor of this ordering',
        "rule": "any.invalid",
        "field": '"after"',
    }
    body = {"message": "The request has invalid parameters", "type": "E_INVALID_BODY", "errors": [error]}
    assert said(dialect.invalid([parameters.unknown_session("after")])) == answer(422, body)


def test_a_failure_has_the_requests_id_and_no_faults() -> None:
    failed = {"message": "Internal error, request id request-1", "type": "E_INTERNAL", "errors": []}
    assert said(dialect.internal_error(request())) == answer(500, failed)
