"""`GET /api/admin/v2/sessions`: a page of the retailer's sessions."""

from typing import Any

from functions.store import dialect, listing, parameters
from functions.store.listing import UnknownSessionError
from functions.store.parameters import InvalidParametersError
from sessions import proxy
from sessions.proxy import Answer, Event


@proxy.endpoint(dialect.internal_error)
def handler(event: Event, context: Any) -> Answer:
    try:
        query = parameters.parse(event.get("multiValueQueryStringParameters"))
        page = listing.page(proxy.account(event), query)
    except InvalidParametersError as error:
        return dialect.invalid(error.faults)
    except UnknownSessionError as error:
        return dialect.unknown_cursor_session(error.field)
    return dialect.page(query, page.bodies, page.previous, page.following)
