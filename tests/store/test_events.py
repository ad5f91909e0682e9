"""What a saved session, customer or store may look like, and how it is shown."""

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from functions.store import demonstration, events, query
from functions.store.events import DATA, EVENTS
from infra import event_schemas
from infra.families import FUNCTIONS
from sessions.events import explain

SECRET = "se-cret"
SESSION_ID = "123e4567-e89b-12d3-a456-426614174000"
CODE = "0d9f1a1e-6f1e-4b0a-9a39-3a2a6c2c1b11"
MOMENT = "2019-08-24T14:15:22Z"
SESSION: dict[str, Any] = {
    "id": 1234,
    "sessionId": SESSION_ID,
    "sessionToken": SESSION_ID,
    "referencedSessionId": None,
    "code": CODE,
    "status": "active",
    "createdAt": MOMENT,
    "updatedAt": MOMENT,
    "expiresAt": MOMENT,
    "codeFirstSuccesfullyScannedAt": MOMENT,
    "codeLastSuccesfullyScannedAt": MOMENT,
    "customerFirstEnteredAt": MOMENT,
    "customerLastEnteredAt": MOMENT,
    "customerFirstExitedAt": None,
    "customerLastExitedAt": None,
    "customerPaymentInstrumentId": 0,
    "customerSatisfaction": 0,
    "customerSatisfactionSubmitted": True,
    "suspectedFraud": False,
    "groupSize": 1,
    "visitors": 0,
    "locationId": "string",
    "priority": 0,
    "storeId": 5,
    "storeIdScannableAt": 5,
    "metadata": {"events": [{"eventId": "string", "metadata": {}}]},
    "customerId": 42,
}
CUSTOMER: dict[str, Any] = {
    "externalId": "string",
    "role": "customer",
    "metadata": {},
    "priority": 0,
    "email": "user@example.com",
    "firstName": "Zoë",
    "lastName": "Åkesson",
    "phone": "+390000000001",
    "id": 42,
}
STORE: dict[str, Any] = {
    "aifiUniqueStoreId": "string",
    "status": "OPEN",
    "deploymentStatus": "LIVE",
    "addressLine1": "Königsallee 60",
    "addressCity": "Düsseldorf",
    "addressRegion": "NRW",
    "addressCountry": "DE",
    "addressPostalCode": "40212",
    "thirdPartyId": "string",
    "storeUrl": "https://example.com",
    "maxPeople": 20,
    "storeConfigId": 1,
    "name": "Königsallee",
    "id": 5,
    "employeeInside": True,
}
USUAL = {"session": SESSION, "customer": CUSTOMER, "store": STORE}

NUMBER, TEXT, TRUE, NULL = 1, SECRET, True, None
OBJECT: dict[str, Any] = {}
EVERY_TYPE: tuple[Any, ...] = (NUMBER, 1.5, TEXT, TRUE, [], OBJECT, NULL)

TIMES = [name for name in SESSION if name.endswith("At") and name != "storeIdScannableAt"]
NULLABLE_TIMES = TIMES[3:]


def event(kind: str, thing: Any, *, raw: str = "null", **data: Any) -> str:
    """The event's JSON; the text `RAW` in it becomes `raw` as it is."""
    text = json.dumps(
        {
            "specversion": "1.0",
            "id": "e1",
            "source": "/test",
            "type": f"store.{kind}.saved",
            "time": "2026-01-02T03:04:05Z",
            "data": {"accountId": "retailer", kind: thing} | data,
        }
    )
    return text.replace('"RAW"', raw)


def reason(kind: str, thing: Any, **more: Any) -> str | None:
    """Why it is refused, as a dead letter says it; None where it is not."""
    try:
        EVENTS.validate_json(event(kind, thing, **more))
    except ValidationError as error:
        return explain(error).replace(f"store.{kind}.saved.data.", "")
    return None


def body(kind: str, *, raw: str = "null", **members: Any) -> str:
    """What is sent of it."""
    found: str = getattr(EVENTS.validate_json(event(kind, USUAL[kind] | members, raw=raw)).data, kind).body
    return found


def shown(kind: str, **members: Any) -> Any:
    return json.loads(body(kind, **members))


def without(thing: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in thing.items() if key != name}


