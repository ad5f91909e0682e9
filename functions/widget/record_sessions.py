"""Records saved claim sessions, from the family's queue."""

from functions.widget import session
from functions.widget.events import EVENTS, SessionSavedEvent
from sessions import erasures, log
from sessions.erasures import Person
from sessions.recording import recorder


def record(event: SessionSavedEvent) -> None:
    """Stores the session ready to be sent, unless a newer save is stored already, or its user was erased since."""
    saved = event.data
    if erasures.has_erased("widget", Person(saved.client_id, saved.user_id), at=event.time):
        return
    stored = session.save(
        client_id=saved.client_id,
        user_id=saved.user_id,
        reference=saved.session.reference,
        created_at=saved.session.created_at,
        body=saved.session.model_dump_json(by_alias=True),
        version=event.version,
    )
    log.info("session saved" if stored else "older save ignored", account=saved.client_id)


handler = recorder("widget", EVENTS, record)
