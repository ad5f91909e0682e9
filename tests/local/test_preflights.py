"""What the local gateway's server does with an answer that has no body."""

from tests.answers import Client


def test_an_answer_without_a_body_has_no_length(http: Client) -> None:
    """RFC 9110, 8.6: a server sends no `Content-Length` with a 204."""
    answer = http.request("OPTIONS", "/sessions/new")
    assert (answer.status, answer.body) == (204, b"")
    assert "content-length" not in answer.headers
