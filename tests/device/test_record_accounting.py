"""The recorder's dealings with single events. How sets of them come to one answer is tested apart."""

from typing import Any

import pytest

from functions.device import record_accounting
from infra.local.resources import Queue
from tests.device.records import ICCID, INVALID_ICCID, accounting, get, info, record, registered, removed
from tests.proxy_events import batch
from tests.sessions.watching import dead_letters, not_buried

pytestmark = pytest.mark.usefixtures("aws")

NOT_REGISTERED = "the device is not registered"


def accepted(aws: dict[str, Queue], *events: Any) -> list[Any]:
    """Those of the events that are not buried at their first attempt."""
    return not_buried(record_accounting.handler, aws["device"].dead_letter_url, events)


def test_accounting_of_an_unregistered_device_waits_and_is_buried_with_a_reason(aws: dict[str, Queue]) -> None:
    for received in (1, 4):
        event = batch(accounting(), received=received)
        again = [{"itemIdentifier": event["Records"][0]["messageId"]}]
        assert record_accounting.handler(event, None) == {"batchItemFailures": again}
    assert dead_letters(aws["device"].dead_letter_url) == []

    event = batch(accounting(), received=5)
    assert record_accounting.handler(event, None) == {"batchItemFailures": []}
    assert dead_letters(aws["device"].dead_letter_url) == [(event["Records"][0]["body"], NOT_REGISTERED)]
    assert get() == INVALID_ICCID


def test_registering_the_device_and_replaying_loses_nothing(aws: dict[str, Queue]) -> None:
    lost = batch(
        accounting("start", "2026-01-02T00:00:00Z", ipAddress="10.0.0.1"),
        accounting("interim", "2026-01-02T01:00:00Z", ipv6Address="2605::/64"),
        accounting("stop", "2026-01-02T02:00:00Z", sessionSeconds=7200),
        received=5,
    )
    record_accounting.handler(lost, None)
    letters = dead_letters(aws["device"].dead_letter_url)
    assert [reason for _, reason in letters] == [NOT_REGISTERED] * 3

    record(registered(time="2026-02-01T00:00:00Z"))
    assert get() == info()
    record(*(body for body, _ in letters))

    assert get() == info(
        ipAddress="10.0.0.1",
        ipv6Address="2605::/64",
        dateSessionStarted="2026-01-02 00:00:00.000+0000",
        dateSessionEnded="2026-01-02 02:00:00.000+0000",
    )


def test_accounting_ahead_of_its_registration_is_recorded_at_the_next_attempt() -> None:
    event = batch(accounting(), registered())
    again = [{"itemIdentifier": event["Records"][0]["messageId"]}]

    assert record_accounting.handler(event, None) == {"batchItemFailures": again}
    assert record_accounting.handler({"Records": event["Records"][:1]}, None) == {"batchItemFailures": []}
    assert get() == info(dateSessionStarted="2026-01-02 00:00:00.000+0000")


def test_accounting_of_a_removed_device_is_buried(aws: dict[str, Queue]) -> None:
    record(registered(), removed())
    record_accounting.handler(batch(accounting(), received=5), None)

    assert [reason for _, reason in dead_letters(aws["device"].dead_letter_url)] == [NOT_REGISTERED]
    assert get() == INVALID_ICCID


def test_a_device_that_is_registered_again_starts_without_sessions() -> None:
    for account in ("fleet", "other"):
        iccid = ICCID if account == "fleet" else ICCID[::-1]
        record(registered(iccid=iccid), accounting(iccid=iccid, ipAddress="10.0.0.1"), removed(iccid=iccid))
        record(registered(account, iccid, time="2026-01-10T00:00:00Z"))

        assert get(iccid, account=account) == info(iccid)

        record(accounting("stop", "2026-01-09T23:59:59.999999Z", iccid=iccid, ipv6Address="2605::/64"))
        assert get(iccid, account=account) == info(iccid), "a moment before the registration is ignored"

        record(accounting("start", "2026-01-10T00:00:00Z", iccid=iccid, session="s2"))
        assert get(iccid, account=account) == info(iccid, dateSessionStarted="2026-01-10 00:00:00.000+0000")


def test_a_device_that_changes_hands_leaves_its_first_account() -> None:
    record(registered(), accounting(ipAddress="10.0.0.1"), removed())
    record(registered("other", time="2026-01-10T00:00:00Z"))

    assert get(account="fleet") == INVALID_ICCID
    assert get(account="other") == info()


def test_removing_for_another_account_changes_nothing() -> None:
    record(registered(), removed("other"))

    assert get() == info()


def test_registering_again_what_an_account_has_keeps_its_sessions() -> None:
    record(registered(), accounting(), registered(time="2026-01-03T00:00:00Z"))

    assert get() == info(dateSessionStarted="2026-01-02 00:00:00.000+0000")


def test_a_stop_tells_when_its_session_began() -> None:
    record(registered(), accounting("stop", "2026-01-02T01:00:00.5Z", sessionSeconds=3600, delaySeconds=10))

    assert get() == info(
        dateSessionStarted="2026-01-01 23:59:50.500+0000", dateSessionEnded="2026-01-02 00:59:50.500+0000"
    )


def test_a_delayed_start_began_before_its_event() -> None:
    record(registered(), accounting("start", "2026-01-02T00:00:00Z", delaySeconds=90))

    assert get() == info(dateSessionStarted="2026-01-01 23:58:30.000+0000")


