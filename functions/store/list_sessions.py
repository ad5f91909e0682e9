"""`GET /api/admin/v2/sessions`: a page of the retailer's sessions."""

from typing import Any

from functions.store import dialect, listing, parameters, session
from functions.store.listing import UnknownSessionError
from functions.store.parameters import InvalidParametersError
from sessions import proxy
from sessions.proxy import Answer, Event


@proxy.endpoint(dialect.internal_error)
def handler(event: Event, context: Any) -> Answer:
    account = proxy.account(event)
    try:
        query = parameters.parse(event.get("multiValueQueryStringParameters"))
        page = listing.page(account, query)
    except InvalidParametersError as error:
        unknown = [name for name, number in error.named.items() if session.find(account, number) is None]
        return dialect.invalid(parameters.in_order([*error.faults, *map(parameters.unknown_session, unknown)]))
    except UnknownSessionError as error:
        return dialect.invalid([parameters.unknown_session(error.field)])
    return dialect.page(query, page.bodies, page.previous, page.following)
