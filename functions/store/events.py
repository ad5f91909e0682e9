"""The events of this family; the `*.schema.json` files beside this one describe their data."""

import math
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
    StringConstraints,
    TypeAdapter,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    field_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema

from functions.store.ordering import LARGEST_INTEGER, SMALLEST_INTEGER
from functions.store.session import CLOCK_DIFFERENCE, LARGEST_BODY, LARGEST_RECORD, LONGEST_TEXT
from sessions import clock
from sessions.events import CloudEvent, Data, Name, Timestamp

_DIGITS = re.compile(r"[0-9]{1,64}")


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not _DIGITS.fullmatch(value):
        raise ValueError("neither an integer nor 1 to 64 digits")
    return int(value)


def _fits_into_a_key(value: str) -> str:
    if len(value.encode()) > LONGEST_TEXT:
        raise ValueError(f"longer than {LONGEST_TEXT} octets")
    return value


def _can_be_sent(value: Any) -> Any:
    if not _is_finite(value):
        raise ValueError("has a number that JSON cannot have, or one too large")
    return value


def _is_finite(value: Any) -> bool:
    """JSON has no infinity: our parser makes one of `1e999`, and takes `NaN`."""
    match value:
        case dict():
            return all(map(_is_finite, value.values()))
        case list():
            return all(map(_is_finite, value))
        case float():
            return math.isfinite(value)
        case _:
            return True


def _refuse_beyond(most: int, *texts: str) -> None:
    if sum(len(text.encode()) for text in texts) > most:
        raise ValueError(f"too large: stored, more than {most} octets")


AccountId = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Integer = Annotated[int, Field(ge=SMALLEST_INTEGER, le=LARGEST_INTEGER)]
Natural = Annotated[int, Field(ge=0, le=LARGEST_INTEGER)]
Priority = Annotated[int, Field(ge=-10, le=10)]
Id = Annotated[
    Natural,
    BeforeValidator(_number),
    PlainSerializer(str),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": LARGEST_INTEGER},
                {"type": "string", "pattern": f"^{_DIGITS.pattern}$"},
            ]
        }
    ),
]
"""Comes as a number or as digits, and leaves as digits. Leading zeros do not make it another one."""
KeyText = Annotated[Name, AfterValidator(_fits_into_a_key)]
"""Sessions are looked up or sorted by it."""
Word = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2, by its form: countries come and go."""
Json = Annotated[Any, AfterValidator(_can_be_sent)]
Status = Literal["created", "active", "completed", "expired", "cancelled"]


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as its source wrote it: in UTC to the microsecond, and whether it had a fraction of a second."""

    at: datetime
    has_fraction: bool

    def __str__(self) -> str:
        """As the answer has it: `2019-08-24T14:15:22Z`, with three digits of a second where the source had any."""
        text = clock.milliseconds(self.at)
        return text if self.has_fraction else text[: -len(".000Z")] + "Z"

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: Any, inner: ValidatorFunctionWrapHandler) -> Moment:
            return cls(at=inner(value), has_fraction="." in value)

        return handler.generate_schema(Annotated[Timestamp, WrapValidator(read), PlainSerializer(str)])


class StoreData(Data):
    """Members are camelCase on the wire."""

    model_config = ConfigDict(alias_generator=to_camel)


class Stored(StoreData):
    """What is stored as the answer shows it. The members stand in the contract's order."""

    @cached_property
    def body(self) -> str:
        """The JSON that is sent."""
        return self.model_dump_json(by_alias=True)


class Occurrence(StoreData):
    """Something that happened in a session."""

    event_id: str | int
    metadata: dict[str, Json] = {}