TAKES: list[tuple[str, str, tuple[Any, ...]]] = [
    ("session", "id", (NUMBER,)),
    ("session", "sessionId", (TEXT,)),
    ("session", "sessionToken", (TEXT, NULL)),
    ("session", "referencedSessionId", (TEXT, NULL)),
    ("session", "code", (TEXT,)),
    ("session", "status", ()),
    *(("session", name, ()) for name in TIMES[:3]),
    *(("session", name, (NULL,)) for name in NULLABLE_TIMES),
    ("session", "customerPaymentInstrumentId", (NUMBER, NULL)),
    ("session", "customerSatisfaction", (NUMBER, NULL)),
    ("session", "customerSatisfactionSubmitted", (TRUE,)),
    ("session", "suspectedFraud", (TRUE,)),
    ("session", "groupSize", (NUMBER,)),
    ("session", "visitors", (NUMBER,)),
    ("session", "locationId", (TEXT, NULL)),
    ("session", "priority", (NUMBER,)),
    ("session", "storeId", (NUMBER, NULL)),
    ("session", "storeIdScannableAt", (NUMBER, NULL)),
    ("session", "metadata", (OBJECT,)),
    ("session", "customerId", (NUMBER,)),
    *(("customer", name, (TEXT, NULL)) for name in ("externalId", "email", "firstName", "lastName", "phone")),
    ("customer", "role", ()),
    ("customer", "metadata", (OBJECT,)),
    ("customer", "priority", (NUMBER,)),
    ("customer", "id", (NUMBER,)),
    *(
        ("store", name, (TEXT, NULL))
        for name in STORE
        if name in ("aifiUniqueStoreId", "thirdPartyId", "storeUrl")
        or (name.startswith("address") and name != "addressCountry")
    ),
    ("store", "addressCountry", (NULL,)),
    ("store", "status", (TEXT,)),
    ("store", "deploymentStatus", (TEXT,)),
    ("store", "name", (TEXT,)),
    ("store", "maxPeople", (NUMBER, NULL)),
    ("store", "storeConfigId", (NUMBER, NULL)),
    ("store", "id", (NUMBER,)),
    ("store", "employeeInside", (TRUE,)),
]


def test_the_table_of_types_has_every_member() -> None:
    assert sorted((kind, name) for kind, name, _ in TAKES) == sorted(
        (kind, name) for kind, thing in USUAL.items() for name in thing
    )


@pytest.mark.parametrize(("kind", "name", "taken"), TAKES)
def test_a_member_takes_its_type_and_no_other(kind: str, name: str, taken: tuple[Any, ...]) -> None:
    for value in EVERY_TYPE:
        whole = USUAL[kind] | {name: value}
        if name == "sessionId":
            whole["sessionToken"] = value if isinstance(value, str) else SESSION_ID
        if name == "sessionToken":
            whole["sessionId"] = SECRET
        found = reason(kind, whole)
        accepted = any(type(value) is type(one) and value == one for one in taken)
        assert (found is None) == accepted, (value, found)
        assert found is None or found.startswith(f"{kind}.{name}"), found
        assert found is None or SECRET not in found


REQUIRED = {
    "session": [
        *("id", "sessionId", "code", "status", "createdAt", "updatedAt", "expiresAt"),
        *("customerSatisfactionSubmitted", "suspectedFraud", "groupSize", "visitors", "customerId"),
    ],
    "customer": ["role", "id"],
    "store": ["status", "deploymentStatus", "name", "id", "employeeInside"],
}


@pytest.mark.parametrize("kind", USUAL)
def test_what_every_one_has_cannot_be_left_out_and_the_rest_has_a_default(kind: str) -> None:
    for name in USUAL[kind]:
        expected = f"{kind}.{name}: Field required" if name in REQUIRED[kind] else None
        assert reason(kind, without(USUAL[kind], name)) == expected

    fewest = {name: USUAL[kind][name] for name in REQUIRED[kind]}
    found = json.loads(getattr(EVENTS.validate_json(event(kind, fewest)).data, kind).body)
    defaults = {
        "sessionToken": SESSION_ID,
        "priority": 0,
        "metadata": {"events": []} if kind == "session" else {},
        "id": str(USUAL[kind]["id"]),
        "customerId": "42",
    }
    assert list(found) == list(USUAL[kind])
    assert found == {name: defaults.get(name, fewest.get(name)) for name in USUAL[kind]}


