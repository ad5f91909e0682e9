"""The events of this family, as `widget.session.saved.schema.json` describes their data."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, PlainSerializer, StringConstraints, TypeAdapter
from pydantic.alias_generators import to_camel

from sessions.events import CloudEvent, Data, Timestamp

Id = Annotated[str, StringConstraints(min_length=1, max_length=128)]


def _is_a_day(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise ValueError("not a day of the calendar") from None
    return value


def _to_the_minute(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="minutes")


Minute = Annotated[Timestamp, PlainSerializer(_to_the_minute)]
"""Comes with an offset, and leaves as the answer has it: `2023-11-27T14:52`, in UTC."""


Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$"), AfterValidator(_is_a_day)]


class WidgetData(Data):
    """Members are camelCase on the wire."""

    model_config = ConfigDict(alias_generator=to_camel)


class Holder(WidgetData):
    """The person who holds the policy."""

    first_name: str
    last_name: str
    id: str
    phone: str
    email: str


class Contact(WidgetData):
    """A person to be contacted beside the holder."""

    first_name: str
    last_name: str
    email: str


class Vehicle(WidgetData):
    """What is insured."""

    license_plate: str


class Policy(WidgetData):
    """The policy a claim is made under."""

    number: str
    provider: str
    holder: Holder
    valid_from: Day
    valid_to: Day
    linked_contacts: tuple[Contact, ...]
    vehicle: Vehicle


class Session(WidgetData):
    """The members of the contract's answer, in its order."""

    reference: Id
    date: Minute
    cams_reference: str | None = None
    status: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    created_at: Minute
    selected_policy: Policy | None = None


class SessionSaved(WidgetData):
    """A user's session as it is now, whole."""

    client_id: Id
    user_id: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    session: Session


class SessionSavedEvent(CloudEvent):
    """`widget.session.saved`. The one with the later `time`, then the greater `id`, is newer."""

    type: Literal["widget.session.saved"]
    data: SessionSaved


EVENTS: TypeAdapter[SessionSavedEvent] = TypeAdapter(SessionSavedEvent)
DATA = {"widget.session.saved": SessionSaved}
