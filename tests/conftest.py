"""What all tests share: an AWS in this process with the families' tables and queues, and a clock to set."""

import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws

from infra import families
from infra.local import resources
from infra.local.aws_server import Server
from infra.local.resources import Queue
from sessions import accounts, clock, dynamodb, endpoint, erasures, recording
from sessions.tables import Table
from tests.accounts import Headers, basic, bearer
from tests.answers import Client
from tests.dynalite import running_dynalite
from tests.platform import Target, eventually

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

os.environ |= {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
}

# A shell's background job has Ctrl-C ignored, and so has all that it starts: the programs of these tests would, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Somebody's engine is for `dynalite` alone; under this name, xdist's workers find it and clients do not.
_ENGINE = "TESTS_DYNAMODB_ENDPOINT"
if "AWS_ENDPOINT_URL_DYNAMODB" in os.environ:
    os.environ[_ENGINE] = os.environ.pop("AWS_ENDPOINT_URL_DYNAMODB")

_client = cache(boto3.client)
"""Making a client costs more than most tests do with it; moto reaches those of earlier tests, too."""


@pytest.fixture(scope="session")
def aws_url() -> Iterator[str]:
    """The address at which the AWS of this process is spoken to by those who do not use boto3."""
    with Server(0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        endpoint.close()
        server.shutdown()


@pytest.fixture
def aws(aws_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Queue]]:
    """Every table and queue, empty, and the settings' defaults; the queues by their family."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", aws_url)
    monkeypatch.setattr(dynamodb, "_transport", endpoint.send)  # whatever a test of the operators' tools has left
    monkeypatch.setattr(boto3, "client", lambda service, **_options: _client(service))
    with mock_aws():
        before = dict(os.environ)
        recording._client.cache_clear()
        erasures._keys.clear()
        found = [families.load(name) for name in families.names()]
        resources.create_tables(found)
        queues = {family.name: resources.create_queue(family) for family in found if family.recorder}
        for family in found:
            os.environ |= family.variables()
        yield queues
        os.environ.clear()
        os.environ |= before


@pytest.fixture(scope="session")
def dynalite() -> Iterator[str]:
    """The address of an engine that counts capacity units: the given one, or one of this process's own."""
    if given := os.environ.get(_ENGINE):
        yield given
    else:
        with running_dynalite() as address:
            yield address
    endpoint.close()


@pytest.fixture
def on_dynalite(dynalite: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In place of `aws`: every table on that engine, empty and under a name of its own, and nothing else of AWS."""
    for name in ("AWS_PROFILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynalite)
    monkeypatch.setattr(dynamodb, "_transport", endpoint.send)
    erasures._keys.clear()
    client = boto3.client("dynamodb")
    found = [families.load(name) for name in families.names()]
    tables = [accounts.TABLE, *(table for family in found for table in family.tables)]
    for table in tables:
        monkeypatch.setenv(table.variable, f"{table.name}-{uuid4()}")
        resources.create_table(client, table._replace(expires=None), table.physical_name)  # dynalite knows no TTL
    for name, value in [variable for family in found for variable in family.variables().items()]:
        monkeypatch.setenv(name, value)
    for table in tables:
        eventually(partial(_is_active, client, table))
    yield
    if _ENGINE in os.environ:  # one that goes on; one of ours forgets quicker than it deletes
        for table in tables:
            client.delete_table(TableName=table.physical_name)
    client.close()


def _is_active(client: "DynamoDBClient", table: Table) -> bool:
    return client.describe_table(TableName=table.physical_name)["Table"]["TableStatus"] == "ACTIVE"


class Clock:
    """The time that functions see, until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still."""
    standing = Clock()
    monkeypatch.setattr(clock, "now", lambda: standing.now)
    return standing


@pytest.fixture
def http(apis: Target) -> Iterator[Client]:
    """A caller of the APIs under test, which the tests' folders define."""
    with Client(apis.base_url, paths=apis.paths) as client:
        yield client


@pytest.fixture
def insurer(apis: Target) -> Headers:
    """The header with the demonstration client's API key."""
    return {"x-api-key": apis.connection["widget"]["api_key"]}


@pytest.fixture
def retailer(apis: Target) -> Headers:
    """The header with the demonstration account's token."""
    return bearer(apis.connection["store"]["token"])


@pytest.fixture
def fleet(apis: Target) -> Headers:
    """The header with the demonstration account's user name and API key."""
    known = apis.connection["device"]
    return basic(known["username"], known["api_key"])


@pytest.fixture
def credentials(insurer: Headers, fleet: Headers, retailer: Headers) -> dict[str, Headers]:
    """By their family, those of the demonstration accounts; nothing where a family asks for none."""
    return {"device": fleet, "knowledge": {}, "store": retailer, "widget": insurer}
