"""What real clients send besides what is published: none of it changes an answer."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.accounts import Headers
from tests.answers import Client
from tests.apis.differences import HEADERS
from tests.platform import Target

ANA = "/demo-insurer/sessions/ana"
DEVICE = "/rws/api/v1/devices/8988216716970004983/sessionInfo"
STORE = "/api/admin/v2/sessions"
ODDITIES = [
    {"Content-Type": "application/json", "Content-Length": "0"},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Type": "nonsense"},
    {"Content-Type": ""},
    {"Accept": "*/*"},
    {"Accept": "text/html, image/gif, *; q=.2"},
    {"Accept-Encoding": "gzip, br", "User-Agent": "", "Connection": "keep-alive"},
    {"Expect": "100-continue", "Content-Length": "0"},
    {"Cookie": "a=b", "Cache-Control": "no-cache", "X-Forwarded-Proto": "https"},
]
QUERIES = ["", "?", "?tenantId=1", "?a=1&a=2&b", "?=&&&", "?%zz=%", "?page=1&size=9999#top", "?x=" + "y" * 2000]


@pytest.mark.parametrize("oddity", ODDITIES)
def test_headers_of_a_get_change_nothing(
    http: Client, insurer: Headers, fleet: Headers, retailer: Headers, oddity: Headers
) -> None:
    session = http.post("/sessions/odd-headers")
    assert http.get("/sessions/odd-headers", oddity).json == session.json
    assert http.get(ANA, insurer | oddity).json == http.get(ANA, insurer).json
    assert http.get(DEVICE, fleet | oddity).json == http.get(DEVICE, fleet).json
    assert http.get(STORE, retailer | oddity).json == http.get(STORE, retailer).json


@pytest.mark.parametrize("query", QUERIES)
def test_unknown_query_parameters_change_nothing(
    http: Client, insurer: Headers, fleet: Headers, retailer: Headers, query: str
) -> None:
    session = http.post("/sessions/odd-queries" + query)
    assert session.status == 200
    assert http.get("/sessions/odd-queries" + query).json == session.json
    assert http.put("/sessions/new" + query).status == 200
    assert http.get(ANA + query, insurer).json == http.get(ANA, insurer).json
    assert http.get(DEVICE + query, fleet).json == http.get(DEVICE, fleet).json
    assert http.get(STORE + query, retailer).json == http.get(STORE, retailer).json


@pytest.mark.parametrize("oddity", [{}, *ODDITIES])
def test_a_put_or_post_needs_no_body(http: Client, oddity: Headers) -> None:
    for answer in (http.put("/sessions/new", oddity), http.post("/sessions/no-body", oddity)):
        assert answer.status == 200
        members = ("agentId", "customerId", "visitId", "globalVisitId")
        assert [answer.json[name] for name in members] == [None] * 4


@pytest.mark.parametrize("body", ["", " \r\n", "{}", '{"other": [1]}'])
@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json; charset=utf-8", "*/*"])
def test_an_empty_body_of_any_type_sets_nothing(http: Client, body: str, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    before = http.post("/sessions/empty-body", {"gkc_customerId": "c"}, '{"visitId": "v"}').json
    answer = http.post("/sessions/empty-body", headers, body)
    assert answer.status == 200
    assert answer.json == before | {name: answer.json[name] for name in ("updatedAt", "expiresAt")}


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_a_body_counts_whatever_its_type(http: Client, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = http.put("/sessions/new", headers, '{"visitId": "v-1", "globalVisitId": "\\u20ac \u20ac"}')
    assert answer.status == 200
    assert (answer.json["visitId"], answer.json["globalVisitId"]) == ("v-1", "\u20ac \u20ac")


def test_a_body_may_come_in_chunks(http: Client) -> None:
    chunks = b'5\r\n{"vis\r\n9\r\nitId":"v"\r\n1\r\n}\r\n0\r\n\r\n'
    answer = http.post("/sessions/chunks", {"Transfer-Encoding": "chunked"}, chunks)
    assert (answer.status, answer.json["visitId"]) == (200, "v")


def test_a_get_changes_no_session_whatever_headers_it_carries(http: Client) -> None:
    before = http.post("/sessions/untouched", {"gkc_customerId": "c"}).json
    for body in (None, '{"visitId": "x"}', "[]"):
        answer = http.request("GET", "/sessions/untouched", {"gkc_agentId": "a", "gkc_customerId": "d"}, body)
        assert (answer.status, answer.json) == (200, before)


def test_members_that_callers_set_at_once_are_all_kept(apis: Target) -> None:
    def set_one(member: str) -> int:
        with Client(apis.base_url, paths=apis.paths) as http:
            return http.post("/sessions/shared-by-four", {}, member).status

    members = ['{"visitId": "v"}', '{"globalVisitId": "g"}'] * 4
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(set_one, members)) == {200}
    with Client(apis.base_url, paths=apis.paths) as http:
        found = http.get("/sessions/shared-by-four").json
    assert (found["visitId"], found["globalVisitId"]) == ("v", "g")


@HEADERS.mark
def test_the_last_of_a_repeated_header_counts(http: Client) -> None:
    answer = http.put("/sessions/new", [("gkc_customerId", "first"), ("GKC_CUSTOMERID", "second")])
    assert (answer.status, answer.json["customerId"]) == (200, "second")
