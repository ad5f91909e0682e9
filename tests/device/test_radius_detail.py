"""FreeRADIUS's `detail` files as events: what a record says, what is none of ours, and what is wrong with others."""

from typing import Any

import pytest

from functions.device import radius_detail
from functions.device.events import EVENTS, AccountingEvent
from sessions import clock

ICCID = "8988216716970004975"
RECORD = f"""Mon Nov 23 17:41:09 2026
\tAcct-Status-Type = Interim-Update
\tUser-Name = "{ICCID}@iot.example"
\tAcct-Session-Id = "0A00\\"01"
\tNAS-IP-Address = 192.0.2.1
\tNAS-Identifier = "ggsn-1"
\tFramed-IP-Address = 10.21.0.7
\tFramed-IPv6-Prefix = 2605:9780:309e::/64
\tAcct-Session-Time = 3600
\tAcct-Delay-Time = 5
\tAcct-Input-Octets = 1234
\t3GPP-IMSI = "901280000000001"
\tEvent-Timestamp = "Nov 23 2026 17:41:04 UTC"
\tTmp-String-9 = "ai:"
\tTimestamp = 1795455669

"""


def read(text: str, attribute: str = radius_detail.ICCID_ATTRIBUTE) -> list[tuple[int, Any]]:
    return list(radius_detail.events(enumerate(text.splitlines(), 1), iccid_attribute=attribute))


def data(text: str) -> dict[str, Any]:
    ((_, event),) = read(text)
    found: dict[str, Any] = event["data"]
    return found


def without(name: str) -> str:
    return "".join(line for line in RECORD.splitlines(keepends=True) if not line.startswith(f"\t{name} "))


def changed(name: str, value: str) -> str:
    return without(name).removesuffix("\n") + f"\t{name} = {value}\n\n"


def test_a_record_is_an_event_of_its_moment() -> None:
    ((line, event),) = read(RECORD)
    name = event.pop("id")
    assert (line, len(name)) == (1, 32)
    assert event == {
        "specversion": "1.0",
        "source": "/radius-detail",
        "type": "device.accounting",
        "time": "2026-11-23T17:41:04.000000Z",
        "data": {
            "iccid": ICCID,
            "accountingSessionId": '0A00"01',
            "status": "interim",
            "ipAddress": "10.21.0.7",
            "ipv6Address": "2605:9780:309e::/64",
            "sessionSeconds": 3600,
        },
    }
    EVENTS.validate_python(event | {"id": name})


def test_without_its_own_moment_a_record_has_the_servers_less_the_delay() -> None:
    for text in (without("Event-Timestamp"), changed("Event-Timestamp", '"Nov 23 2026 19:41:04 EET"')):
        ((_, event),) = read(text)
        assert event["time"] == "2026-11-23T17:41:09.000000Z"
        assert event["data"]["delaySeconds"] == 5
        found = EVENTS.validate_python(event)
        assert isinstance(found, AccountingEvent)
        assert clock.sortable(found.moment) == "2026-11-23T17:41:04.000000Z"


def test_a_record_that_was_sent_or_written_again_is_the_same_event() -> None:
    plain = without("Event-Timestamp")
    later = plain.replace("Acct-Delay-Time = 5", "Acct-Delay-Time = 15").replace("1795455669", "1795455679")
    names = [event["id"] for _, event in read(RECORD + RECORD + plain + later)]
    assert len(names) == 4
    assert len(set(names)) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Acct-Status-Type", "Stop"),
        ("Acct-Session-Id", '"other"'),
        ("NAS-Identifier", '"ggsn-2"'),
        ("User-Name", '"8988216716970004983"'),
        ("Framed-IP-Address", "10.21.0.8"),
        ("Acct-Session-Time", "3601"),
        ("Event-Timestamp", '"Nov 23 2026 17:41:05 UTC"'),
    ],
)
def test_what_says_something_else_is_another_event(name: str, value: str) -> None:
    (_, one), (_, other) = read(RECORD + changed(name, value))
    assert one["id"] != other["id"]


def test_what_is_no_session_is_skipped() -> None:
    for text in (
        changed("Acct-Status-Type", "Accounting-On"),
        changed("Acct-Status-Type", "15"),
        changed("Packet-Type", "Access-Request").replace("\tAcct-Status-Type = Interim-Update\n", ""),
    ):
        assert read(text) == [(1, None)]


@pytest.mark.parametrize(
    ("given", "status"), [("Start", "start"), ("1", "start"), ("2", "stop"), ("Alive", "interim"), ("3", "interim")]
)
def test_a_status_has_several_names(given: str, status: str) -> None:
    assert data(changed("Acct-Status-Type", given))["status"] == status


@pytest.mark.parametrize("address", ["0.0.0.0", "255.255.255.254", "255.255.255.255"])
def test_an_address_that_is_still_to_be_chosen_is_none(address: str) -> None:
    assert "ipAddress" not in data(changed("Framed-IP-Address", address))


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r'"caf\303\251"', "café"),
        (r'"a\\b\"c\td"', 'a\\b"c\td'),
        (r'"\x41\n"', "A\n"),
        ("'single'", "single"),
        ("0x0a0b", "0x0a0b"),
        ('"', '"'),
    ],
)
def test_values_are_without_quotes_and_escapes(written: str, text: str) -> None:
    assert data(changed("Acct-Session-Id", written))["accountingSessionId"] == text


def test_the_iccid_may_stand_elsewhere() -> None:
    ((_, event),) = read(changed("Calling-Station-Id", '"8988216716970004991"'), "Calling-Station-Id")
    assert event["data"]["iccid"] == "8988216716970004991"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (without("User-Name"), "User-Name is not an ICCID of 19 or 20 digits"),
        (changed("User-Name", '"901280000000001"'), "User-Name is not an ICCID of 19 or 20 digits"),
        (without("Acct-Session-Id"), "Acct-Session-Id is missing"),
        (changed("Acct-Session-Time", "soon"), "Acct-Session-Time is not a number of seconds"),
        (changed("Event-Timestamp", '"Feb 30 2026 00:00:00 UTC"'), "Event-Timestamp is not in the calendar"),
        (
            without("Event-Timestamp").replace("\tTimestamp = 1795455669\n", ""),
            "there is neither an Event-Timestamp in UTC nor a Timestamp",
        ),
        (RECORD.removesuffix("\n"), "the record is cut off: no empty line ends it"),
        (
            RECORD.replace("\tTmp-String-9 =", "\tTmp-String-9"),
            "a line is neither a date nor an attribute, or an attribute stands before the date",
        ),
        (
            RECORD.partition("\n")[2],
            "a line is neither a date nor an attribute, or an attribute stands before the date",
        ),
    ],
)
def test_what_is_wrong_with_a_record_is_told_without_its_values(text: str, reason: str) -> None:
    assert read(text) == [(1, reason)]


def test_a_record_that_another_one_cuts_off_takes_no_other_with_it() -> None:
    found = read("\n\n" + RECORD.removesuffix("\n") + RECORD)
    assert found[0] == (3, "the record is cut off: another one begins in it")
    assert (found[1][0], found[1][1]["data"]["iccid"]) == (18, ICCID)
