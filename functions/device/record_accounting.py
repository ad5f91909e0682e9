"""Records registrations and accounting of devices, from the family's queue."""

from typing import Literal

from functions.device import session
from functions.device.events import EVENTS, AccountingEvent, RegisteredEvent, RemovedEvent
from functions.device.history import Record, Registration
from sessions import clock, log
from sessions.recording import NotYetError, recorder


def record(event: RegisteredEvent | RemovedEvent | AccountingEvent) -> None:
    """Adds the event to its device's history. `NotYetError` where nobody has registered the device."""
    if isinstance(event, AccountingEvent):
        _record_accounting(event)
        return
    kind: Literal["registered", "removed"] = "registered" if isinstance(event, RegisteredEvent) else "removed"
    registration = Registration(event.version, clock.sortable(event.time), kind, event.data.account_id)
    session.register(event.data.iccid, registration)
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
    try:
        session.record(event.data.iccid, event.data.accounting_session_id, accounting, now=clock.now())
    except session.NotRegisteredError:
        raise NotYetError("the device is not registered") from None
    log.info("accounting recorded", status=event.data.status)


handler = recorder("device", EVENTS, record)
