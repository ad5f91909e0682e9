"""Ten thousand query strings as nobody would write them: each is answered, or refused with all its faults."""

import base64
import json
import random
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

import pytest

from functions.store import cursor, list_sessions, parameters, record_sessions
from functions.store.cursor import Position
from functions.store.ordering import ORDERINGS, place
from functions.store.parameters import InvalidParametersError
from functions.store.query import STATUSES
from infra import contract
from tests.proxy_events import batch, request

pytestmark = pytest.mark.usefixtures("aws")

STRINGS = 10_000
PARAMETERS = [one["name"] for one in contract.document("store")["paths"]["/api/admin/v2/sessions"]["get"]["parameters"]]
SPELLINGS = [*PARAMETERS, "status[]", "status[0]", "status[99]", "status[", "offset", "", "Count", "id[]", "__proto__"]
RULES = set(
    """number.base number.integer number.min number.max number.unsafe any.only any.invalid date.format
    string.base string.empty string.max object.oxor""".split()  # noqa: SIM905
)
TIME = "2026-01-02T03:04:05"
SOUND: dict[str, Sequence[str]] = {
    "count": ["1", "3", "200"],
    "orderBy": list(ORDERINGS),
    "direction": ["asc", "desc"],
    "status": [*STATUSES, "active,expired"],
    "code": ["code-1", "Stra%C3%9Fe", "%F0%9F%98%80"],
    "sessionToken": ["s-1", "%22", "x" * 256],
    "after": ["1", "-1"],
    "before": ["3", "9"],
    **dict.fromkeys(("id", "storeId", "customerId", "maxVisitors", "maxGroupSize"), ("1", "2", "9223372036854775807")),
    **dict.fromkeys(("minVisitors", "minGroupSize"), ("0", "00", "1")),
}
HOSTILE = [
    *(
        "",
        "%00",
        "%0A",
        "%FF",
        "%C3",
        "%ED%A0%80",
        "%",
        "%zz",
        "%25",
        "é",
        "\u2028",
        "\U0010ffff",
        "+",
        "%2B",
        "=",
        ";",
    ),
    *("-0", "--1", "1e999", "1.5", "0x1", "NaN", "-Infinity", "9" * 25, "9" * 5000, "\u0665", "1_0", "null", "true"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59-23:59", "0000-00-00T00:00:00Z"),
    *(
        f"{TIME}Z",
        f"{TIME}+23:59",
        f"{TIME}.{'9' * 400}Z",
        TIME,
        "253402300800",
        "-62135596801",
        "2026-02-30T00:00:00Z",
    ),
    *("' OR 1=1--", "#shard", ":partition", "${x}", "<script>", "../../etc", "x" * 257, "\U0001f600" * 65, "a" * 9000),
    *("__proto__", "constructor", "[object Object]", "{}", "[]", "*", "~", "0~", "1"),
]


def forged(body: bytes) -> str:
    """A cursor of this body, and the checksum that goes with it."""
    checked = f"{zlib.crc32(body):08x}".encode() + body
    return base64.urlsafe_b64encode(checked).decode().rstrip("=")


def hostile_cursor(chance: random.Random) -> str:
    """One that is sound and one octet is not; or one of a position that no session of ours has."""
    name = chance.choice(list(ORDERINGS))
    value: Any = {"integer": 2**63 - 1, "time": "9999-12-31T23:59:59.999Z", "text": "\U0010ffff" * 240}[ORDERINGS[name]]
    sound = place(
        name, chance.choice((value, value if name == "id" else None)), chance.choice((value if name == "id" else 7, 7))
    )
    kind = chance.randrange(4)
    trail = tuple(Position(chance.choice((sound, ""))) for _ in range(chance.choice((0, 0, 1, 3))))
    written = cursor.write(name, Position(sound, inclusive=chance.random() < 0.5, trail=trail))
    if kind == 0:
        return written
    body = bytearray(base64.urlsafe_b64decode(written + "=" * (-len(written) % 4))[8:])
    if kind == 1:
        return forged(bytes(body[: chance.randrange(len(body))]))
    body[chance.randrange(len(body))] = chance.randrange(256)
    text = forged(bytes(body))
    return text if kind == 2 else text[: chance.randrange(len(text))]


def a_value(name: str, chance: random.Random) -> str:
    if name in ("after", "before") and chance.random() < 0.7:
        return hostile_cursor(chance)
    if chance.random() < 0.6:
        return chance.choice(SOUND.get(name, [f"{TIME}Z", "1700000000"]))
    if chance.random() < 0.7:
        return chance.choice(HOSTILE)
    return "".join(chance.choice(HOSTILE)[:40] for _ in range(chance.randrange(1, 4)))


def a_query_string(chance: random.Random) -> str:
    names = [chance.choice(SPELLINGS) for _ in range(1 if chance.random() < 0.05 else chance.randrange(4, 13))]
    return "&".join(f"{name}={a_value(name, chance)}" for name in names)


def saved(number: int) -> dict[str, Any]:
    moment = f"2026-01-02T03:04:{number:02}Z"
    session = {
        "id": number,
        "sessionId": f"s-{number}",
        "code": f"code-{number}",
        "status": STATUSES[number % len(STATUSES)],
        **dict.fromkeys(("createdAt", "updatedAt", "expiresAt"), moment),
        "customerSatisfactionSubmitted": False,
        "suspectedFraud": False,
        "groupSize": number % 3,
        "visitors": number % 2,
        "storeId": number % 3 or None,
        "customerId": number % 2,
    }
    data = {"accountId": "retailer", "session": session}
    envelope = {"specversion": "1.0", "id": f"e-{number}", "source": "/test", "time": moment}
    return envelope | {"type": "store.session.saved", "data": data}


def faulty_alone(query: dict[str, list[str]]) -> set[str]:
    """The parameters that are refused also where no other is given. A cursor's ordering is another parameter."""
    found: set[str] = set()
    for name, values in query.items():
        try:
            parameters.parse({name: values})
        except InvalidParametersError as error:
            found |= {fault.field for fault in error.faults} - {"after", "before"}
    return found


def test_no_query_string_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_SHARDS", "1")  # moto takes its time for each of them
    assert record_sessions.handler(batch(*map(saved, range(1, 10))), None) == {"batchItemFailures": []}
    chance = random.Random(7)
    statuses: Counter[int] = Counter()
    rules: set[str] = set()
    for _ in range(STRINGS):
        text = a_query_string(chance)
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(text, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        answer = list_sessions.handler(request(query=query, authorizer={"account": "retailer"}), None)
        body = json.loads(answer.pop("body"))
        statuses[answer["statusCode"]] += 1
        assert answer == {"statusCode": answer["statusCode"], "headers": {"Content-Type": "application/json"}}
        if answer["statusCode"] == 200:
            assert set(body) == {"data", "pagination"}, text
            assert faulty_alone(query) == set(), text
            continue
        errors = body.pop("errors")
        assert (answer["statusCode"], body) == (
            422,
            {"message": "The request has invalid parameters", "type": "E_INVALID_BODY"},
        ), text
        for error in errors:
            assert set(error) == {"error", "rule", "field"}, text
            assert error["field"].strip('"') in PARAMETERS, text
            assert error["error"].startswith(f"{error['field']} "), text
            rules.add(error["rule"])
        fields = {error["field"].strip('"') for error in errors}
        assert fields - {"after", "before"} == faulty_alone(query), text
    assert sum(statuses.values()) == STRINGS
    assert 300 < statuses[200] < 3000, statuses
    assert rules == RULES
