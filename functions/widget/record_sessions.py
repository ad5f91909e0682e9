"""Records saved claim sessions, from the family's queue."""

from functions.widget import session
from functions.widget.events import EVENTS, SessionSavedEvent
from sessions import log
from sessions.recording import recorder


def record(event: SessionSavedEvent) -> None:
    """Stores the session ready to be sent, unless a newer save is stored already."""
    saved = event.data
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
