"""`GET /sessions/{sessionId}`: the session as it is. Changes nothing, whatever headers the request carries."""

from functions.knowledge import dialect, request, session
from sessions import clock
from sessions.proxy import Answer, Event


@dialect.endpoint
def handler(event: Event) -> Answer:
    found = session.read(request.session_id(event), now=clock.now())
    return dialect.session_not_found() if found is None else dialect.session_info(found)
