"""What may stand in the request line, beside a path."""

from tests.answers import Client
from tests.platform import Platform

NO_SESSION = {"code": "SESSION_NOT_FOUND", "description": "Session not found"}


def test_a_whole_url_may_stand_in_the_request_line(http: Client, platform: Platform) -> None:
    answer = http.get(f"{platform.base_url}/sessions/absolute")
    assert (answer.status, answer.json) == (404, NO_SESSION)
    assert http.request("OPTIONS", "*").status == 404
