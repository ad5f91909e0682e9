"""What a PUT or a POST may carry. What is refused, is refused before any table is asked: most need none."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from infra import families
from tests.knowledge.calls import TOO_LARGE, info, post, put, refused

NOT_AN_OBJECT = refused("body must be a JSON object")
LIMIT = 8192

Send = Callable[..., dict[str, Any]]


def post_one(*arguments: Any, **more: Any) -> dict[str, Any]:
    return post("one", *arguments, **more)


both = pytest.mark.parametrize("send", [put, post_one])


@pytest.fixture
def knowledge(monkeypatch: pytest.MonkeyPatch) -> None:
    """The family's settings, and no AWS."""
    for name, value in families.load("knowledge").variables().items():
        monkeypatch.setenv(name, value)


def in_base64(body: bytes) -> dict[str, Any]:
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def of_size(size: int, letter: str = "x") -> str:
    """A JSON object of so many bytes in UTF-8, that sets nothing."""
    frame = len('{"padding": ""}')
    letters = (size - frame) // len(letter.encode())
    text = f'{{"padding": "{letter * letters}"}}'
    return text + " " * (size - len(text.encode()))


@both
@pytest.mark.usefixtures("knowledge")
def test_a_body_that_is_no_json_object_is_refused(send: Send) -> None:
    for body in (
        "null",
        "true",
        "7",
        "-1.5e3",
        '"text"',
        "[]",
        '[{"visitId": "v"}]',
        "x",
        "{",
        "{}}",
        "{} {}",
        "{'visitId': 'v'}",
        '{"visitId": "v",}',
        '{visitId: "v"}',
        '{"visitId": "a\nb"}',
        "visitId=v",
        "<visitId/>",
        "\ufeff{}",
        "\x00",
        "[" * LIMIT,
        "1" * LIMIT,
        "{" * 4000,
    ):
        assert send(body) == NOT_AN_OBJECT, body[:80]


@both
@pytest.mark.usefixtures("aws")
def test_what_json_has_no_word_for_is_refused(send: Send) -> None:
    for number in ("NaN", "Infinity", "-Infinity"):
        assert send(f'{{"visitId": "v", "number": {number}}}') == NOT_AN_OBJECT, number


@both
@pytest.mark.usefixtures("knowledge")
def test_bytes_that_are_no_utf_8_are_refused(send: Send) -> None:
    for body in (b"\xff", b'{"visitId": "\xfc"}', b'{"visitId": "\xed\xa0\x80"}', '{"visitId": "v"}'.encode("utf-16")):
        assert send(**in_base64(body)) == NOT_AN_OBJECT, body


@both
@pytest.mark.usefixtures("knowledge")
@pytest.mark.parametrize("name", ["visitId", "globalVisitId"])
def test_a_member_that_is_no_string_is_refused(send: Send, name: str) -> None:
    for value in (None, 7, 1.5, True, [], {}, ["v"], {"visitId": "v"}, 10**300):
        assert send({name: value}) == refused(f"{name} must be a string"), value


@both
@pytest.mark.usefixtures("knowledge")
@pytest.mark.parametrize("name", ["visitId", "globalVisitId"])
def test_a_member_of_257_characters_is_refused(send: Send, name: str) -> None:
    for letter in ("x", "é", "\U0001f600"):
        assert send({name: letter * 257}) == refused(f"{name} must have at most 256 characters")


@both
@pytest.mark.usefixtures("knowledge")
@pytest.mark.parametrize("name", ["gkc_agentId", "gkc_customerId"])
def test_a_header_of_257_characters_is_refused(send: Send, name: str) -> None:
    assert send(headers={name: "x" * 257}) == refused(f"{name} must have at most 256 characters")


@both
@pytest.mark.usefixtures("knowledge")
def test_a_lone_surrogate_is_refused(send: Send) -> None:
    for body in ('{"visitId": "\\ud800"}', '{"visitId": "a\\udc00b"}', '{"visitId": "\\udc00\\ud800"}'):
        assert send(body) == refused("visitId must be Unicode text")


