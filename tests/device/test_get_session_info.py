from typing import Any

import pytest

from functions.device import demonstration, get_session_info
from tests.device.records import (
    ICCID,
    INVALID_ICCID,
    INVALID_VERSION,
    accounting,
    asked,
    get,
    info,
    record,
    registered,
    removed,
    text,
)
from tests.sessions.watching import answer, aws_calls, operations, said

pytestmark = pytest.mark.usefixtures("aws")

BOTH = {"ipAddress": "10.0.0.1", "ipv6Address": "2605:9780:309e::/64"}
ORDER = ["iccid", "ipAddress", "ipv6Address", "dateSessionStarted", "dateSessionEnded"]


def test_another_version_than_v1_is_refused() -> None:
    record(registered())

    for version in ("V1", "v2", "v10", "v1.0", "1", "v", "", "v01", " v1", "v1 ", "vv1", "v\uff11", "v1\n", "v1/v1"):
        assert get(version=version) == INVALID_VERSION, version


def test_the_version_is_checked_before_the_iccid() -> None:
    assert get("unknown", version="v2") == INVALID_VERSION
    assert get("", version="v2", fields=["*"]) == INVALID_VERSION


def test_an_encoded_version_is_the_version() -> None:
    record(registered())
    event = asked()
    for in_the_url in ("v%31", "%76%31", "%761"):
        event["pathParameters"]["apiVersion"] = in_the_url
        assert said(get_session_info.handler(event, None)) == info()
    event["pathParameters"]["apiVersion"] = "v%2531"
    assert said(get_session_info.handler(event, None)) == INVALID_VERSION


def test_what_is_no_iccid_is_not_found() -> None:
    record(registered())

    for wrong in (
        "",
        "1",
        ICCID[:-1],
        ICCID + "00",
        ICCID + "F",
        f" {ICCID}",
        f"{ICCID}\n",
        "".join(chr(0x660 + int(digit)) for digit in ICCID),
        f"+{ICCID[1:]}",
        f"{ICCID}/sessionInfo",
        "x" * 5000,
        "\ufffd" * 19,
    ):
        assert get(wrong) == INVALID_ICCID, wrong


def test_what_is_no_iccid_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = aws_calls(monkeypatch)

    get("1")
    get(version="v2")
    assert calls == []


def test_an_unknown_device_is_not_found() -> None:
    assert get() == INVALID_ICCID


def test_another_accounts_device_is_not_found() -> None:
    record(registered("other"), accounting(**BOTH))

    assert get(account="other")["statusCode"] == 200
    for account in ("fleet", "Other", "", "None", "null"):
        assert get(account=account) == INVALID_ICCID


def test_a_removed_device_is_not_found() -> None:
    record(registered(), accounting(**BOTH), removed())

    for account in ("fleet", "", "None", "null"):
        assert get(account=account) == INVALID_ICCID


def test_the_account_is_the_authorizers_alone() -> None:
    record(registered("other"))

    event = asked(headers={"account": "other"}, multiValueQueryStringParameters={"account": ["other"]})
    assert said(get_session_info.handler(event, None)) == INVALID_ICCID
    event["requestContext"]["authorizer"] = {}
    assert said(get_session_info.handler(event, None))["statusCode"] == 500


