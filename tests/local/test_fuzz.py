"""Requests as nobody would write them: the answer is never a failure, and always in the dialect of its path."""

import json

from hypothesis import HealthCheck, given, settings, strategies

from tests.accounts import Headers
from tests.answers import Client
from tests.platform import Platform

METHODS = ["GET", "GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "PROPFIND", "SEARCH"]
NAMES = ["Accept", "Content-Type", "Origin", "gkc_agentId", "gkc_customerId", "X-Other", "Cookie", "Range", "Referer"]
CREDENTIALS = ["Authorization", "x-api-key"]
WORDS = """rws api v1 v2 devices sessionInfo 8988216716970004983 sessions new generated demo-insurer ana
    %2F %FF %00 %E2%82%AC %25 % %zz %u20ac . .. ;a=b * : @ & admin""".split()  # noqa: SIM905

STARTS = ["sessions/", "sessions/new", "demo-insurer/sessions/", "rws/api/v1/devices/"]
STARTS += ["api/admin/v2/sessions", "api/admin/v2/sessions?after=", "api/admin/v2/sessions?minCreatedAt=2025-06"]

_visible = strategies.characters(min_codepoint=0x21, max_codepoint=0x7E)
_latin = strategies.characters(codec="latin-1", exclude_categories=["Cc"])
_segments = strategies.lists(strategies.sampled_from(["", *WORDS]) | strategies.text(_visible, max_size=8), max_size=7)
_paths = strategies.one_of(
    _segments.map("/".join),
    strategies.text(_visible, max_size=60),
    strategies.sampled_from(STARTS).flatmap(
        lambda start: strategies.text(_visible, max_size=20).map(lambda rest: start + rest)
    ),
)
_queries = strategies.just("") | strategies.text(_visible, max_size=40).map(lambda text: f"?{text}")
_targets = strategies.builds("/{}{}".format, _paths, _queries)
_values = strategies.text(_latin, max_size=300).map(str.strip)
_headers = strategies.lists(strategies.tuples(strategies.sampled_from(NAMES + CREDENTIALS), _values), max_size=4)
_bodies = strategies.none() | strategies.binary(max_size=300) | strategies.just(b"x" * 9000)


def test_whatever_comes_is_answered_in_a_dialect(
    platform: Platform, insurer: Headers, fleet: Headers, retailer: Headers
) -> None:
    known = strategies.sampled_from([list((insurer | one).items()) for one in (fleet, retailer)])
    with Client(platform.base_url) as http:

        @settings(
            max_examples=600, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
        )
        @given(strategies.sampled_from(METHODS), _targets, _headers, _bodies, strategies.none() | known)
        def check(
            method: str,
            target: str,
            headers: list[tuple[str, str]],
            body: bytes | None,
            credentials: list[tuple[str, str]] | None,
        ) -> None:
            own = headers
            if credentials is not None:
                own = [one for one in headers if one[0] not in CREDENTIALS] + credentials
            assert http.request(method, target, own, body).status < 500

        check()


def test_session_data_of_any_text_comes_back_as_it_was(platform: Platform) -> None:
    texts = strategies.text(max_size=256)
    with Client(platform.base_url) as http:

        @settings(max_examples=100, derandomize=True, database=None, deadline=None)
        @given(texts, texts)
        def check(visit: str, global_visit: str) -> None:
            body = json.dumps({"visitId": visit, "globalVisitId": global_visit}, ensure_ascii=False)
            answer = http.put("/sessions/new", {}, body.encode())
            assert answer.status == 200
            assert (answer.json["visitId"], answer.json["globalVisitId"]) == (visit, global_visit)
            assert http.get(f"/sessions/{answer.json['sessionId']}").json == answer.json

        check()
