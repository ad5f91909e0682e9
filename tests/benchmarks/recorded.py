"""The demonstration's data, recorded by the real functions in the tables at hand."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from itertools import islice
from typing import Any

from infra import families
from infra.local.functions import load
from sessions import accounts
from tests.proxy_events import batch


def demonstration(family: str) -> Any:
    return import_module(f"functions.{family}.demonstration")


def record(family: str, *more: Any) -> str:
    """Records the events of the demonstration, and these; the secret of its account's new credential."""
    shown = demonstration(family)
    now = datetime.now(UTC)
    accounts.create_account(family, shown.ACCOUNT, now=now)
    name = getattr(shown, "USERNAME", None)
    _, secret = accounts.create_credential(family, shown.ACCOUNT, now=now, username=name)
    recorder = families.load(family).recorder
    assert recorder is not None
    for ten in tens([*shown.events(), *more]):
        assert load(family, recorder.module)(ten, None) == {"batchItemFailures": []}
    return secret


def tens(events: Iterable[Any]) -> Iterator[Any]:
    """As batches of the queue."""
    left = iter(events)
    while ten := list(islice(left, 10)):
        yield batch(*ten)
