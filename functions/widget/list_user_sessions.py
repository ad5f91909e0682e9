"""`GET /{clientId}/sessions/{userId}`: a user's claim sessions, newest first."""

from typing import Any

from functions.widget import dialect, session
from sessions import accounts, proxy
from sessions.proxy import Answer, Event


@proxy.endpoint(dialect.internal_error)
def handler(event: Event, context: Any) -> Answer:
    client_id = proxy.path_parameter(event, "clientId")
    if not _key_is_of(event, client_id):
        return dialect.unauthorized() if accounts.find_account("widget", client_id) else dialect.no_such_client()
    after = proxy.query_parameter(event, "after")
    try:
        listing = session.of_user(client_id, proxy.path_parameter(event, "userId"), after[-1] if after else None)
    except session.BadCursorError:
        return dialect.bad_cursor()
    headers = {"Link": f'<?after={listing.after}>; rel="next"'} if listing.after else None
    return proxy.answer(200, f"[{','.join(listing.bodies)}]", headers)


def _key_is_of(event: Event, client_id: str) -> bool:
    """The key that the gateway let in must be the one that is bound to this client, by its id."""
    context = event["requestContext"]
    return (
        proxy.account(event) == client_id and context["authorizer"].get("apiKeyId") == context["identity"]["apiKeyId"]
    )
