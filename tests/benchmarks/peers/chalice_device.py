"""The device call on Chalice."""

from typing import Any

import devices
from chalice import Chalice, Response

app = Chalice(app_name="device")
handler = app


@app.route("/rws/api/{apiVersion}/devices/{iccid}/sessionInfo")
def get_session_info(apiVersion: str, iccid: str) -> Any:
    if apiVersion != "v1":
        return Response({"errorMessage": "Invalid apiVersion", "errorCode": "10000024"}, status_code=400)
    account = app.current_request.context["authorizer"]["account"]
    info = devices.find(account, iccid)
    if info is None:
        body = {"errorMessage": "Resource not found - Invalid ICCID", "errorCode": "20000001"}
        return Response(body, status_code=404)
    return devices.selected(info, (app.current_request.query_params or {}).get("fields"))
