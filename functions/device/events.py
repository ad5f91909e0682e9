"""The events of this family; the `*.schema.json` files beside this one describe their data."""

from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Interface
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, TypeAdapter, model_validator
from pydantic.alias_generators import to_camel

from sessions.events import CloudEvent, Data

Iccid = Annotated[str, StringConstraints(pattern=r"^[0-9]{19,20}$")]
AccountId = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Seconds = Annotated[int, Field(ge=0, lt=2**32)]
"""RADIUS counts them in 32 bits (RFC 2866, 5.2 and 5.7)."""

_LONGEST_ATTRIBUTE = 253  # octets, RFC 2865, 5


def _is_radius_text(value: str) -> str:
    if len(value.encode()) > _LONGEST_ATTRIBUTE:
        raise ValueError("longer than 253 octets")
    return value


def _is_ipv4(value: str) -> str:
    try:
        IPv4Address(value)
    except ValueError:
        raise ValueError("not an IPv4 address") from None
    return value


def _is_ipv6(value: str) -> str:
    try:
        zone = IPv6Interface(value).scope_id
    except ValueError:
        zone = "none"
    if zone is not None:
        raise ValueError("not an IPv6 address or prefix without a zone")
    return value


class DeviceData(Data):
    """Members are camelCase on the wire."""

    model_config = ConfigDict(alias_generator=to_camel)


class Registered(DeviceData):
    """The account has this device, from the event's `time` on."""

    account_id: AccountId
    iccid: Iccid


class Removed(DeviceData):
    """The account has this device no more."""

    account_id: AccountId
    iccid: Iccid


class Accounting(DeviceData):
    """A RADIUS accounting record. Its moment is the event's `time` less `delaySeconds`."""

    iccid: Iccid
    accounting_session_id: Annotated[str, StringConstraints(min_length=1), AfterValidator(_is_radius_text)]
    status: Literal["start", "interim", "stop"]
    ip_address: Annotated[str, AfterValidator(_is_ipv4)] | None = None
    ipv6_address: Annotated[str, AfterValidator(_is_ipv6)] | None = None
    session_seconds: Seconds | None = None
    delay_seconds: Seconds = 0


class RegisteredEvent(CloudEvent):
    """`device.registered`."""

    type: Literal["device.registered"]
    data: Registered


class RemovedEvent(CloudEvent):
    """`device.removed`."""

    type: Literal["device.removed"]
    data: Removed


class AccountingEvent(CloudEvent):
    """`device.accounting`."""

    type: Literal["device.accounting"]
    data: Accounting

    @property
    def moment(self) -> datetime:
        return self.time - timedelta(seconds=self.data.delay_seconds)

    @property
    def estimated_beginning(self) -> datetime | None:
        """When the session began, by the record's own duration; a start needs no estimate."""
        seconds = self.data.session_seconds
        return None if seconds is None or self.data.status == "start" else self.moment - timedelta(seconds=seconds)

    @model_validator(mode="after")
    def _lies_in_the_calendar(self) -> "AccountingEvent":
        try:
            _ = self.moment, self.estimated_beginning
        except OverflowError:
            raise ValueError("the record's moment, or its session's beginning, is before the year 1") from None
        return self


Event = RegisteredEvent | RemovedEvent | AccountingEvent
EVENTS: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])
DATA = {"device.registered": Registered, "device.removed": Removed, "device.accounting": Accounting}
