"""What all tests share: an AWS in this process with the families' tables and queues, and a clock to set."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

import boto3
import pytest
from moto import mock_aws

from infra import families
from infra.local import resources
from infra.local.resources import Queue
from sessions import clock, dynamodb, recording

os.environ |= {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}

_client = cache(boto3.client)
"""Making a client costs more than most tests do with it; moto reaches those of earlier tests, too."""


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Queue]]:
    """Every table and queue, empty, and the settings' defaults; the queues by their family."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(boto3, "client", lambda service, **_options: _client(service))
    with mock_aws():
        before = dict(os.environ)
        dynamodb._client.cache_clear()
        recording._client.cache_clear()
        found = [families.load(name) for name in families.names()]
        resources.create_tables(found)
        queues = {family.name: resources.create_queue(family) for family in found if family.recorder}
        for family in found:
            os.environ |= family.variables()
        yield queues
        os.environ.clear()
        os.environ |= before


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
