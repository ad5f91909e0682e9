"""The 6 MB rule: an answer is cut at whole sessions, and a link leads to the rest."""

import base64
import json
import re
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest

from functions.widget import list_user_sessions
from tests.sessions.watching import answer, said
from tests.widget.saves import asked, client, record, references, saved

pytestmark = pytest.mark.usefixtures("aws")

LIMIT = 6 * 1024 * 1024
DAMAGED = answer(400, {"message": "The parameter after is not one that an earlier answer gave"})


def position(text: str | bytes) -> str:
    return base64.urlsafe_b64encode(text.encode() if isinstance(text, str) else text).decode()


def pages(**query: list[str]) -> list[dict[str, Any]]:
    """The answers from the first to the last, each found by the link of the one before."""
    found = []
    while True:
        given = list_user_sessions.handler(asked(query=query), None)
        found.append(given)
        assert len(found) < 20
        link = given["headers"].get("Link")
        if link is None:
            return found
        match = re.fullmatch(r'<([!-~]*)>; rel="next"', link)
        assert match is not None
        target = urlsplit(urljoin("https://api.example/insurer/sessions/ana?x=y", match[1]))
        assert (target.netloc, target.path) == ("api.example", "/insurer/sessions/ana")
        query = parse_qs(target.query, strict_parsing=True)


def carried(given: dict[str, Any]) -> list[str]:
    return [session["reference"] for session in json.loads(given["body"])]


def test_an_answer_that_fits_has_no_link() -> None:
    client()
    record(*(saved(f"LA-{number}", camsReference="x" * 240_000) for number in range(20)))

    (only,) = pages()
    assert only["headers"] == {"Content-Type": "application/json"}
    assert len(carried(only)) == 20


@pytest.mark.parametrize(
    ("letters", "count"),
    [("x" * 240_000, 40), ("é" * 120_000, 25), ('"\\' * 55_000, 40), ("\U0001f600" * 60_000, 25)],
    ids=["ascii", "umlauts", "quotes", "emoji"],
)
def test_what_would_not_fit_an_answer_is_cut_at_whole_sessions(letters: str, count: int) -> None:
    client()
    wanted = [f"LA-{number:02}" for number in range(count)]
    for reference in wanted:
        record(saved(reference, camsReference=letters))

    found = pages()

    assert [reference for page in found for reference in carried(page)] == wanted
    assert len(found) > 1
    for page in found:
        assert len(json.dumps(page).encode()) <= LIMIT
        assert {session["camsReference"] for session in json.loads(page["body"])} == {letters}
        assert page == answer(200, page["body"], **({"Link": page["headers"]["Link"]} if page != found[-1] else {}))
    assert all(len(json.dumps(page)) > LIMIT * 3 / 5 for page in found[:-1]), "an answer carries what it can"


def test_the_walk_goes_on_between_sessions_of_one_minute_and_of_others() -> None:
    client()
    order = []
    for number in range(36):
        reference = f"LA-{number % 6}ü{number:02}"
        minute = f"2024-01-01T00:{10 - number // 6:02}:00Z"
        order.append((-int(minute[14:16]), reference))
        record(saved(reference, camsReference="x" * 240_000, createdAt=minute))

    assert [reference for page in pages() for reference in carried(page)] == [one for _, one in sorted(order)]


def test_what_was_saved_during_the_walk_does_not_disturb_it() -> None:
    client()
    for number in range(30):
        record(saved(f"LA-{number:02}", camsReference="x" * 240_000))
    first = list_user_sessions.handler(asked(), None)
    after = parse_qs(urlsplit(first["headers"]["Link"].split(">")[0][1:]).query)["after"]
    record(saved("LA-00b"), saved("LA-zz"), saved("LA-newer", createdAt="2025-01-01T00:00:00Z"))

    (rest,) = pages(after=after)
    assert carried(first) + carried(rest) == [*(f"LA-{number:02}" for number in range(30)), "LA-zz"]


def test_the_last_of_several_positions_counts() -> None:
    client()
    record(saved("LA-1"), saved("LA-2"))
    beginning = position("0000000000 ")

    given = list_user_sessions.handler(asked(query={"after": ["damaged", beginning]}), None)
    assert carried(given) == ["LA-1", "LA-2"]


def test_a_damaged_position_is_refused() -> None:
    client()
    record(saved())

    for damaged in (
        "",
        "x",
        "!!!!",
        "é",
        "\ud800",
        position(""),
        position("LA-1"),
        position("12345"),
        position("0000000000"),
        position("000000000xLA-1"),
        position("0000000000" + "x" * 129),
        position(b"\xff\xfe"),
        position("0000000000LA-1") + "!",
        position("0000000000LA-1").rstrip("="),
        "x" * 10_000,
    ):
        given = said(list_user_sessions.handler(asked(query={"after": [damaged]}), None))
        assert given == DAMAGED, damaged


def test_a_position_shows_no_other_users_sessions() -> None:
    client()
    client("rival")
    record(saved("LA-1", user="ben"), saved("LA-2", client="rival"))

    for forged in ("0000000000 ", "5258964959LA-0", "9999999999x"):
        given = list_user_sessions.handler(asked(query={"after": [position(forged)]}), None)
        assert given == answer(200, "[]")
    assert references("ben") == ["LA-1"]
