"""Runs several recorders at once, one call to DynamoDB at a time, in an order that chance chooses."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sessions import dynamodb

_CALLS = ("get", "query", "put", "replace", "update", "delete", "batch_get")
_PATIENCE = 30  # seconds


class Interleaving:
    """Before each call a worker waits for its turn; chance, from a seed, says whose it is."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._turns: dict[int, threading.Semaphore] = {}
        self._waiting: set[int] = set()
        self._running: set[int] = set()
        self._changed = threading.Condition()
        self._errors: list[BaseException] = []

    def run(self, *workers: Callable[[], None]) -> None:
        """Returns when all workers are done; raises what one of them raised."""
        threads = [threading.Thread(target=self._work, args=worker, daemon=True) for worker in enumerate(workers)]
        self._running = set(range(len(workers)))
        self._turns = {number: threading.Semaphore(0) for number in self._running}
        for thread in threads:
            thread.start()
        while True:
            with self._changed:
                assert self._changed.wait_for(lambda: self._waiting == self._running, _PATIENCE)
                if not self._running:
                    break
                turn = self._chance.choice(sorted(self._waiting))
                self._waiting.discard(turn)
                self._turns[turn].release()
        for thread in threads:
            thread.join(_PATIENCE)
        if self._errors:
            raise self._errors[0]

    @contextmanager
    def installed(self) -> Iterator[None]:
        """While it is, every call to the door waits for its turn."""
        with pytest.MonkeyPatch.context() as patch:
            for name in _CALLS:
                patch.setattr(dynamodb, name, self._gated(getattr(dynamodb, name)))
            yield

    def _gated(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def gated(*arguments: Any, **options: Any) -> Any:
            name = threading.current_thread().name
            if name.startswith("worker-"):
                self._await_turn(int(name.removeprefix("worker-")))
            return call(*arguments, **options)

        return gated

    def _await_turn(self, number: int) -> None:
        with self._changed:
            self._waiting.add(number)
            self._changed.notify_all()
        assert self._turns[number].acquire(timeout=_PATIENCE)

    def _work(self, number: int, worker: Callable[[], None]) -> None:
        threading.current_thread().name = f"worker-{number}"
        try:
            worker()
        except BaseException as error:  # for the test to see
            self._errors.append(error)
        finally:
            with self._changed:
                self._running.discard(number)
                self._changed.notify_all()
