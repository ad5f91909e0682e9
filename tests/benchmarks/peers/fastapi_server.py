"""The device call on FastAPI and uvicorn, with HTTP Basic, in the tables of the local platform."""

import hashlib
import json
import secrets
from typing import Annotated, Any

import boto3
import devices
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from models import SessionInfo

app = FastAPI()
_basic = HTTPBasic()
_dynamodb = boto3.resource("dynamodb")
_accounts, _sessions = _dynamodb.Table("accounts"), _dynamodb.Table("device-sessions")


def account(given: Annotated[HTTPBasicCredentials, Depends(_basic)]) -> str:
    """Whose user name and key these are."""
    digest = hashlib.sha256(given.password.encode()).hexdigest()
    key = {"partition": f"credential#device#{digest[:20]}", "sort": "credential"}
    known = _accounts.get_item(Key=key).get("Item")
    if known is None or not secrets.compare_digest(known["digest"], digest) or known["username"] != given.username:
        raise HTTPException(401, "Invalid credentials")
    return str(known["account"])


@app.get("/rws/api/v1/devices/{iccid}/sessionInfo", response_model=SessionInfo, response_model_exclude_unset=True)
def get_session_info(iccid: str, caller: Annotated[str, Depends(account)], fields: str | None = None) -> Any:
    item = _sessions.get_item(Key={"iccid": iccid, "item": "device"}).get("Item")
    if item is None or item["account"] != caller:
        raise HTTPException(404, "Resource not found - Invalid ICCID")
    return devices.selected(json.loads(item["body"]), fields)