def test_an_unexpected_failure_tells_no_internals(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(call: Any) -> None:
        raise RuntimeError("internals")

    aws_calls(monkeypatch, fail)

    assert get() == answer(500, {"errorMessage": "Unknown server error", "errorCode": "30000001"})


def test_a_device_that_never_had_a_session_has_nulls() -> None:
    record(registered())

    assert text() == f'{{"iccid":"{ICCID}","ipAddress":null,"dateSessionStarted":null,"dateSessionEnded":null}}'
    assert get() == info()


def test_the_demonstration_answers_as_it_says() -> None:
    record(*demonstration.events())

    assert text(demonstration.ENDED, account=demonstration.ACCOUNT) == (
        '{"iccid":"8988216716970004975","ipAddress":null,"ipv6Address":"2605:9780:309e::/64",'
        '"dateSessionStarted":"2016-07-06 01:31:46.893+0000","dateSessionEnded":"2016-07-06 03:02:10.104+0000"}'
    )
    assert text(demonstration.IN_SESSION, account=demonstration.ACCOUNT) == (
        '{"iccid":"8988216716970004983","ipAddress":"10.21.0.7","ipv6Address":"2605:9780:309f::/64",'
        '"dateSessionStarted":"2016-07-07 22:15:03.250+0000","dateSessionEnded":null}'
    )
    assert get(demonstration.NEVER_IN_SESSION, account=demonstration.ACCOUNT) == info(demonstration.NEVER_IN_SESSION)


def test_ipv6_is_there_only_where_the_session_has_it() -> None:
    record(registered(), accounting(ipAddress="10.0.0.1"))

    assert get() == info(ipAddress="10.0.0.1", dateSessionStarted="2026-01-02 00:00:00.000+0000")


def test_ipv4_is_null_where_the_session_has_none() -> None:
    record(registered(), accounting(ipv6Address="2605::1"))

    assert list(get()["body"]) == ORDER
    assert get() == info(ipv6Address="2605::1", dateSessionStarted="2026-01-02 00:00:00.000+0000")


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("2016-07-06T01:31:46.893Z", "2016-07-06 01:31:46.893+0000"),
        ("2016-07-06T01:31:46Z", "2016-07-06 01:31:46.000+0000"),
        ("2016-07-06T01:31:46.8999Z", "2016-07-06 01:31:46.899+0000"),
        ("2016-07-06T01:31:46.000999999Z", "2016-07-06 01:31:46.000+0000"),
        ("2016-07-06t03:31:46.5+02:00", "2016-07-06 01:31:46.500+0000"),
        ("2015-12-31T23:59:59.999-01:00", "2016-01-01 00:59:59.999+0000"),
        ("0099-01-01T00:00:00Z", "0099-01-01 00:00:00.000+0000"),
    ],
)
def test_dates_are_in_utc_with_three_digits_of_a_second(time: str, shown: str) -> None:
    record(registered(), accounting(time=time), accounting("stop", time=time))

    assert get() == info(dateSessionStarted=shown, dateSessionEnded=shown)


def test_iccids_of_19_and_20_digits_are_texts() -> None:
    for iccid in ("0" * 19, "01234567890123456789"):
        record(registered(iccid=iccid))
        assert get(iccid) == info(iccid)


def test_an_encoded_iccid_is_the_iccid() -> None:
    record(registered())
    event = asked()
    event["pathParameters"]["iccid"] = "%38" + ICCID[1:]

    assert said(get_session_info.handler(event, None)) == info()


def test_fields_choose_members_in_the_answers_order() -> None:
    record(registered(), accounting(**BOTH))
    whole = get()["body"]
    assert list(whole) == ORDER

    for fields, chosen in (
        (["ipAddress"], ["ipAddress"]),
        (["dateSessionEnded,iccid"], ["iccid", "dateSessionEnded"]),
        (["ipv6Address, ipAddress "], ["ipAddress", "ipv6Address"]),
        (["ipAddress,ipAddress"], ["ipAddress"]),
        (["ipAddress,,"], ["ipAddress"]),
        (["ipAddress,unknown"], ["ipAddress"]),
        (["dateSessionStarted", "iccid"], ["iccid", "dateSessionStarted"]),
        (["unknown"], []),
        (["IPADDRESS"], []),
        (["*"], ORDER),
        (["unknown, *"], ORDER),
        (["iccid", "*"], ORDER),
        ([""], ORDER),
        ([" , "], ORDER),
        ([], ORDER),
        (["x" * 5000], []),
    ):
        given = get(fields=fields)
        assert given == answer(200, {name: whole[name] for name in chosen}), fields
        assert list(given["body"]) == chosen, fields


def test_fields_never_add_an_address_that_is_not_there() -> None:
    record(registered())

    assert get(fields=["ipv6Address"]) == answer(200, {})
    assert get(fields=["ipv6Address,ipAddress"]) == answer(200, {"ipAddress": None})


def test_a_request_costs_one_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    record(registered(), accounting(**BOTH), *(accounting("stop", session=f"s{number}") for number in range(3)))
    calls = aws_calls(monkeypatch)

    for given in (get(), get(fields=["iccid"]), get(account="other"), get("0" * 19)):
        assert given["statusCode"] in (200, 404)
    assert operations(calls) == ["GetItem"] * 4


@pytest.mark.parametrize(
    "more",
    [
        {"multiValueQueryStringParameters": {"limit": ["1"], "field": ["iccid"], "": [""]}},
        {"headers": {"Content-Type": "application/json", "Content-Length": "0", "Accept": "*/*"}},
        {"headers": {"Content-Type": "text/odd", "Accept": "application/xml"}, "body": "{"},
        {"headers": None, "body": ""},
    ],
)
def test_what_real_clients_send_besides_changes_nothing(more: dict[str, Any]) -> None:
    record(registered(), accounting(**BOTH))

    assert get(**more) == info(**BOTH, dateSessionStarted="2026-01-02 00:00:00.000+0000")
