"""Accounting as AAA servers write it down: the `detail` files of FreeRADIUS, made into events.

A record, as `rlm_detail` writes it, is a line with the date, attributes in indented lines `Name = value`, and an empty
line. What they mean is in RFC 2866 and RFC 2869.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sessions import clock

Attributes = dict[str, str]
Event = dict[str, Any]

ICCID_ATTRIBUTE = "User-Name"
"""RADIUS has no attribute for the ICCID. Networks of SIMs often have it as the user's name, with or without a realm."""

_ATTRIBUTE = re.compile(r"([\w.:-]+)\s?[:+]?=\s*(.*)", re.ASCII)
_ESCAPE = re.compile(rb"\\(?:([0-7]{3})|x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_STATUS = {
    "Start": "start",
    "1": "start",
    "Stop": "stop",
    "2": "stop",
    "Interim-Update": "interim",
    "Alive": "interim",  # its name in older dictionaries
    "3": "interim",
}
_NAS = ("NAS-Identifier", "NAS-IP-Address", "NAS-IPv6-Address")
_ICCID = re.compile(r"[0-9]{19,20}")
_NUMBER = re.compile(r"[0-9]{1,10}")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(r"([A-Z][a-z]{2}) +(\d{1,2}) (\d{4}) (\d\d):(\d\d):(\d\d) (?:UTC|GMT)", re.ASCII)
_NO_ADDRESS = ("0.0.0.0", "255.255.255.254", "255.255.255.255")  # noqa: S104 (RFC 2865, 5.8: the NAS is to choose one)


class _NoEventError(Exception):
    """The text says why, without what stands in the record."""


def events(lines: Iterable[tuple[int, str]], *, iccid_attribute: str) -> Iterator[tuple[int, Event | str | None]]:
    """For each record the number of its first line, and its event, or why it has none.

    None is for records of other things than a session's start, interim or stop: a NAS that came up, a log-in.
    """
    begin: int | None = None
    attributes: Attributes = {}
    for number, line in lines:
        if not line.strip():
            if begin is not None:
                yield begin, _read(attributes, iccid_attribute)
            begin = None
        elif line[0].isspace():
            if begin is None:
                begin, attributes = number, {"": ""}
            found = _ATTRIBUTE.fullmatch(line.strip())
            name, value = found.groups() if found else ("", "")
            attributes.setdefault(name, _text(value))
        else:
            if begin is not None:
                yield begin, "the record is cut off: another one begins in it"
            begin, attributes = number, {}
    if begin is not None:
        yield begin, "the record is cut off: no empty line ends it"


def _read(attributes: Attributes, iccid_attribute: str) -> Event | str | None:
    if "" in attributes:
        return "a line is neither a date nor an attribute, or an attribute stands before the date"
    status = _STATUS.get(attributes.get("Acct-Status-Type", ""))
    if status is None:
        return None
    try:
        return _event(attributes, status, iccid_attribute)
    except _NoEventError as error:
        return str(error)


def _event(attributes: Attributes, status: str, iccid_attribute: str) -> Event:
    """It is named by what it says: the same record again, sent anew or written twice, is the same event."""
    iccid = attributes.get(iccid_attribute, "").partition("@")[0]
    if not _ICCID.fullmatch(iccid):
        raise _NoEventError(f"{iccid_attribute} is not an ICCID of 19 or 20 digits")
    if not attributes.get("Acct-Session-Id"):
        raise _NoEventError("Acct-Session-Id is missing")
    time, delay = _time(attributes)
    data = {"iccid": iccid, "accountingSessionId": attributes["Acct-Session-Id"], "status": status}
    ipv4 = attributes.get("Framed-IP-Address", _NO_ADDRESS[0])
    if ipv4 not in _NO_ADDRESS:
        data["ipAddress"] = ipv4
    ipv6 = attributes.get("Framed-IPv6-Prefix") or attributes.get("Framed-IPv6-Address")
    if ipv6:
        data["ipv6Address"] = ipv6
    seconds = _number(attributes, "Acct-Session-Time")
    told: dict[str, Any] = data if seconds is None else data | {"sessionSeconds": seconds}
    nas = next((attributes[name] for name in _NAS if name in attributes), "")
    moment = str(time.timestamp() - delay)
    name = "\n".join((nas, moment, *(f"{member}={value}" for member, value in told.items())))
    return {
        "specversion": "1.0",
        "id": sha256(name.encode(errors="surrogatepass")).hexdigest()[:32],
        "source": "/radius-detail",
        "type": "device.accounting",
        "time": clock.sortable(time),
        "data": told | ({"delaySeconds": delay} if delay else {}),
    }


def _time(attributes: Attributes) -> tuple[datetime, int]:
    """When the record was heard of, and how many seconds after its moment.

    `Event-Timestamp` is the moment itself (RFC 2869, 5.3), where it is in UTC: the names of other zones do not tell
    which they are. `Timestamp` is when the server got the record, `Acct-Delay-Time` after its moment.
    """
    if found := _DATE.fullmatch(attributes.get("Event-Timestamp", "")):
        month, *numbers = found.groups()
        day, year, hour, minute, second = map(int, numbers)
        try:
            return datetime(year, _MONTHS.index(month) + 1, day, hour, minute, min(second, 59), tzinfo=UTC), 0
        except ValueError:
            raise _NoEventError("Event-Timestamp is not in the calendar") from None
    seconds = _number(attributes, "Timestamp")
    if seconds is None:
        raise _NoEventError("there is neither an Event-Timestamp in UTC nor a Timestamp")
    return datetime.fromtimestamp(seconds, UTC), _number(attributes, "Acct-Delay-Time") or 0


def _number(attributes: Attributes, name: str) -> int | None:
    value = attributes.get(name)
    if value is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise _NoEventError(f"{name} is not a number of seconds")
    return int(value)


def _text(value: str) -> str:
    r"""The value without its quotes and escapes, which may be octets: `"caf\303\251"`."""
    if len(value) < 2 or value[0] not in "\"'" or value[-1] != value[0]:
        return value
    octets = value[1:-1].encode(errors="surrogateescape")
    return _ESCAPE.sub(_unescaped, octets).decode(errors="surrogateescape")


def _unescaped(found: re.Match[bytes]) -> bytes:
    octal, hexadecimal, letter = found.groups()
    if letter:
        return _LETTERS.get(letter, letter)
    return bytes([int(octal, 8) & 255 if octal else int(hexadecimal, 16)])
