"""An erased person is searched for in every table, queue and log of the running platform, and stays away."""

import json
from uuid import uuid4

import pytest

from tests.answers import Client
from tests.operations.conftest import Sessionctl
from tests.operations.persons import CASES, everything, in_queue, messages
from tests.platform import Platform, eventually


@pytest.mark.parametrize("family", CASES)
def test_an_erased_person_is_nowhere_and_stays_away(
    family: str, sessionctl: Sessionctl, platform: Platform, http: Client
) -> None:
    case = CASES[family](platform, http)
    letters = platform.connection[family]["dead_letter_queue_url"]
    assert case.ask() == case.unknown
    platform.send(family, *case.events, *case.neighbours, *case.refused, *case.neighbours_refused)
    eventually(lambda: in_queue(platform, family) == 0)
    before, theirs = case.ask(), case.ask_neighbours()
    assert before != case.unknown
    assert len(messages(platform, letters)) == len(case.refused) + len(case.neighbours_refused)

    def found_anywhere() -> list[str]:
        theirs = [text for text in everything(platform) if any(secret in text for secret in case.secrets)]
        return sorted(text for text in theirs if case.others not in text)

    there = found_anywhere()
    assert all(any(secret in text for text in there) for secret in case.secrets)
    kinds = case.kinds | {"dead letters": len(case.refused)}
    refused = sessionctl("erase", family, *case.arguments, answer="no\n")
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.startswith(f"Found: {told}.\nErase this person, for good? [y/N]: ")
    assert (case.ask(), len(messages(platform, letters))) == (before, len(case.refused) + len(case.neighbours_refused))

    person, *more = case.arguments
    erased = sessionctl("erase", family, "-", *more, "--json", answer=f"{person}\nyes\n").json
    assert erased.pop("until")
    assert erased == {
        "family": family,
        "account": more[1] if more else None,
        "waiting": 0,
        "kinds": [{"kind": kind, "found": count, "erased": count} for kind, count in kinds.items()],
    }
    assert case.ask() == case.unknown
    assert case.ask_neighbours() == theirs
    bodies = [one if isinstance(one, str) else json.dumps(one) for one in case.neighbours_refused]
    assert sorted(body for _, body in messages(platform, letters)) == sorted(bodies)

    platform.send(family, *case.late, *case.late)
    eventually(lambda: in_queue(platform, family) == 0)
    assert found_anywhere() == []
    assert case.ask() == case.unknown
    assert case.ask_neighbours() == theirs
    assert len(messages(platform, letters)) == len(bodies)

    platform.send(family, *case.later())
    assert eventually(lambda: (said := case.ask()) != case.unknown and said) != before
    platform.drain(letters)


def test_a_customers_visits_are_erased_and_the_ids_forgotten(
    sessionctl: Sessionctl, platform: Platform, http: Client
) -> None:
    mark = uuid4().hex
    customer, neighbour, agent = f"Jörg {mark}", f"Jörg {mark} 2", f"agent-{mark}"

    def visit(customer: str) -> str:
        headers = {"gkc_customerId": customer, "gkc_agentId": agent}
        return str(http.request("PUT", "/sessions/new", headers).json["sessionId"])

    visits, other = [visit(customer) for _ in range(3)], visit(neighbour)
    seen = http.get(f"/sessions/{other}").json
    assert seen["customerId"] == neighbour

    looked = sessionctl("erase", "knowledge", customer, "--dry-run", "--json").json
    assert looked["kinds"] == [{"kind": "sessions", "found": 3, "erased": None}]
    assert http.get(f"/sessions/{visits[0]}").status == 200
    erased = sessionctl("erase", "knowledge", customer, "--yes", "--json").json
    assert erased == {
        "family": "knowledge",
        "account": None,
        "until": None,
        "waiting": None,
        "kinds": [{"kind": "sessions", "found": 3, "erased": 3}],
    }
    assert {http.get(f"/sessions/{name}").status for name in visits} == {404}
    assert http.get(f"/sessions/{other}").json == seen
    left = [text for text in everything(platform) if mark in text]
    assert len(left) == 1
    assert other in left[0]
