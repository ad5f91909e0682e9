"""Pages of other origins may see every answer of the handlers, errors included, where the setting allows theirs."""

from typing import Any

import pytest

from tests.knowledge.calls import get, post, put
from tests.sessions.watching import aws_calls

JSON = {"Content-Type": "application/json"}
ORIGIN = "https://kb.example"
LIST = "https://kb.example,https://other.example:8443"


def every_answer(monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]) -> list[dict[str, Any]]:
    """An answer of each status, to requests with these headers."""
    answers = [
        put(headers=headers),
        post("one", headers=headers),
        get("one", headers=headers),
        get("unknown", headers=headers),
        put("[]", headers=headers),
        post("new", headers=headers),
        get("a b", headers=headers),
        post("one", "x" * 8193, headers=headers),
    ]

    def fail(call: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        aws_calls(patch, fail)
        answers += [put(headers=headers), post("one", headers=headers), get("one", headers=headers)]
    assert [one["statusCode"] for one in answers] == [200, 200, 200, 404, 400, 400, 400, 413, 500, 500, 500]
    return answers


@pytest.mark.usefixtures("aws")
def test_by_default_any_origin_sees_every_answer_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for headers in ({"Origin": ORIGIN}, {"origin": "null"}, {}):
        for given in every_answer(monkeypatch, headers):
            assert given["headers"] == JSON | {"Access-Control-Allow-Origin": "*"}


@pytest.mark.usefixtures("aws")
def test_an_origin_of_the_list_sees_every_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNOWLEDGE_ALLOWED_ORIGINS", LIST)

    for headers in ({"Origin": ORIGIN}, {"origin": "https://other.example:8443"}):
        for given in every_answer(monkeypatch, headers):
            (origin,) = headers.values()
            assert given["headers"] == JSON | {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


@pytest.mark.usefixtures("aws")
def test_another_origin_sees_no_answer_of_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNOWLEDGE_ALLOWED_ORIGINS", LIST)

    for given in every_answer(monkeypatch, {"Origin": "https://evil.example"}):
        assert given["headers"] == JSON | {"Vary": "Origin"}
    for origin in ("", "null", "*", "http://kb.example", "https://kb.example:443", "https://kb.example.evil", LIST):
        assert get("unknown", headers={"Origin": origin})["headers"] == JSON | {"Vary": "Origin"}
    assert get("unknown")["headers"] == JSON | {"Vary": "Origin"}