@pytest.mark.parametrize("kind", USUAL)
def test_what_is_unknown_is_refused_but_in_metadata(kind: str) -> None:
    assert reason(kind, USUAL[kind] | {"colour": SECRET}) == f"{kind}.?: Extra inputs are not permitted"
    assert reason(kind, USUAL[kind], colour=SECRET) == "?: Extra inputs are not permitted"
    for other in USUAL:
        if other != kind:
            assert reason(kind, USUAL[kind] | {other: None}) == f"{kind}.?: Extra inputs are not permitted"
    assert reason("session", SESSION | {"session_id": SESSION_ID}) is not None


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        ("session", {"id": -1}),
        ("session", {"id": 2**63}),
        ("session", {"id": str(2**63)}),
        ("session", {"id": "0" * 65}),
        ("session", {"id": ""}),
        ("session", {"id": "-1"}),
        ("session", {"id": "+1"}),
        ("session", {"id": " 1"}),
        ("session", {"id": "1\n"}),
        ("session", {"id": "1_0"}),
        ("session", {"id": "1.0"}),
        ("session", {"id": "٣"}),
        ("session", {"id": 1.0}),
        ("session", {"customerId": "abc"}),
        ("session", {"customerId": -1}),
        ("session", {"storeId": "5"}),
        ("session", {"storeId": -1}),
        ("session", {"storeId": 2**63}),
        ("session", {"storeIdScannableAt": -1}),
        ("session", {"customerPaymentInstrumentId": -1}),
        ("session", {"customerSatisfaction": 2**63}),
        ("session", {"groupSize": -1}),
        ("session", {"groupSize": 2**63}),
        ("session", {"visitors": -1}),
        ("session", {"priority": -11}),
        ("session", {"priority": 11}),
        ("session", {"status": "ACTIVE"}),
        ("session", {"status": ""}),
        ("session", {"code": ""}),
        ("session", {"code": "x" * 257}),
        ("session", {"code": "\U0001f600" * 64 + "x"}),
        ("session", {"code": "a\x00"}),
        ("session", {"code": "a\x85"}),
        ("session", {"sessionId": "", "sessionToken": ""}),
        ("session", {"sessionId": "a\nb", "sessionToken": "a\nb"}),
        ("session", {"metadata": {"events": None}}),
        ("session", {"metadata": {"events": {}}}),
        ("session", {"metadata": {"events": ["x"]}}),
        ("session", {"metadata": {"events": [{}]}}),
        ("session", {"metadata": {"events": [{"eventId": None}]}}),
        ("session", {"metadata": {"events": [{"eventId": True}]}}),
        ("session", {"metadata": {"events": [{"eventId": "x", "metadata": None}]}}),
        ("session", {"metadata": {"events": [{"eventId": "x", "colour": "red"}]}}),
        ("customer", {"id": "x"}),
        ("customer", {"id": -1}),
        ("customer", {"role": "owner"}),
        ("customer", {"priority": 11}),
        ("store", {"id": "x"}),
        ("store", {"addressCountry": "DEU"}),
        ("store", {"addressCountry": "de"}),
        ("store", {"addressCountry": "DE\n"}),
        ("store", {"status": ""}),
        ("store", {"deploymentStatus": "x" * 65}),
        ("store", {"maxPeople": -1}),
    ],
)
def test_what_is_out_of_bounds_is_refused(kind: str, members: dict[str, Any]) -> None:
    found = reason(kind, USUAL[kind] | members)

    assert found is not None
    assert found.startswith(f"{kind}.{next(iter(members))}")


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        *(("session", {"status": status}) for status in query.STATUSES),
        ("session", {"priority": -10}),
        ("session", {"priority": 10}),
        ("session", {"id": 0, "storeId": 0, "groupSize": 0}),
        ("session", {"id": 2**63 - 1, "storeId": 2**63 - 1, "visitors": 2**63 - 1}),
        ("session", {"customerSatisfaction": -(2**63)}),
        ("session", {"code": "x" * 256}),
        ("session", {"code": "é \U0001f600" * 36 + "\U0001f600"}),
        ("session", {"metadata": {"events": [{"eventId": 7, "metadata": {"a": [None]}}]}}),
        *(("customer", {"role": role}) for role in ("customer", "employee", "tester", "untracked", "unknown")),
    ],
)
def test_what_is_within_bounds_is_shown_as_it_came(kind: str, members: dict[str, Any]) -> None:
    found = shown(kind, **members)

    assert {name: found[name] for name in members} == {
        name: str(value) if name == "id" else value for name, value in members.items()
    }


