"""The first page of the store listing on Powertools' resolver, with validation."""

from typing import Annotated, Literal

import shopping
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.params import Query
from models import Ordering, Page, Status

app = APIGatewayRestResolver(enable_validation=True)
handler = app.resolve


@app.get("/api/admin/v2/sessions")
def list_sessions(
    count: Annotated[int, Query(ge=1, le=200)] = 20,
    orderBy: Annotated[Ordering, Query()] = "id",
    direction: Annotated[Literal["asc", "desc"], Query()] = "asc",
    id: Annotated[int | None, Query()] = None,
    storeId: Annotated[int | None, Query()] = None,
    customerId: Annotated[int | None, Query()] = None,
    code: Annotated[str | None, Query()] = None,
    sessionToken: Annotated[str | None, Query()] = None,
    status: Annotated[list[Status] | None, Query()] = None,
    minCreatedAt: Annotated[str | None, Query()] = None,
    maxCreatedAt: Annotated[str | None, Query()] = None,
    minUpdatedAt: Annotated[str | None, Query()] = None,
    maxUpdatedAt: Annotated[str | None, Query()] = None,
    minExpiresAt: Annotated[str | None, Query()] = None,
    maxExpiresAt: Annotated[str | None, Query()] = None,
    minCodeLastSuccesfullyScannedAt: Annotated[str | None, Query()] = None,
    maxCodeLastSuccesfullyScannedAt: Annotated[str | None, Query()] = None,
    minCustomerLastEnteredAt: Annotated[str | None, Query()] = None,
    maxCustomerLastEnteredAt: Annotated[str | None, Query()] = None,
    minVisitors: Annotated[int | None, Query(ge=0)] = None,
    maxVisitors: Annotated[int | None, Query(ge=1)] = None,
    minGroupSize: Annotated[int | None, Query(ge=0)] = None,
    maxGroupSize: Annotated[int | None, Query(ge=1)] = None,
) -> Page:
    asked = {name: value for name, value in locals().items() if value is not None}
    return Page(**shopping.first_page(app.current_event.request_context.authorizer["account"], asked))