def test_an_interim_with_a_duration_tells_when_its_session_began() -> None:
    record(registered(), accounting("interim", "2026-01-02T00:00:00Z", sessionSeconds=60))
    assert get() == info(dateSessionStarted="2026-01-01 23:59:00.000+0000")

    record(accounting("start", "2026-01-01T23:59:30Z"))
    assert get() == info(dateSessionStarted="2026-01-01 23:59:30.000+0000"), "a start beats an estimate"


def test_the_next_start_ends_a_session_whose_stop_was_lost() -> None:
    record(registered(), accounting(session="s1", ipAddress="10.0.0.1"))
    record(accounting(session="s2", time="2026-01-03T00:00:00Z", ipAddress="10.0.0.2"))

    assert get() == info(ipAddress="10.0.0.2", dateSessionStarted="2026-01-03 00:00:00.000+0000")


def test_the_same_event_again_changes_nothing() -> None:
    events = [registered(), accounting(ipAddress="10.0.0.1"), accounting("stop", "2026-01-02T01:00:00Z")]
    record(*events)
    before = get()
    record(*events[::-1], *events)

    assert get() == before
    assert before == info(
        ipAddress="10.0.0.1",
        dateSessionStarted="2026-01-02 00:00:00.000+0000",
        dateSessionEnded="2026-01-02 01:00:00.000+0000",
    )


def test_devices_do_not_meet() -> None:
    other = "8988216716970004983"
    record(registered(), registered(iccid=other), accounting(ipAddress="10.0.0.1"))

    assert get(other) == info(other)


def test_the_widest_values_are_recorded() -> None:
    moment = "2026-01-02T00:00:00Z"
    record(
        registered(),
        accounting("stop", moment, session="é" * 126, sessionSeconds=0, delaySeconds=0),
        accounting("stop", moment, session="x" * 253, sessionSeconds=2**32 - 1, delaySeconds=2**32 - 1),
    )

    assert get() == info(
        dateSessionStarted="2026-01-02 00:00:00.000+0000", dateSessionEnded="2026-01-02 00:00:00.000+0000"
    )


def test_addresses_may_be_null_in_an_event() -> None:
    record(registered(), accounting(ipAddress=None, ipv6Address=None, sessionSeconds=None))

    assert get() == info(dateSessionStarted="2026-01-02 00:00:00.000+0000")


@pytest.mark.parametrize("address", ["2605:9780:309e::/64", "2605::1", "::", "2605::1/128", "::ffff:10.0.0.1"])
def test_an_ipv6_address_comes_out_as_it_went_in(address: str) -> None:
    record(registered(), accounting(ipv6Address=address))

    assert get()["body"]["ipv6Address"] == address


def test_what_the_answer_could_not_show_is_refused(aws: dict[str, Queue]) -> None:
    record(registered())
    not_v4: list[Any] = ["", "10.0.0", "10.0.0.256", "10.0.0.1/32", "10.0.0.01", " 10.0.0.1", "::1", 167772161, True]
    not_v6: list[Any] = ["", "10.0.0.1", "2605", "2605:::1", "2605::/129", "2605::/", "[::1]", "2605::/64/64", 1, []]
    wrong: list[dict[str, Any]] = [
        *({"ipAddress": address} for address in not_v4),
        *({"ipv6Address": address} for address in not_v6),
        *({name: value} for name in ("sessionSeconds", "delaySeconds") for value in (-1, True, False, 1.0, 1.5, "1")),
        *({name: 2**32} for name in ("sessionSeconds", "delaySeconds")),
        {"delaySeconds": None},
        {"session": ""},
        {"session": "x" * 254},
        {"session": "é" * 127},
        {"session": 7},
        {"status": "Start"},
        {"status": "on"},
        {"status": None},
        {"colour": "red"},
        {"accountId": "fleet"},
        {"ip_address": "10.0.0.1"},
        {"time": "0001-01-01T00:00:10Z", "delaySeconds": 11},
        {"time": "0001-01-01T00:00:10Z", "status": "stop", "sessionSeconds": 11},
        {"time": "2026-01-02T00:00:00"},
    ]
    assert accepted(aws, *(accounting(**members) for members in wrong)) == []
    assert get() == info()


@pytest.mark.parametrize("address", ["fe80::1%eth0", "2605::%x/64"])
def test_an_ipv6_address_has_no_zone(aws: dict[str, Queue], address: str) -> None:
    record(registered())

    assert accepted(aws, accounting(ipv6Address=address)) == [], "a zone means nothing to another host (RFC 4007, 11.2)"


@pytest.mark.parametrize("event", [registered, removed, accounting])
def test_an_iccid_is_19_or_20_digits(aws: dict[str, Queue], event: Any) -> None:
    arabic = "".join(chr(0x660 + int(digit)) for digit in ICCID)
    short, long = "1" * 18, "1" * 21
    wrong = ["", short, long, f"{short}F", f" {ICCID}", f"{ICCID}\n", arabic, int(ICCID), None]

    assert accepted(aws, *(event(iccid=iccid) for iccid in wrong)) == []


@pytest.mark.parametrize("event", [registered, removed])
def test_an_account_has_an_id(aws: dict[str, Queue], event: Any) -> None:
    assert accepted(aws, *(event(account) for account in ("", "x" * 129, None, 7))) == []


def test_a_start_does_not_know_how_long_it_lasts() -> None:
    """A start's own moment is when its session began, whatever duration it carries."""
    record(registered(), accounting("start", sessionSeconds=3600))

    assert get() == info(dateSessionStarted="2026-01-02 00:00:00.000+0000")