@pytest.mark.parametrize("account", ["", "x" * 129, None, 7])
def test_an_account_has_a_name_with_bounds(account: Any) -> None:
    for kind, thing in USUAL.items():
        found = reason(kind, thing, accountId=account)
        assert found is not None
        assert found.startswith("accountId: ")
        assert reason(kind, thing, accountId="\U0001f600" * 128) is None


@pytest.mark.parametrize(
    ("given", "text"), [(7, "7"), ("7", "7"), ("007", "7"), ("0", "0"), ("000", "0"), ("0" * 63 + "1", "1"), (0, "0")]
)
def test_an_id_is_a_number_or_its_digits(given: Any, text: str) -> None:
    assert shown("session", id=given, customerId=given) == SESSION | {"id": text, "customerId": text}
    assert shown("customer", id=given)["id"] == text
    assert shown("store", id=given)["id"] == text
    assert EVENTS.validate_json(event("store", STORE | {"id": given})).data.store.id == int(text)  # type: ignore[union-attr]


def test_the_token_is_the_sessions_id() -> None:
    refused = "session: Value error, sessionToken is not the same as sessionId"
    assert reason("session", SESSION | {"sessionToken": SECRET}) == refused
    assert reason("session", SESSION | {"sessionToken": SESSION_ID.upper()}) == refused
    for whole in (SESSION, without(SESSION, "sessionToken"), SESSION | {"sessionToken": None}):
        found = json.loads(EVENTS.validate_json(event("session", whole)).data.session.body)  # type: ignore[union-attr]
        assert (found["sessionId"], found["sessionToken"]) == (SESSION_ID, SESSION_ID)


@pytest.mark.parametrize("name", [name for name in TIMES if name != "createdAt"])
def test_no_time_is_more_than_five_minutes_before_the_creation(name: str) -> None:
    refused = f"session: Value error, more than 5 minutes before createdAt: {name}"
    assert reason("session", SESSION | {name: "2019-08-24T14:10:21.999Z"}) == refused
    assert reason("session", SESSION | {name: "2019-08-24T14:10:21.999999Z"}) == refused
    assert reason("session", SESSION | {name: "0001-01-01T00:00:00Z"}) == refused
    assert reason("session", SESSION | {name: "2019-08-24T15:10:21+01:00"}) == refused
    for accepted in ("2019-08-24T14:10:22Z", "2019-08-24T16:10:22.000+02:00", MOMENT, "9999-12-31T23:59:59Z"):
        assert reason("session", SESSION | {name: accepted}) is None


def test_every_time_that_is_too_early_is_named() -> None:
    early = dict.fromkeys(["updatedAt", "customerLastExitedAt"], "2019-08-24T14:00:00Z")
    refused = "session: Value error, more than 5 minutes before createdAt: updatedAt, customerLastExitedAt"
    assert reason("session", SESSION | early) == refused


def test_a_session_may_be_created_at_either_end_of_the_calendar() -> None:
    assert reason("session", SESSION | {"createdAt": "0001-01-01T00:00:00Z"}) is None
    last = dict.fromkeys(TIMES, "9999-12-31T23:59:59.999999Z")
    assert shown("session", **last)["createdAt"] == "9999-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    "time",
    [
        *("", "2019-08-24", "2019-08-24T14:15:22", "2019-08-24 14:15:22Z", "2019-02-30T14:15:22Z", "1566656122"),
        *("0001-01-01T00:00:00+00:01", "2019-08-24T14:15:22,5Z", "2019-08-24T14:15:22.Z", "2019-08-24T25:15:22Z"),
    ],
)
def test_a_time_is_rfc_3339_with_an_offset(time: str) -> None:
    for name in TIMES:
        found = reason("session", SESSION | {name: time})
        assert found is not None
        assert found.startswith(f"session.{name}: ")
        assert not time or time not in found


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("2019-08-24T14:15:22Z", "2019-08-24T14:15:22Z"),
        ("2019-08-24T14:15:22.120Z", "2019-08-24T14:15:22.120Z"),
        ("2019-08-24T14:15:22.000Z", "2019-08-24T14:15:22.000Z"),
        ("2019-08-24T14:15:22.5Z", "2019-08-24T14:15:22.500Z"),
        ("2019-08-24T14:15:22.1239999999Z", "2019-08-24T14:15:22.123Z"),
        ("2019-08-24t14:15:22z", "2019-08-24T14:15:22Z"),
        ("2019-08-24T16:15:22+02:00", "2019-08-24T14:15:22Z"),
        ("2019-08-25T00:15:22.001+09:30", "2019-08-24T14:45:22.001Z"),
        ("2019-08-24T23:59:59.999-00:01", "2019-08-25T00:00:59.999Z"),
    ],
)
def test_a_time_is_shown_in_utc_with_milliseconds_where_it_had_any(given: str, text: str) -> None:
    assert shown("session", **dict.fromkeys(TIMES, given)) == SESSION | dict.fromkeys(TIMES, text) | {
        "id": "1234",
        "customerId": "42",
    }


