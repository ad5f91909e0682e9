"""Demonstration accounts and data: made anew at each start, recorded like any other."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from threading import Event
from typing import Any

from infra.local.aws import StartError
from infra.local.functions import Context
from infra.local.queues import BATCH, Recorder, as_record
from infra.local.resources import Queue
from infra.operations import api_keys, queues
from sessions import accounts, secret
from sessions.deployment import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a caller and a sender need. `connection` is what `.local/connection.json` says of the family."""

    connection: dict[str, str] = field(default_factory=dict)
    curl: list[str] = field(default_factory=list)


def prepare(family: Family, queue: Queue | None, usage_plan: str | None, base_url: str, now: datetime) -> Access:
    """Makes the family's demonstration account."""
    demonstration: Any = import_module(f"functions.{family.name}.demonstration")
    api_key = None
    if family.authorizer is not None:
        _make_account(family.name, demonstration.ACCOUNT, now)
        api_key = secret.generate(family.name)
        key_id = api_keys.create(usage_plan, demonstration.ACCOUNT, api_key) if usage_plan else None
        accounts.create_credential(
            family.name,
            demonstration.ACCOUNT,
            now=now,
            secret_value=api_key,
            username=getattr(demonstration, "USERNAME", None),
            api_key_id=key_id,
        )
    urls = {} if queue is None else {"queue_url": queue.url, "dead_letter_queue_url": queue.dead_letter_url}
    plans = {} if usage_plan is None else {"usage_plan_id": usage_plan}
    connection: dict[str, str] = demonstration.connection(api_key) | urls | plans
    return Access(connection=connection, curl=demonstration.curl(base_url, connection))


def record(family: str, queue: Queue, recorder: Recorder, stopping: Event) -> None:
    """Has the family's events recorded, unless the platform is stopping. `StartError` where one cannot be.

    They go to the recorder as from the queue, and not through it: the embedded one slows down with what waits in it.
    """
    demonstration: Any = import_module(f"functions.{family}.demonstration")
    records = [_as_record(number, json.dumps(event)) for number, event in enumerate(demonstration.events())]
    for first in range(0, len(records), BATCH):
        if stopping.is_set():
            return
        batch = {"Records": records[first : first + BATCH]}
        if recorder(batch, Context(f"{family}-demonstration", 30))["batchItemFailures"]:
            raise StartError(f"Demonstration data of {family} was not recorded; the log above says why.")
    if queues.depth(queue.dead_letter_url).waiting:
        raise StartError(f"Demonstration data of {family} was refused; the log above says why.")


def _make_account(family: str, account_id: str, now: datetime) -> None:
    """The account, without live credentials of an earlier start: an engine in moto's place may have kept them."""
    with suppress(accounts.AccountExistsError):
        accounts.create_account(family, account_id, now=now)
    account = accounts.find_account(family, account_id)
    for credential in accounts.list_credentials(account) if account else ():
        accounts.revoke_credential(family, credential.id, now=now)


def _as_record(number: int, body: str) -> dict[str, Any]:
    attributes: Any = {"ApproximateReceiveCount": "1"}
    return as_record(
        {"MessageId": str(number), "ReceiptHandle": "", "Body": body, "Attributes": attributes, "MD5OfBody": ""}
    )
