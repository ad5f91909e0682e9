"""Records registrations and accounting of devices, from the family's queue."""

from typing import Literal

from functions.device import records
from functions.device.events import EVENTS, AccountingEvent, Event, RegisteredEvent, RemovedEvent
from functions.device.history import Record, Registration
from sessions import clock, erasures, log
from sessions.erasures import Person
from sessions.recording import NotYetError, recorder


def record(event: Event) -> None:
    """Adds the event to its device's history, unless that was erased since. `NotYetError` where it has to wait."""
    # What a delayed record tells is of its moment: from before the erasure, even if it was sent after it.
    at = event.moment if isinstance(event, AccountingEvent) else event.time
    if erasures.has_erased("device", Person(None, event.data.iccid), at=at):
        return
    try:
        if isinstance(event, AccountingEvent):
            _record_accounting(event)
        else:
            _record_registration(event)
    except records.NotRegisteredError:
        raise NotYetError("the device is not registered") from None
    except records.ContendedError:
        raise NotYetError("others kept changing the device") from None


def _record_registration(event: RegisteredEvent | RemovedEvent) -> None:
    kind: Literal["registered", "removed"] = "registered" if isinstance(event, RegisteredEvent) else "removed"
    registration = Registration(event.version, clock.sortable(event.time), kind, event.data.account_id)
    records.register(event.data.iccid, registration, now=clock.now())
    log.info(f"device {kind}", account=event.data.account_id)


def _record_accounting(event: AccountingEvent) -> None:
    estimate = event.estimated_beginning
    accounting = Record(
        status=event.data.status,
        moment=clock.sortable(event.moment),
        estimate=None if estimate is None else clock.sortable(estimate),
        ip_address=event.data.ip_address,
        ipv6_address=event.data.ipv6_address,
    )
    records.record(event.data.iccid, event.data.accounting_session_id, accounting, now=clock.now())
    log.info("accounting recorded", status=event.data.status)


handler = recorder("device", EVENTS, record)
