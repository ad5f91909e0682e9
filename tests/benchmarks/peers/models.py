"""What is asked and answered, as pydantic models, for the frameworks that are built on them."""

from typing import Any, Literal

from pydantic import BaseModel, Field

Ordering = Literal[
    "id",
    "code",
    "storeId",
    "visitors",
    "groupSize",
    "expiresAt",
    "customerId",
    "codeLastSuccesfullyScannedAt",
    "customerLastEnteredAt",
    "createdAt",
    "updatedAt",
]
Status = Literal["created", "active", "completed", "expired", "cancelled"]


class SessionInfo(BaseModel):
    iccid: str
    ipAddress: str | None
    ipv6Address: str | None = None
    dateSessionStarted: str | None
    dateSessionEnded: str | None


class Customer(BaseModel):
    externalId: str | None = None
    role: Literal["customer", "employee", "tester", "untracked", "unknown"]
    metadata: dict[str, Any]
    priority: int | None = None
    email: str | None = None
    firstName: str | None = None
    lastName: str | None = None
    phone: str | None = None
    id: str


class Store(BaseModel):
    aifiUniqueStoreId: str | None = None
    status: str
    deploymentStatus: str
    addressLine1: str | None = None
    addressCity: str | None = None
    addressRegion: str | None = None
    addressCountry: str | None = None
    addressPostalCode: str | None = None
    thirdPartyId: str | None = None
    storeUrl: str | None = None
    maxPeople: int | None = None
    storeConfigId: int | None = None
    name: str
    id: str
    employeeInside: bool | None = None


class Session(BaseModel):
    id: str
    sessionId: str
    sessionToken: str
    referencedSessionId: str | None
    code: str
    status: Status
    createdAt: str
    updatedAt: str
    expiresAt: str
    codeFirstSuccesfullyScannedAt: str | None
    codeLastSuccesfullyScannedAt: str | None
    customerFirstEnteredAt: str | None
    customerLastEnteredAt: str | None
    customerFirstExitedAt: str | None
    customerLastExitedAt: str | None
    customerPaymentInstrumentId: int | None
    customerSatisfaction: int | None
    customerSatisfactionSubmitted: bool
    suspectedFraud: bool
    groupSize: int
    visitors: int
    locationId: str | None
    priority: int = Field(ge=-10, le=10)
    storeId: int | None
    storeIdScannableAt: int | None
    metadata: dict[str, Any]
    customerId: str
    customer: Customer | None
    store: Store | None


class Link(BaseModel):
    count: int
    after: str
    direction: Literal["asc", "desc"]


class Pagination(BaseModel):
    previous: Link | None
    next: Link | None


class Page(BaseModel):
    data: list[Session]
    pagination: Pagination
