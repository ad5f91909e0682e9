"""Records saved sessions, customers and stores, from the family's queue."""

from typing import Any

from functions.store import ordering, saves
from functions.store.events import EVENTS, CustomerSavedEvent, Moment, Session, SessionSavedEvent, type_of_event
from sessions import clock, erasures, log
from sessions.erasures import Person
from sessions.recording import recorder


def record(event: type_of_event) -> None:
    """Stores what was saved ready to be sent, unless a newer save of it is stored already.

    A session or customer is ignored where the customer was erased since.
    """
    account = event.data.account_id
    customer_id = _customer_of(event)
    if customer_id is not None and erasures.has_erased("store", Person(account, str(customer_id)), at=event.time):
        return
    match event:
        case SessionSavedEvent():
            saved = event.data.session
            stored = saves.save_session(account, values=values_of(saved), body=saved.body, version=event.version)
            kind = "session"
        case CustomerSavedEvent():
            customer = event.data.customer
            stored = saves.save_record(account, "customer", customer.id, body=customer.body, version=event.version)
            kind = "customer"
        case _:
            store = event.data.store
            stored = saves.save_record(account, "store", store.id, body=store.body, version=event.version)
            kind = "store"
    log.info("save recorded" if stored else "older save ignored", kind=kind, account=account)


def _customer_of(event: type_of_event) -> int | None:
    match event:
        case SessionSavedEvent():
            return event.data.session.customer_id
        case CustomerSavedEvent():
            return event.data.customer.id
        case _:
            return None


def values_of(saved: Session) -> dict[str, Any]:
    """What sessions are sorted and found by, under the wire's names."""
    by_wire_name = {field.alias: getattr(saved, name) for name, field in Session.model_fields.items()}
    by_wire_name["sessionToken"] = saved.session_id  # the token may have been left out
    wanted = (*ordering.ORDERINGS, "status", "sessionToken")
    return {name: _sortable(by_wire_name[name]) for name in wanted}


def _sortable(value: Any) -> Any:
    return clock.milliseconds(value.at) if isinstance(value, Moment) else value


handler = recorder("store", EVENTS, record)
