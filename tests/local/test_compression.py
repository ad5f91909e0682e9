"""Longer answers go out as gzip to callers that take it, as API Gateway's `minimumCompressionSize` has it."""

import gzip
import json
from http.client import HTTPConnection, HTTPResponse

import pytest

from tests.accounts import Headers
from tests.platform import Platform

PAGE = "/api/admin/v2/sessions?count=20"


def get(platform: Platform, target: str, headers: Headers) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", platform.port, timeout=30)
    connection.putrequest("GET", target, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP", "deflate,gzip;q=0.5", "gzip; q=1.000"])
def test_a_page_is_packed_for_who_takes_gzip(platform: Platform, retailer: Headers, accepted: str) -> None:
    plain, body = get(platform, PAGE, retailer)
    packed, sent = get(platform, PAGE, retailer | {"Accept-Encoding": accepted})
    assert (plain.status, packed.status) == (200, 200)
    assert plain.getheader("Content-Encoding") is None
    assert packed.getheader("Content-Encoding") == "gzip"
    assert packed.getheader("Content-Length") == str(len(sent))
    assert len(sent) < len(body) / 3
    assert json.loads(gzip.decompress(sent))["data"] == json.loads(body)["data"]


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "gzip;q=0.000", "xgzip", "gzip;q=", "gzip;q=x"])
def test_a_page_is_sent_as_it_is_to_others(platform: Platform, retailer: Headers, accepted: str) -> None:
    answer, body = get(platform, PAGE, retailer | {"Accept-Encoding": accepted})
    assert (answer.status, answer.getheader("Content-Encoding")) == (200, None)
    assert json.loads(body)["data"]


def test_a_short_answer_is_sent_as_it_is(platform: Platform) -> None:
    answer, body = get(platform, PAGE, {"Accept-Encoding": "gzip"})
    assert (answer.status, answer.getheader("Content-Encoding")) == (401, None)
    assert json.loads(body)
