"""Puts sessions of an export back where there is no queue: the family's own code stores them, several at a time."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import Event, Lock
from typing import get_args

from infra.operations.lines import restoring
from infra.operations.sending import AT_ONCE, WINDOW, Message, Stopped, batches
from sessions import clock


class Restorer:
    """Puts sessions of one family back until `stopping` is set. `note` is told the places that are done with, in any
    thread. `results` counts what became of them, by the family's words.
    """

    def __init__(self, family: str, *, note: Callable[[list[int]], None], stopping: Event) -> None:
        self._restoring = restoring(family)
        self._note = note
        self._stopping = stopping
        self._lock = Lock()
        self.results = outcomes(family)

    def send(self, messages: Iterable[Message], after_window: Callable[[], None]) -> None:
        """All of them, in windows. `Stopped` where told to."""
        waiting = batches(messages)
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="restore") as pool:
            try:
                while not self._stopping.is_set() and (window := list(islice(waiting, WINDOW // AT_ONCE))):
                    for done in [pool.submit(self._restore, batch) for batch in window]:
                        done.result()
                    after_window()
            except BaseException:
                self._stopping.set()
                raise
        if self._stopping.is_set():
            raise Stopped

    def _restore(self, batch: list[Message]) -> None:
        places = []
        try:
            for message in batch:
                if self._stopping.is_set():
                    return
                session = self._restoring.SESSIONS.validate_json(message.body)
                result = self._restoring.restore(session, now=clock.now())
                places.append(message.place)
                with self._lock:
                    self.results[result] += 1
        finally:
            if places:
                self._note(places)


def outcomes(family: str) -> dict[str, int]:
    """What may become of a session that is put back; of each, none yet."""
    return dict.fromkeys(get_args(restoring(family).Restored), 0)