class Metadata(StoreData):
    """What happened, and whatever else the retailer notes."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, Json] = Field(init=False)

    events: tuple[Occurrence, ...] = ()


class Session(Stored):
    """The members of the contract's Session, except `customer` and `store`: those are looked up when it is shown."""

    id: Id
    session_id: KeyText
    session_token: KeyText | None = None
    referenced_session_id: str | None = None
    code: KeyText
    status: Status
    created_at: Moment
    updated_at: Moment
    expires_at: Moment
    code_first_succesfully_scanned_at: Moment | None = None
    code_last_succesfully_scanned_at: Moment | None = None
    customer_first_entered_at: Moment | None = None
    customer_last_entered_at: Moment | None = None
    customer_first_exited_at: Moment | None = None
    customer_last_exited_at: Moment | None = None
    customer_payment_instrument_id: Natural | None = None
    customer_satisfaction: Integer | None = None
    customer_satisfaction_submitted: bool
    suspected_fraud: bool
    group_size: Natural
    visitors: Natural
    location_id: str | None = None
    priority: Priority = 0
    store_id: Natural | None = None
    store_id_scannable_at: Natural | None = None
    metadata: Metadata = Metadata()
    customer_id: Id

    @field_serializer("session_token")
    def _the_same_as_its_id(self, _given: str | None) -> str:
        return self.session_id

    @model_validator(mode="after")
    def _has_one_token(self) -> "Session":
        if self.session_token not in (None, self.session_id):
            raise ValueError("sessionToken is not the same as sessionId")
        return self

    @model_validator(mode="after")
    def _fits_into_an_item(self) -> "Session":
        _refuse_beyond(LARGEST_BODY, self.body)
        return self

    @model_validator(mode="after")
    def _begins_when_it_is_created(self) -> "Session":
        early = [
            to_camel(name)
            for name in type(self).model_fields
            if isinstance(time := getattr(self, name), Moment) and self.created_at.at - time.at > CLOCK_DIFFERENCE
        ]
        if early:
            raise ValueError(f"more than 5 minutes before createdAt: {', '.join(early)}")
        return self


class Customer(Stored):
    """The contract's `customer`. Of one who is not tracked, little is known."""

    external_id: str | None = None
    role: Literal["customer", "employee", "tester", "untracked", "unknown"]
    metadata: dict[str, Json] = {}
    priority: Priority = 0
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    id: Id


class Store(Stored):
    """The contract's `store`."""

    aifi_unique_store_id: str | None = None
    status: Word
    deployment_status: Word
    address_line1: str | None = None
    address_city: str | None = None
    address_region: str | None = None
    address_country: Country | None = None
    address_postal_code: str | None = None
    third_party_id: str | None = None
    store_url: str | None = None
    max_people: Natural | None = None
    store_config_id: Natural | None = None
    name: str
    id: Id
    employee_inside: bool


class SessionSaved(StoreData):
    """An account's session as it is now, whole."""

    account_id: AccountId
    session: Session


class CustomerSaved(StoreData):
    """An account's customer as it is now, whole."""

    account_id: AccountId
    customer: Customer


class StoreSaved(StoreData):
    """An account's store as it is now, whole."""

    account_id: AccountId
    store: Store


class SessionSavedEvent(CloudEvent):
    """`store.session.saved`. The later `updatedAt`, then the later `time`, then the greater `id`, is newer."""

    type: Literal["store.session.saved"]
    data: SessionSaved

    @property
    def version(self) -> str:
        return f"{clock.sortable(self.data.session.updated_at.at)}\n{super().version}"


class CustomerSavedEvent(CloudEvent):
    """`store.customer.saved`. The one with the later `time`, then the greater `id`, is newer."""

    type: Literal["store.customer.saved"]
    data: CustomerSaved

    @model_validator(mode="after")
    def _fits_into_an_item(self) -> "CustomerSavedEvent":
        _refuse_beyond(LARGEST_RECORD, self.data.customer.body, self.version, self.data.account_id)
        return self


class StoreSavedEvent(CloudEvent):
    """`store.store.saved`. The one with the later `time`, then the greater `id`, is newer."""

    type: Literal["store.store.saved"]
    data: StoreSaved

    @model_validator(mode="after")
    def _fits_into_an_item(self) -> "StoreSavedEvent":
        _refuse_beyond(LARGEST_RECORD, self.data.store.body, self.version, self.data.account_id)
        return self


type_of_event = SessionSavedEvent | CustomerSavedEvent | StoreSavedEvent
EVENTS: TypeAdapter[type_of_event] = TypeAdapter(Annotated[type_of_event, Field(discriminator="type")])
DATA: dict[str, type[StoreData]] = {
    "store.session.saved": SessionSaved,
    "store.customer.saved": CustomerSaved,
    "store.store.saved": StoreSaved,
}
