"""Demonstration accounts and data: made anew at each start, recorded through the queues like any other."""

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from typing import Any, cast

import boto3

from infra.local import resources
from infra.local.aws import StartError
from infra.local.resources import Queue
from sessions import accounts, secret
from sessions.deployment import Family

_BATCH = 10
_LONGEST_WAIT = 60  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a caller and a sender need. `connection` is what `.local/connection.json` says of the family."""

    connection: dict[str, str] = field(default_factory=dict)
    curl: list[str] = field(default_factory=list)


def prepare(family: Family, queue: Queue | None, usage_plan: str | None, base_url: str, now: datetime) -> Access:
    """Makes the family's demonstration account and sends its events."""
    demonstration: Any = import_module(f"functions.{family.name}.demonstration")
    api_key = None
    if family.authorizer is not None:
        _make_account(family.name, demonstration.ACCOUNT, now)
        api_key = secret.generate(family.name)
        key_id = resources.create_api_key(usage_plan, demonstration.ACCOUNT, api_key) if usage_plan else None
        accounts.create_credential(
            family.name,
            demonstration.ACCOUNT,
            now=now,
            secret_value=api_key,
            username=getattr(demonstration, "USERNAME", None),
            api_key_id=key_id,
        )
    if queue is not None:
        _send(queue, demonstration.events())
    queues = {} if queue is None else {"queue_url": queue.url, "dead_letter_queue_url": queue.dead_letter_url}
    connection: dict[str, str] = demonstration.connection(api_key) | queues
    return Access(connection=connection, curl=demonstration.curl(base_url, connection))


def _make_account(family: str, account_id: str, now: datetime) -> None:
    """The account, without live credentials of an earlier start: an engine in moto's place may have kept them."""
    with suppress(accounts.AccountExistsError):
        accounts.create_account(family, account_id, now=now)
    account = accounts.find_account(family, account_id)
    for credential in accounts.list_credentials(account) if account else ():
        accounts.revoke_credential(family, credential.id, now=now)


def wait_until_recorded(queues: list[Queue]) -> None:
    """Returns once the queues are empty. `StartError` where an event could not be recorded."""
    client = boto3.client("sqs")
    deadline = time.monotonic() + _LONGEST_WAIT
    counts: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    for queue in queues:
        while any(map(int, _attributes(client, queue.url, counts))):
            if time.monotonic() > deadline:
                raise StartError("The demonstration data was not recorded; the log above says why.")
            time.sleep(0.02)
        if any(map(int, _attributes(client, queue.dead_letter_url, counts))):
            raise StartError("Some demonstration data was refused; the log above says why.")


def _attributes(client: Any, url: str, names: list[str]) -> list[str]:
    return list(client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values())


def _send(queue: Queue, events: list[dict[str, Any]]) -> None:
    client = boto3.client("sqs")
    for first in range(0, len(events), _BATCH):
        batch = events[first : first + _BATCH]
        entries = [{"Id": str(number), "MessageBody": json.dumps(event)} for number, event in enumerate(batch)]
        client.send_message_batch(QueueUrl=queue.url, Entries=cast(Any, entries))