@both
@pytest.mark.usefixtures("knowledge")
def test_a_body_over_8192_bytes_is_refused(send: Send) -> None:
    for body in (
        of_size(LIMIT + 1),
        of_size(LIMIT + 1, "é"),
        " " * (LIMIT + 1),
        "{" * (LIMIT + 1),
        "é" * (LIMIT // 2 + 1),
        "x" * 10_000_000,
    ):
        assert send(body) == TOO_LARGE, body[:80]
    assert send(**in_base64(b"\xff" * (LIMIT + 1))) == TOO_LARGE


@pytest.mark.usefixtures("aws", "at")
def test_a_body_of_8192_bytes_is_taken() -> None:
    for body in (of_size(LIMIT), of_size(LIMIT, "é"), of_size(LIMIT, "\U0001f600"), " " * LIMIT):
        assert len(body.encode()) == LIMIT
        assert post("one", body) == info("one")
        assert post("one", **in_base64(body.encode())) == info("one")


@pytest.mark.usefixtures("aws", "at")
def test_no_body_is_fine() -> None:
    for body in (None, "", " ", " \t\r\n ", "{}", " {} "):
        assert post("one", body) == info("one"), body
        created = put(body)
        assert created == info(created["body"]["sessionId"]), body
    for encoded in (b"", b" ", b"{}"):
        assert post("one", **in_base64(encoded)) == info("one")


@pytest.mark.usefixtures("aws", "at")
def test_a_member_of_256_characters_is_taken() -> None:
    for letter in ("x", "é", "\U0001f600"):
        long = letter * 256
        members = {"visitId": long, "globalVisitId": long}
        assert post("one", json.dumps(members, ensure_ascii=False)) == info("one", **members)
        created = put(json.dumps(members, ensure_ascii=False))
        assert created == info(created["body"]["sessionId"], **members)
    headers = {"gkc_agentId": "a" * 256, "gkc_customerId": "c" * 256}
    assert post("two", headers=headers) == info("two", agentId="a" * 256, customerId="c" * 256)


@pytest.mark.usefixtures("aws", "at")
def test_a_body_in_base64_is_read() -> None:
    assert post("one", **in_base64('{"visitId": "ü"}'.encode())) == info("one", visitId="ü")


@pytest.mark.usefixtures("aws", "at")
def test_the_last_of_duplicate_members_counts() -> None:
    assert post("one", '{"visitId": 7, "visitId": "a", "visitId": "b"}') == info("one", visitId="b")


@pytest.mark.usefixtures("aws", "at")
def test_unknown_members_are_left_alone() -> None:
    deep = '{"visitId": "v", "x": ' + "[" * 200 + "]" * 200 + "}"
    bodies: tuple[Any, ...] = (
        {"visitId": "v", "x": None, "customerId": 7, "sessionId": [], "expiresAt": "never"},
        deep,
        f'{{"visitId": "v", "x": {"1" * 4000}, "y": 1e999999999}}',
        '{"visitId": "v", "x": "\\ud800"}',
        {"visitId": "v", "VisitId": 1, "": 2},
    )
    for body in bodies:
        assert post("one", body) == info("one", visitId="v")


@pytest.mark.usefixtures("aws", "at")
def test_a_pair_of_surrogates_is_one_character() -> None:
    assert post("one", '{"visitId": "\\ud83d\\ude00"}') == info("one", visitId="\U0001f600")


@pytest.mark.usefixtures("aws", "at")
def test_a_refused_post_changes_nothing() -> None:
    post("one", {"visitId": "v"})

    for body in ({"visitId": "w", "globalVisitId": 7}, "{", of_size(LIMIT + 1)):
        assert post("one", body, headers={"gkc_customerId": "c"})["statusCode"] in (400, 413)
    assert post("one") == info("one", visitId="v")