@pytest.mark.parametrize("raw", ["NaN", "Infinity", "-Infinity", "1e999", "[1e999]", '{"a": [{"b": -1e999}]}'])
def test_a_number_that_json_does_not_have_is_refused_in_metadata(raw: str) -> None:
    message = "Value error, has a number that JSON cannot have, or one too large"
    assert reason("session", SESSION | {"metadata": {"a": "RAW"}}, raw=raw) == f"session.metadata.?: {message}"
    inner = {"events": [{"eventId": "x", "metadata": {"a": "RAW"}}]}
    found = reason("session", SESSION | {"metadata": inner}, raw=raw)
    assert found == f"session.metadata.events.0.metadata.?: {message}"
    assert reason("customer", CUSTOMER | {"metadata": {"a": "RAW"}}, raw=raw) == f"customer.metadata.?: {message}"


@pytest.mark.parametrize(
    "raw",
    [
        *("null", "true", "-0.5", "123456789012345678901234567890", '""', '"\\ud83d\\ude00\\u0000"', "[[], {}]"),
        "[" * 150 + "]" * 150,
    ],
)
def test_metadata_has_whatever_else_the_retailer_notes(raw: str) -> None:
    value = json.loads(raw)
    metadata = {
        "events": [{"eventId": "x", "metadata": {"a": value}}],
        "a": value,
        "": value,
        "Körbe": value,
        "body": 1,
    }

    assert shown("session", metadata=metadata)["metadata"] == metadata
    assert shown("customer", metadata=without(metadata, "events"))["metadata"] == without(metadata, "events")


