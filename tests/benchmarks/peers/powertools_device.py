"""The device call on Powertools' resolver, with validation."""

from typing import Annotated, Any

import devices
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from models import SessionInfo

app = APIGatewayRestResolver(enable_validation=True)
handler = app.resolve


def _refused(status: int, code: str, message: str) -> Response:
    return Response(status, "application/json", f'{{"errorMessage": "{message}", "errorCode": "{code}"}}')


@app.get("/rws/api/<api_version>/devices/<iccid>/sessionInfo")
def get_session_info(api_version: str, iccid: str, fields: Annotated[str | None, Query()] = None) -> Any:
    if api_version != "v1":
        return _refused(400, "10000024", "Invalid apiVersion")
    account = app.current_event.request_context.authorizer["account"]
    info = devices.find(account, iccid)
    if info is None:
        return _refused(404, "20000001", "Resource not found - Invalid ICCID")
    return devices.selected(SessionInfo(**info).model_dump(exclude_unset=True), fields)
