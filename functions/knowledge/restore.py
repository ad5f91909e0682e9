"""Puts sessions of an export back: this family has no queue, and its sessions no events."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, StringConstraints, TypeAdapter, model_validator
from pydantic.alias_generators import to_camel

from functions.knowledge import request, session
from sessions.events import Data, Timestamp

Restored = Literal["restored", "newer", "expired"]
"""It is there now as it was; there is a live one that is as new or newer; it is over, and stays so."""


def _is_not_reserved(value: str) -> str:
    if value == request.RESERVED_ID:
        raise ValueError(f"must not be {request.RESERVED_ID}")
    return value


SessionId = Annotated[str, StringConstraints(pattern=f"^{request.ID.pattern}$"), AfterValidator(_is_not_reserved)]
Text = Annotated[str, StringConstraints(max_length=request.LONGEST_STRING)]


class SessionInfo(Data):
    """A session as its answer has it."""

    model_config = ConfigDict(alias_generator=to_camel)

    session_id: SessionId
    agent_id: Text | None = None
    customer_id: Text | None = None
    visit_id: Text | None = None
    global_visit_id: Text | None = None
    created_at: Timestamp
    updated_at: Timestamp
    expires_at: Timestamp

    @model_validator(mode="after")
    def _runs_forward(self) -> "SessionInfo":
        if not self.created_at <= self.updated_at <= self.expires_at:
            raise ValueError("createdAt, updatedAt and expiresAt are not in this order")
        return self


SESSIONS: TypeAdapter[SessionInfo] = TypeAdapter(SessionInfo)


def restore(one: SessionInfo, *, now: datetime) -> Restored:
    """Stores a session of an export as it was. What is live and as new stays, what is over does not come back."""
    if one.expires_at <= now:
        return "expired"
    known = one.model_dump(by_alias=True)
    members = {name: known[name] for name in session.MEMBERS if known[name] is not None}
    stored = session.put_back(
        one.session_id, members, created=one.created_at, updated=one.updated_at, expires=one.expires_at, now=now
    )
    return "restored" if stored else "newer"