@pytest.mark.parametrize("name", ["code", "sessionId"])
def test_what_sessions_are_looked_up_by_has_at_most_256_octets(name: str) -> None:
    whole = without(SESSION, "sessionToken")
    for longest in ("x" * 256, "\U0001f600" * 64, "é" * 128):
        assert reason("session", whole | {name: longest}) is None
        beyond = reason("session", whole | {name: longest + "x"})
        by_letters = "String should have at most 256 characters"
        by_octets = "Value error, longer than 256 octets"
        assert beyond == f"session.{name}: {by_letters if longest.isascii() else by_octets}"
    assert reason("session", SESSION | {"sessionToken": "é" * 129}) == (
        "session.sessionToken: Value error, longer than 256 octets"
    )


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600"])
def test_a_session_is_at_most_128_kibibytes_as_it_is_stored(letter: str) -> None:
    octets = 128 * 1024 - len(body("session", metadata={"events": [], "a": ""}).encode())
    text = letter * (octets // len(letter.encode())) + "y" * (octets % len(letter.encode()))

    assert len(body("session", metadata={"a": text}).encode()) == 128 * 1024
    refused = "session: Value error, too large: stored, more than 131072 octets"
    assert reason("session", SESSION | {"metadata": {"a": text + "y"}}) == refused


def test_a_session_that_grows_beyond_its_limit_when_it_is_stored_is_refused() -> None:
    numbers = ",".join(["1e15"] * 10_000)
    assert len(numbers) < 64 * 1024
    found = reason("session", SESSION | {"metadata": {"a": "RAW"}}, raw=f"[{numbers}]")
    assert found == "session: Value error, too large: stored, more than 131072 octets"


@pytest.mark.parametrize(("kind", "name"), [("customer", "email"), ("store", "storeUrl")])
@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_customer_or_store_is_at_most_3840_octets_with_its_version_and_account(
    kind: str, name: str, letter: str
) -> None:
    version_ = "2026-01-02T03:04:05.000000Z\ne1\n/test" + json.loads(event(kind, USUAL[kind]))["data"]["accountId"]
    octets = 3840 - len(version_) - len(body(kind, **{name: ""}).encode())
    text = letter * (octets // len(letter.encode())) + "y" * (octets % len(letter.encode()))
    refused = f"store.{kind}.saved: Value error, too large: stored, more than 3840 octets"

    assert len(body(kind, **{name: text}).encode()) + len(version_) == 3840
    assert reason(kind, USUAL[kind] | {name: text + "y"}) == refused
    for attribute, longer in (("id", "e12"), ("source", "/tests")):
        sent = json.loads(event(kind, USUAL[kind] | {name: text})) | {attribute: longer}
        with pytest.raises(ValidationError) as raised:
            EVENTS.validate_json(json.dumps(sent))
        assert explain(raised.value) == refused


def test_the_contracts_session_is_shown_byte_for_byte() -> None:
    assert body("session", updatedAt="2019-08-24T14:15:22.120Z") == (
        f'{{"id":"1234","sessionId":"{SESSION_ID}","sessionToken":"{SESSION_ID}","referencedSessionId":null,'
        f'"code":"{CODE}","status":"active","createdAt":"2019-08-24T14:15:22Z","updatedAt":"2019-08-24T14:15:22.120Z",'
        '"expiresAt":"2019-08-24T14:15:22Z","codeFirstSuccesfullyScannedAt":"2019-08-24T14:15:22Z",'
        '"codeLastSuccesfullyScannedAt":"2019-08-24T14:15:22Z","customerFirstEnteredAt":"2019-08-24T14:15:22Z",'
        '"customerLastEnteredAt":"2019-08-24T14:15:22Z","customerFirstExitedAt":null,"customerLastExitedAt":null,'
        '"customerPaymentInstrumentId":0,"customerSatisfaction":0,"customerSatisfactionSubmitted":true,'
        '"suspectedFraud":false,"groupSize":1,"visitors":0,"locationId":"string","priority":0,"storeId":5,'
        '"storeIdScannableAt":5,"metadata":{"events":[{"eventId":"string","metadata":{}}]},"customerId":"42"}'
    )


def test_the_contracts_customer_is_shown_byte_for_byte() -> None:
    assert body("customer") == (
        '{"externalId":"string","role":"customer","metadata":{},"priority":0,"email":"user@example.com",'
        '"firstName":"Zoë","lastName":"Åkesson","phone":"+390000000001","id":"42"}'
    )


def test_the_contracts_store_is_shown_byte_for_byte() -> None:
    assert body("store") == (
        '{"aifiUniqueStoreId":"string","status":"OPEN","deploymentStatus":"LIVE","addressLine1":"Königsallee 60",'
        '"addressCity":"Düsseldorf","addressRegion":"NRW","addressCountry":"DE","addressPostalCode":"40212",'
        '"thirdPartyId":"string","storeUrl":"https://example.com","maxPeople":20,"storeConfigId":1,'
        '"name":"Königsallee","id":"5","employeeInside":true}'
    )


def test_members_in_another_order_are_shown_in_the_contracts() -> None:
    for kind, thing in USUAL.items():
        turned = dict(reversed(thing.items()))
        assert getattr(EVENTS.validate_json(event(kind, turned)).data, kind).body == body(kind)


def version(updated: str, time: str, event_id: str, source: str = "/test") -> str:
    envelope = json.loads(event("session", SESSION | {"updatedAt": updated}))
    return EVENTS.validate_json(json.dumps(envelope | {"time": time, "id": event_id, "source": source})).version


def test_a_session_is_newer_by_its_update_then_its_event_then_the_events_id() -> None:
    oldest_first = [
        version("2019-08-24T14:15:22Z", "2026-01-09T00:00:00Z", "z"),
        version("2019-08-24T14:15:22.000001Z", "2026-01-01T00:00:00Z", "z"),
        version("2019-08-24T16:15:22.000001+02:00", "2026-01-01T00:00:00.000001Z", "10"),
        version("2019-08-24T14:15:22.000001Z", "2026-01-01T01:00:00.000001+01:00", "9"),
        version("2019-08-24T14:15:22.000001Z", "2026-01-01T00:00:00.000001Z", "9", "/z"),
        version("2019-08-24T14:15:22.000001Z", "2026-01-01T00:00:00.000001Z", "9a"),
        version("2019-08-24T14:15:22.000002Z", "2025-01-01T00:00:00Z", "0"),
    ]
    assert all(one.encode() < other.encode() for one, other in pairwise(oldest_first))
    assert EVENTS.validate_json(event("store", STORE)).version == "2026-01-02T03:04:05.000000Z\ne1\n/test"


def test_the_statuses_are_those_that_are_asked_for() -> None:
    assert get_args(events.Status) == query.STATUSES


def test_the_schema_files_are_fresh() -> None:
    written = {path.name: path.read_text() for path in (FUNCTIONS / "store").glob("*.schema.json")}
    made = {f"{kind}.schema.json": event_schemas._text(kind, model) for kind, model in DATA.items()}

    assert written == made, "run `make schemas`"


@pytest.mark.parametrize("kind", USUAL)
def test_the_schemas_say_what_the_models_say(kind: str) -> None:
    text = (FUNCTIONS / "store" / f"store.{kind}.saved.schema.json").read_text()
    validator = Draft202012Validator(json.loads(text))

    for good in (USUAL[kind], USUAL[kind] | {"id": "0042"}, {name: USUAL[kind][name] for name in REQUIRED[kind]}):
        assert validator.is_valid({"accountId": "retailer", kind: good})
        assert reason(kind, good) is None
    wrong: list[dict[str, Any]] = [{"colour": 1}, {"id": -1}, {"id": "x"}, {"id": None}, {"id": 2**63}]
    for members in wrong:
        assert not validator.is_valid({"accountId": "retailer", kind: USUAL[kind] | members}), members


def test_the_demonstration_is_sound_and_the_same_every_time() -> None:
    found = demonstration.events()

    assert found == demonstration.events()
    assert len({one["id"] for one in found}) == len(found)
    assert {one["data"]["accountId"] for one in found} == {"demo-retailer"}
    for one in found:
        EVENTS.validate_json(json.dumps(one))
    assert Counter(one["type"] for one in found) == {
        "store.store.saved": 3,
        "store.customer.saved": 40,
        "store.session.saved": 600,
    }


def test_the_demonstration_has_sessions_of_every_kind_over_fourteen_days() -> None:
    data = [one["data"] for one in demonstration.events()]
    stores = {one["store"]["id"] for one in data if "store" in one}
    customers = {one["customer"]["id"] for one in data if "customer" in one}
    sessions = [one["session"] for one in data if "session" in one]

    assert len({one["id"] for one in sessions}) == len({one["code"] for one in sessions}) == 600
    assert len({one["sessionId"] for one in sessions}) == 600
    assert {one["status"] for one in sessions} == set(query.STATUSES)
    assert {one["storeId"] for one in sessions} == stores | {None}
    assert {one["customerId"] for one in sessions} == customers
    assert {one["customer"]["role"] for one in data if "customer" in one} == {
        *("customer", "employee", "tester", "untracked", "unknown")
    }
    assert not all(one["customer"]["firstName"].isascii() for one in data if one.get("customer", {}).get("firstName"))
    for name in SESSION:
        if name in NULLABLE_TIMES or name in ("customerPaymentInstrumentId", "customerSatisfaction", "locationId"):
            assert {one[name] is None for one in sessions} == {True, False}, name
    days = Counter(datetime.fromisoformat(one["createdAt"]).date() for one in sessions)
    assert len(days) == 14
    assert min(days) == datetime(2025, 6, 2, tzinfo=UTC).date()
    assert min(days.values()) > 30


def test_the_demonstrations_commands_ask_with_the_token() -> None:
    connection = demonstration.connection("t-1")

    assert connection == {"account_id": "demo-retailer", "token": "t-1"}
    call = "curl -H 'Authorization: Bearer t-1' 'http://x/api/admin/v2/sessions"
    assert demonstration.curl("http://x", connection) == [
        f"{call}?orderBy=createdAt&direction=desc&count=5'",
        f"{call}?storeId=11&status=created&status=active&minGroupSize=2'",
        f"{call}?count=2'",
        f"{call}?count=2&after=5002'",
    ]
