"""What callers wait for is small and quick: the functions of endpoints and authorizers. `make bench` measures them."""

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import orjson
import pytest

from infra import families
from infra.families import FUNCTIONS, ROOT
from infra.function import NOT_CARRIED
from infra.local.functions import load
from tests.proxy_events import request

FUNCTIONS_OF_CALLERS = [
    (family.name, function.module)
    for family in map(families.load, families.names())
    for function in (*family.endpoints, *([family.authorizer] if family.authorizer else []))
]
SLOW = {"boto3", "botocore", "pydantic", "aws_lambda_powertools", "http.client", "email", "urllib.request", "asyncio"}
"""Packages that take longer to be imported than all that such a function does."""
LARGEST = 25_000_000  # octets, unzipped
BYTECODE = 2
"""As many files again, each about as large as its source, and never twice as large."""

_PROGRAM = """
import json, sys
from importlib import import_module
handler = import_module(sys.argv[1]).handler
answer = handler(json.load(sys.stdin), None)
print(json.dumps([answer.get("statusCode") or answer["policyDocument"]["Statement"][0]["Effect"], sorted(sys.modules)]))
"""


def visited() -> None:
    """There is something to be found, where that takes a caller."""
    given = load("knowledge", "associate_session")(request(path={"sessionId": "visitor-1"}), None)
    assert given["statusCode"] == 200


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(("family", "module"), FUNCTIONS_OF_CALLERS, ids="-".join)
def test_a_function_that_callers_wait_for_answers_without_what_is_slow_to_import(family: str, module: str) -> None:
    visited()
    shown = import_module(f"functions.{family}.demonstration")
    account = getattr(shown, "ACCOUNT", "")
    path = {"clientId": account, "userId": "ana", "apiVersion": "v1", "iccid": "1" * 19, "sessionId": "visitor-1"}
    headers = {"x-api-key": "a", "Authorization": f"{'Basic' if family == 'device' else 'Bearer'} YTpi"}
    event = request(path=path, headers=headers, authorizer={"account": account})
    ours = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers" / "sessions" / "python")])}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, f"functions.{family}.{module}"],
        input=json.dumps(event),
        env=ours,
        cwd=Path("/"),
        capture_output=True,
        text=True,
        check=True,
    )
    said, modules = json.loads(done.stdout)
    assert said in (200, 404, "Deny"), done.stderr
    assert "sessions.connection" in modules
    assert not SLOW & set(modules)


@pytest.mark.parametrize("family", families.names())
def test_what_such_a_function_is_deployed_with_is_small(family: str) -> None:
    code = [file for file in (FUNCTIONS / family).glob("*.py") if file.stem not in NOT_CARRIED]
    layer = list((ROOT / "layers" / "sessions").rglob("*.py"))
    wheel = list(Path(orjson.__file__).parent.iterdir())
    assert len(code) > 3
    assert len(layer) > 10
    assert sum(file.stat().st_size for file in (*code, *layer, *wheel)) * (1 + BYTECODE) < LARGEST
