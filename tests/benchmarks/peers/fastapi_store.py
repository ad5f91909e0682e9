"""The first page of the store listing on FastAPI and Mangum."""

from typing import Annotated, Any, Literal

import shopping
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from mangum import Mangum
from models import Ordering, Page, Status
from pydantic import BaseModel, Field

app = FastAPI()


class Parameters(BaseModel):
    count: int = Field(20, ge=1, le=200)
    orderBy: Ordering = "id"
    direction: Literal["asc", "desc"] = "asc"
    id: int | None = None
    storeId: int | None = None
    customerId: int | None = None
    code: str | None = None
    sessionToken: str | None = None
    status: list[Status] = []
    minCreatedAt: str | None = None
    maxCreatedAt: str | None = None
    minUpdatedAt: str | None = None
    maxUpdatedAt: str | None = None
    minExpiresAt: str | None = None
    maxExpiresAt: str | None = None
    minCodeLastSuccesfullyScannedAt: str | None = None
    maxCodeLastSuccesfullyScannedAt: str | None = None
    minCustomerLastEnteredAt: str | None = None
    maxCustomerLastEnteredAt: str | None = None
    minVisitors: int | None = Field(None, ge=0)
    maxVisitors: int | None = Field(None, ge=1)
    minGroupSize: int | None = Field(None, ge=0)
    maxGroupSize: int | None = Field(None, ge=1)


@app.exception_handler(RequestValidationError)
async def refuse(_request: Request, refused: RequestValidationError) -> JSONResponse:
    errors = [{"error": one["msg"], "rule": one["type"], "field": f'"{one["loc"][-1]}"'} for one in refused.errors()]
    body = {"message": "The request has invalid parameters", "type": "E_INVALID_BODY", "errors": errors}
    return JSONResponse(body, 422)


@app.get("/api/admin/v2/sessions", response_model=Page)
def list_sessions(request: Request, parameters: Annotated[Parameters, Query()]) -> Any:
    account = request.scope["aws.event"]["requestContext"]["authorizer"]["account"]
    return shopping.first_page(account, parameters.model_dump(exclude_none=True))


handler = Mangum(app, lifespan="off")
