"""`POST /sessions/{sessionId}`: sets members of the session, or starts it with them under that id."""

from functions.knowledge import dialect, request, session
from sessions import clock
from sessions.proxy import Answer, Event


@dialect.endpoint
def handler(event: Event) -> Answer:
    session_id, members = request.own_session_id(event), request.members(event)
    now, lifetime = clock.now(), request.lifetime()
    return dialect.session_info(session.associate(session_id, members, now=now, lifetime=lifetime))
