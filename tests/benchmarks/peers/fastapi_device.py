"""The device call on FastAPI and Mangum."""

from typing import Any

import devices
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from mangum import Mangum
from models import SessionInfo

app = FastAPI()


class RefusedError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status, self.body = status, {"errorMessage": message, "errorCode": code}


@app.exception_handler(RefusedError)
async def refuse(_request: Request, refused: RefusedError) -> JSONResponse:
    return JSONResponse(refused.body, refused.status)


@app.get(
    "/rws/api/{api_version}/devices/{iccid}/sessionInfo",
    response_model=SessionInfo,
    response_model_exclude_unset=True,
)
def get_session_info(request: Request, api_version: str, iccid: str, fields: str | None = None) -> Any:
    if api_version != "v1":
        raise RefusedError(400, "10000024", "Invalid apiVersion")
    account = request.scope["aws.event"]["requestContext"]["authorizer"]["account"]
    info = devices.find(account, iccid)
    if info is None:
        raise RefusedError(404, "20000001", "Resource not found - Invalid ICCID")
    return JSONResponse(devices.selected(info, fields)) if fields else info


handler = Mangum(app, lifespan="off")
