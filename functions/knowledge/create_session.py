"""`PUT /sessions/new`: a new session."""

from functions.knowledge import dialect, request, session
from sessions import clock
from sessions.proxy import Answer, Event


@dialect.endpoint
def handler(event: Event) -> Answer:
    members = request.members(event)
    return dialect.session_info(session.create(members, now=clock.now(), lifetime=request.lifetime()))
